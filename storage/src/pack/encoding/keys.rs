//! Blocks of row keys, and searching in them without unpacking them.
//!
//! Integer keys are numbers; sorted ones usually come out as differences. Keys of bytes are divided
//! into planes if they are of one length, else stored as text is, without a dictionary.

use std::cmp::Ordering;

use arrow::array::{BinaryArray, Int64Array};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use bytes::Bytes;

use super::bitpack::{GROUP, Sequence};
use super::block::{self, Block, Encoding, Nulls};
use super::delta::Deltas;
use super::planes::{self, Planes};
use super::text::{self, Values};
use super::{Damage, integer, plain, zstd};
use crate::types::{KeyArray, KeyKind, KeyRef, search};

/// The block of one zone's keys.
pub(crate) fn encode_keys(keys: &KeyArray) -> Vec<u8> {
    match keys {
        KeyArray::Int(keys) => {
            let (encoding, payload) = integer::encode(keys.values());
            block::assemble(keys, encoding, 0, &payload)
        }
        KeyArray::Bytes(keys) => {
            let values = Values::from_iter(keys.iter().map(Option::unwrap_or_default));
            let (encoding, word, payload) = encode_planes(&values).unwrap_or_else(|| text::encode_plain(&values));
            block::assemble(keys, encoding, word, &payload)
        }
    }
}

fn encode_planes(values: &Values<'_>) -> Option<(Encoding, u64, Vec<u8>)> {
    let length = values.as_slice().first()?.len();
    if length == 0 || length > planes::MAX_LENGTH || values.iter().any(|v| v.len() != length) {
        return None;
    }
    let mut payload = Vec::new();
    planes::encode(&mut payload, &values.as_slice().concat(), length);
    (payload.len() * 2 < values.bytes()).then_some((Encoding::Planes, 0, payload))
}

/// The `rows` keys of a block.
pub(crate) fn decode_keys(bytes: &Bytes, kind: KeyKind, rows: usize) -> Result<KeyArray, Damage> {
    let block = open(bytes, rows)?;
    match kind {
        KeyKind::Int => {
            let numbers = integer::decode(&block).unwrap_or_else(|| Err(unknown(&block)))?;
            Ok(KeyArray::Int(Int64Array::new(numbers.into(), None)))
        }
        KeyKind::Bytes => decode_bytes(&block),
    }
}

fn open(bytes: &Bytes, rows: usize) -> Result<Block, Damage> {
    let block = block::open(bytes, rows)?;
    match block.nulls {
        Nulls::Some(None) => Ok(block),
        Nulls::Some(Some(_)) | Nulls::All => Err(Damage::new("a row key is NULL")),
    }
}

fn unknown(block: &Block) -> Damage {
    Damage::new(format!("{:?} is no encoding of row keys", block.encoding))
}

fn decode_bytes(block: &Block) -> Result<KeyArray, Damage> {
    let payload = match block.encoding {
        Encoding::Planes => {
            let planes = Planes::read(&block.payload, block.rows)?;
            let offsets = OffsetBuffer::from_repeated_length(planes.length(), block.rows);
            return Ok(KeyArray::Bytes(BinaryArray::new(offsets, Buffer::from_vec(planes.unpack()), None)));
        }
        Encoding::Plain => block.payload.clone(),
        Encoding::Zstd => zstd::decode(&block.payload, block.word)?,
        Encoding::Constant
        | Encoding::BitPacked
        | Encoding::Rle
        | Encoding::Delta
        | Encoding::Dictionary
        | Encoding::Fsst
        | Encoding::Decimals => return Err(unknown(block)),
    };
    let (offsets, bytes) = plain::split_bytes(&payload, block.rows)?;
    if bytes.len() > i32::MAX as usize {
        return Err(Damage::new(format!("{} bytes of keys are too many", bytes.len())));
    }
    let offsets: ScalarBuffer<i32> = offsets.into_iter().map(|o| o as i32).collect();
    Ok(KeyArray::Bytes(BinaryArray::new(OffsetBuffer::new(offsets), Buffer::from(bytes), None)))
}

