//! A column's block by its type, and back.

use arrow::array::{Array, ArrayData, ArrayRef, UInt32Array, make_array, new_null_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::compute::take;
use bytes::Bytes;

use super::block::{self, Block, Encoding, Nulls};
use super::dictionary::{self, Coded};
use super::{Damage, Trust, float, integer, text, wide};
use crate::error::Result;
use crate::types::StoredType;

/// What an encoder brings: the encoding, the header's own field, the payload.
pub(super) type Encoded = (Encoding, u64, Vec<u8>);

/// The block of one zone's column.
pub(crate) fn encode(array: &ArrayRef, data_type: StoredType) -> Result<Vec<u8>> {
    if array.logical_null_count() == array.len() {
        return Ok(block::assemble(array, Encoding::Plain, 0, &[]));
    }
    let (encoding, word, payload) = match data_type {
        StoredType::Utf8 | StoredType::Binary => text::encode(array),
        StoredType::Float32 | StoredType::Float64 => float::encode(array, data_type),
        _ => match integer::numbers(array, data_type) {
            Some(numbers) => integer::encode_array(&numbers, array, data_type),
            None => wide::encode(array, data_type),
        },
    };
    Ok(block::assemble(array, encoding, word, &payload))
}

/// The `rows` values of a block.
pub(crate) fn decode(bytes: &Bytes, data_type: StoredType, rows: usize, trust: Trust) -> Result<ArrayRef, Damage> {
    let block = block::open(bytes, rows)?;
    let nulls = match &block.nulls {
        Nulls::All => return Ok(new_null_array(&data_type.arrow(), rows)),
        Nulls::Some(nulls) => nulls.clone(),
    };
    if matches!(data_type, StoredType::Utf8 | StoredType::Binary) {
        return text::decode(&block, data_type, nulls, trust);
    }
    fixed_array(data_type, rows, fixed_buffer(&block, data_type)?, nulls)
}

/// The values in some rows, ascending, of a block that was decoded before without damage.
pub(crate) fn decode_rows(
    bytes: &Bytes,
    data_type: StoredType,
    rows: usize,
    wanted: &[u32],
) -> Result<ArrayRef, Damage> {
    if let Some(row) = wanted.iter().find(|row| **row as usize >= rows) {
        return Err(Damage::new(format!("row {row} of a zone of {rows}")));
    }
    let block = block::open(bytes, rows)?;
    let nulls = match &block.nulls {
        Nulls::All => return Ok(new_null_array(&data_type.arrow(), wanted.len())),
        Nulls::Some(None) => None,
        Nulls::Some(Some(nulls)) => {
            Some(NullBuffer::new(BooleanBuffer::collect_bool(wanted.len(), |i| nulls.is_valid(wanted[i] as usize))))
        }
    };
    // Unpacking in bulk is so much faster than row by row that it pays for a quarter of the rows.
    if wanted.len() * 4 < rows {
        if matches!(data_type, StoredType::Utf8 | StoredType::Binary) {
            if let Some(array) = text::decode_rows(&block, data_type, wanted, nulls.clone()) {
                return array;
            }
        } else if let Some(buffer) = numbers_buffer(&block, data_type, Some(wanted)) {
            return fixed_array(data_type, wanted.len(), buffer?, nulls);
        }
    }
    let all = decode(bytes, data_type, rows, Trust::Checked)?;
    take(&all, &UInt32Array::from(wanted.to_vec()), None).map_err(|e| Damage::new(e.to_string()))
}

/// A block of text, which was decoded before without damage, as codes into its distinct values; `None`
/// if it has no dictionary.
pub(crate) fn decode_coded(bytes: &Bytes, data_type: StoredType, rows: usize) -> Result<Option<Coded>, Damage> {
    let block = block::open(bytes, rows)?;
    match (&block.nulls, block.encoding, data_type) {
        (Nulls::Some(nulls), Encoding::Dictionary, StoredType::Utf8 | StoredType::Binary) => {
            dictionary::decode_coded(&block.payload, rows, data_type, nulls.as_ref()).map(Some)
        }
        _ => Ok(None),
    }
}

/// The values of a block of fixed-width type, in Arrow's layout.
fn fixed_buffer(block: &Block, data_type: StoredType) -> Result<Buffer, Damage> {
    numbers_buffer(block, data_type, None).unwrap_or_else(|| wide::decode(block, data_type))
}

/// As [`fixed_buffer`], of blocks that hold numbers; with `rows`, of those rows, if that is cheaper.
fn numbers_buffer(block: &Block, data_type: StoredType, rows: Option<&[u32]>) -> Option<Result<Buffer, Damage>> {
    let is_float = matches!(data_type, StoredType::Float32 | StoredType::Float64);
    if is_float && block.encoding == Encoding::Decimals {
        return float::decode(block, data_type, rows);
    }
    integer::buffer(block, data_type, rows)
}

/// An array of `rows` values out of `values`, which hold them in Arrow's layout.
fn fixed_array(
    data_type: StoredType,
    rows: usize,
    values: Buffer,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, Damage> {
    let data = ArrayData::builder(data_type.arrow())
        .len(rows)
        .add_buffer(values)
        .nulls(nulls)
        // Copies values that lie askew, as they may in files held in memory; mapped blocks never do.
        .align_buffers(true)
        .build()
        .map_err(|e| Damage::new(format!("the values are no array of {data_type:?}: {e}")))?;
    Ok(make_array(data))
}
