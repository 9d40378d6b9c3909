//! Values of fixed width that are no numbers of 64 bits: large decimals, and floats of which
//! [`super::decimals`] makes nothing.
//!
//! Each value is its bytes in Arrow's layout. A constant has them once; byte planes serve decimals,
//! of which only the low bytes differ.

use arrow::array::{Array, ArrayRef};
use arrow::buffer::Buffer;
use bytes::Bytes;

use super::block::{Block, Encoding};
use super::column::Encoded;
use super::{Damage, plain, planes, zstd};
use crate::types::StoredType;

/// Compression of values must save one part in so many: they are read in place otherwise.
const VALUES_SAVE: usize = 4;

/// Bytes of a value; 0 for text.
pub(super) fn width(data_type: StoredType) -> usize {
    data_type.arrow().primitive_width().unwrap_or(0)
}

/// The best encoding of an array with at least one value.
pub(super) fn encode(array: &ArrayRef, data_type: StoredType) -> Encoded {
    let width = width(data_type);
    let mut values = plain::fixed(array, data_type);
    let first = (0..array.len()).find(|row| array.is_valid(*row)).unwrap_or(0);
    let first = values[first * width..][..width].to_vec();
    for (row, value) in values.chunks_exact_mut(width).enumerate() {
        if array.is_null(row) {
            value.copy_from_slice(&first);
        }
    }
    if values.chunks_exact(width).all(|value| value == first) {
        return (Encoding::Constant, 0, first);
    }
    if matches!(data_type, StoredType::Decimal128(..) | StoredType::Decimal256(..)) {
        let mut payload = Vec::new();
        planes::encode(&mut payload, &values, width);
        if payload.len() * 10 < values.len() * 9 {
            return (Encoding::Planes, 0, payload);
        }
    }
    match zstd::encode(&values, VALUES_SAVE) {
        Some(compressed) => (Encoding::Zstd, values.len() as u64, compressed),
        None => (Encoding::Plain, 0, values),
    }
}

/// The values of a block.
pub(super) fn decode(block: &Block, data_type: StoredType) -> Result<Buffer, Damage> {
    let len = block.rows * width(data_type);
    let payload = &block.payload;
    let values = match block.encoding {
        Encoding::Plain => payload.clone(),
        Encoding::Zstd => zstd::decode(payload, block.word)?,
        Encoding::Planes => planes::Planes::read(payload, block.rows)?.unpack().into(),
        Encoding::Constant if payload.len() == width(data_type) => Bytes::from(payload.repeat(block.rows)),
        Encoding::Constant
        | Encoding::BitPacked
        | Encoding::Rle
        | Encoding::Delta
        | Encoding::Dictionary
        | Encoding::Fsst
        | Encoding::Decimals => {
            return Err(Damage::new(format!("{:?} is no encoding of {data_type:?}", block.encoding)));
        }
    };
    if values.len() != len {
        return Err(Damage::new(format!("{} values in {} bytes", block.rows, values.len())));
    }
    Ok(Buffer::from(values))
}
