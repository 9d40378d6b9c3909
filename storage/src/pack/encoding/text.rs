//! Text and binary values, and which encoding a block of them gets.
//!
//! | encoding | when |
//! |---|---|
//! | constant | one value |
//! | dictionary | if smaller than half of the plain form |
//! | FSST | short values, if a sample shrinks by a third |
//! | zstd | if it saves an eighth |
//! | plain | else |

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use bytes::Bytes;

use super::block::{Block, Encoding};
use super::{Damage, Trust, dictionary, fsst, plain, zstd};
use crate::types::StoredType;

/// Values longer than this on average compress better all together than one by one.
const FSST_VALUE_BYTES: usize = 200;

/// Compression of text must save one part in so many.
const TEXT_SAVES: usize = 8;

/// The values of a block, NULL as nothing.
#[derive(Clone, Debug)]
pub(super) struct Values<'a>(Vec<&'a [u8]>);

impl<'a> Values<'a> {
    /// The values of a text or binary array.
    pub(super) fn of(array: &'a ArrayRef) -> Self {
        Self(match array.as_string_view_opt() {
            Some(text) => text.iter().map(|v| v.unwrap_or_default().as_bytes()).collect(),
            None => array.as_binary_view().iter().map(Option::unwrap_or_default).collect(),
        })
    }

    /// The given values.
    pub(super) fn from_iter(values: impl Iterator<Item = &'a [u8]>) -> Self {
        Self(values.collect())
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The values, row by row.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.0.iter().copied()
    }

    /// All of them.
    pub(super) fn as_slice(&self) -> &[&'a [u8]] {
        &self.0
    }

    /// Bytes of all values.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|v| v.len()).sum()
    }
}

/// The best encoding of `array`: with the header's own field, and the payload.
pub(super) fn encode(array: &ArrayRef) -> (Encoding, u64, Vec<u8>) {
    let values = Values::of(array);
    let first_valid = (0..array.len()).find(|row| array.is_valid(*row)).unwrap_or(0);
    let first = values.as_slice()[first_valid];
    if (0..array.len()).all(|row| array.is_null(row) || values.as_slice()[row] == first) {
        return (Encoding::Constant, 0, first.to_vec());
    }
    let plain_bytes = values.bytes() + values.len();
    if let Some(payload) = dictionary::encode_text(&values, plain_bytes / 2) {
        return (Encoding::Dictionary, 0, payload);
    }
    if values.bytes() / values.len() <= FSST_VALUE_BYTES
        && let Some(payload) = fsst::encode(&values)
    {
        return (Encoding::Fsst, 0, payload);
    }
    encode_plain(&values)
}

/// Plain or, if that is smaller, compressed.
pub(super) fn encode_plain(values: &Values<'_>) -> (Encoding, u64, Vec<u8>) {
    let mut payload = Vec::new();
    plain::encode_bytes(&mut payload, values.iter());
    match zstd::encode(&payload, TEXT_SAVES) {
        Some(compressed) => (Encoding::Zstd, payload.len() as u64, compressed),
        None => (Encoding::Plain, 0, payload),
    }
}

/// The array of a block.
pub(super) fn decode(
    block: &Block,
    data_type: StoredType,
    nulls: Option<NullBuffer>,
    trust: Trust,
) -> Result<ArrayRef, Damage> {
    let (payload, rows) = (&block.payload, block.rows);
    match block.encoding {
        Encoding::Plain => plain::decode_text(payload, rows, data_type, nulls, trust),
        Encoding::Zstd => plain::decode_text(&zstd::decode(payload, block.word)?, rows, data_type, nulls, trust),
        Encoding::Constant => constant(payload, rows, data_type, nulls, trust),
        Encoding::Dictionary => dictionary::decode_text(payload, rows, data_type, nulls, trust),
        Encoding::Fsst => fsst::decode(payload, rows, data_type, nulls, trust),
        Encoding::BitPacked | Encoding::Rle | Encoding::Delta | Encoding::Planes | Encoding::Decimals => {
            Err(Damage::new(format!("{:?} is no encoding of text", block.encoding)))
        }
    }
}

/// The values in some rows of a block that was decoded before; `None` if they cost as much as all.
pub(super) fn decode_rows(
    block: &Block,
    data_type: StoredType,
    wanted: &[u32],
    nulls: Option<NullBuffer>,
) -> Option<Result<ArrayRef, Damage>> {
    let (payload, rows) = (&block.payload, block.rows);
    match block.encoding {
        Encoding::Plain => Some(plain::decode_rows(payload, rows, wanted, data_type, nulls)),
        Encoding::Constant => Some(constant(payload, wanted.len(), data_type, nulls, Trust::Checked)),
        Encoding::Dictionary => Some(dictionary::decode_text_rows(payload, rows, wanted, data_type, nulls)),
        Encoding::Fsst => Some(fsst::decode_rows(payload, rows, wanted, data_type, nulls)),
        Encoding::Zstd
        | Encoding::BitPacked
        | Encoding::Rle
        | Encoding::Delta
        | Encoding::Planes
        | Encoding::Decimals => None,
    }
}

fn constant(
    payload: &Bytes,
    rows: usize,
    data_type: StoredType,
    nulls: Option<NullBuffer>,
    trust: Trust,
) -> Result<ArrayRef, Damage> {
    let view = plain::views(&[0, payload.len() as u32], payload);
    if trust == Trust::Fresh {
        plain::text(data_type, view.clone(), payload.clone(), None, trust)?;
    }
    plain::text(data_type, vec![view[0]; rows], payload.clone(), nulls, Trust::Checked)
}