/// Sorted keys that can be searched.
pub(crate) enum KeyBlock<'a> {
    /// Packed numbers, read one by one.
    Packed(Sequence<'a>),
    /// Differences: the first number of each group, then one group unpacked.
    Deltas(Deltas<'a>, usize),
    /// Byte planes, read row by row.
    Planes(Planes<'a>, usize),
    /// Anything else, unpacked.
    Unpacked(KeyArray),
}

impl KeyBlock<'_> {
    /// Opens the block at `bytes` for a search, and gives it to `search`. The block was decoded
    /// before without damage.
    pub(crate) fn with<T>(
        bytes: &Bytes,
        kind: KeyKind,
        rows: usize,
        search: impl FnOnce(&KeyBlock<'_>) -> T,
    ) -> Result<T, Damage> {
        let block = open(bytes, rows)?;
        let keys = match (kind, block.encoding) {
            (KeyKind::Int, Encoding::BitPacked) => KeyBlock::Packed(Sequence::read(&block.payload, rows)?.0),
            (KeyKind::Int, Encoding::Delta) => KeyBlock::Deltas(Deltas::read(&block.payload, rows)?, rows),
            (KeyKind::Bytes, Encoding::Planes) => KeyBlock::Planes(Planes::read(&block.payload, rows)?, rows),
            _ => KeyBlock::Unpacked(decode_keys(bytes, kind, rows)?),
        };
        Ok(search(&keys))
    }

    /// The first row from `from` on whose key is at or after `key`, and whether it is `key`.
    pub(crate) fn lower_bound(&self, key: KeyRef<'_>, from: usize) -> (usize, bool) {
        match (self, key) {
            (Self::Packed(sequence), KeyRef::Int(key)) => {
                search(from, sequence.len(), |row| sequence.get(row).cmp(&key))
            }
            (Self::Deltas(deltas, rows), KeyRef::Int(key)) => search_deltas(deltas, *rows, key, from),
            (Self::Planes(planes, rows), KeyRef::Bytes(key)) => {
                let mut row_key = Vec::new();
                search(from, *rows, |row| {
                    planes.get(row, &mut row_key);
                    row_key.as_slice().cmp(key)
                })
            }
            (Self::Unpacked(keys), key) => search_unpacked(keys, key, from),
            // Integer keys sort before keys of bytes.
            (Self::Packed(_) | Self::Deltas(..), KeyRef::Bytes(_)) => (self.len(), false),
            (Self::Planes(..), KeyRef::Int(_)) => (from, false),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Packed(sequence) => sequence.len(),
            Self::Deltas(_, rows) | Self::Planes(_, rows) => *rows,
            Self::Unpacked(keys) => keys.len(),
        }
    }
}

fn search_unpacked(keys: &KeyArray, key: KeyRef<'_>, from: usize) -> (usize, bool) {
    match (keys, key) {
        (KeyArray::Int(keys), KeyRef::Int(key)) => {
            let keys = keys.values();
            search(from, keys.len(), |row| keys[row].cmp(&key))
        }
        (keys, key) => search(from, keys.len(), |row| keys.compare(row, key)),
    }
}

fn search_deltas(deltas: &Deltas<'_>, rows: usize, key: i64, from: usize) -> (usize, bool) {
    if from >= rows {
        return (rows, false);
    }
    let (after, _) = search(from / GROUP, deltas.groups(), |group| match deltas.first(group).cmp(&key) {
        Ordering::Equal => Ordering::Less,
        other => other,
    });
    // The group before the first one that starts after the key.
    let group = after.saturating_sub(1).max(from / GROUP);
    let (mut differences, mut numbers) = (Vec::with_capacity(GROUP), Vec::<i64>::with_capacity(GROUP));
    deltas.group(group, &mut differences, &mut numbers);
    let start = group * GROUP;
    let end = numbers.len().min(rows - start);
    let (row, found) = search(from.saturating_sub(start), end, |row| numbers[row].cmp(&key));
    (start + row, found)
}
