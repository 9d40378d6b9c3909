//! Blocks of row keys.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use bytes::Bytes;

use super::block::{self, Encoding};
use super::{Damage, Trust, plain, zstd};
use crate::error::Result;
use crate::pack::key_column::int_keys;
use crate::types::{KeyArray, KeyKind, StoredType};

/// The block of one zone's keys.
pub(crate) fn encode_keys(keys: &KeyArray, _sorted: bool) -> Result<Vec<u8>> {
    match keys {
        KeyArray::Int(keys) => super::encode(&(Arc::new(keys.clone()) as ArrayRef), StoredType::Int64),
        KeyArray::Bytes(keys) => {
            let mut payload = Vec::new();
            plain::encode_bytes(&mut payload, keys.len(), keys.iter().map(Option::unwrap_or_default));
            let compressed = zstd::encode(&payload);
            let (encoding, body) = match &compressed {
                Some(compressed) => (Encoding::Zstd, compressed),
                None => (Encoding::Plain, &payload),
            };
            let mut out = block::begin(encoding, keys, payload.len() as u64);
            out.extend_from_slice(body);
            Ok(out)
        }
    }
}

/// The `rows` keys of a block.
pub(crate) fn decode_keys(bytes: &Bytes, kind: KeyKind, rows: usize) -> Result<KeyArray, Damage> {
    if kind == KeyKind::Int {
        let array = super::decode(bytes, StoredType::Int64, rows, Trust::Checked)?;
        if array.null_count() > 0 {
            return Err(Damage::new("a row key is NULL"));
        }
        return Ok(int_keys(&array));
    }
    let block = block::open(bytes, rows)?;
    let payload = match block.encoding {
        Encoding::Plain => block.payload.clone(),
        Encoding::Zstd => zstd::decode(&block.payload, block.word)?,
        Encoding::Constant => return Err(Damage::new("constant")),
    };
    let (offsets, bytes) = plain::split_bytes(&payload, rows)?;
    if bytes.len() > i32::MAX as usize {
        return Err(Damage::new(format!("{} bytes of keys are too many", bytes.len())));
    }
    let offsets: Vec<i32> = offsets.into_iter().map(|o| o as i32).collect();
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let array = BinaryArray::try_new(offsets, Buffer::from(bytes), None)
        .map_err(|e| Damage::new(format!("the keys are damaged: {e}")))?;
    Ok(KeyArray::Bytes(array))
}
