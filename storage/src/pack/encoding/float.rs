//! Floats: decimal ones as numbers, others as they are.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{Float32Type, Float64Type};

use super::block::{Block, Encoding};
use super::column::Encoded;
use super::{Damage, decimals, wide};
use crate::types::StoredType;

/// The best encoding of an array with at least one value.
pub(super) fn encode(array: &ArrayRef, data_type: StoredType) -> Encoded {
    let payload = if data_type == StoredType::Float32 {
        let array = array.as_primitive::<Float32Type>();
        let values: Vec<f32> = filled(array.values(), array);
        decimals::encode(&values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>(), |back, i| {
            (back as f32).to_bits() == values[i].to_bits()
        })
    } else {
        let array = array.as_primitive::<Float64Type>();
        let values: Vec<f64> = filled(array.values(), array);
        decimals::encode(&values, |back, i| back.to_bits() == values[i].to_bits())
    };
    match payload {
        Some((exponent, payload)) if payload.len() * 4 < array.len() * wide::width(data_type) * 3 => {
            (Encoding::Decimals, exponent, payload)
        }
        Some(_) | None => wide::encode(array, data_type),
    }
}

/// The values of a block of decimals, or of some of its rows: see [`decimals::decode`].
pub(super) fn decode(block: &Block, data_type: StoredType, rows: Option<&[u32]>) -> Option<Result<Buffer, Damage>> {
    let values = decimals::decode(block, rows)?;
    Some(values.map(|values| match data_type {
        StoredType::Float32 => Buffer::from_vec(values.into_iter().map(|v| v as f32).collect()),
        _ => Buffer::from_vec(values),
    }))
}

/// The values, with that of a valid row in the place of NULLs.
fn filled<T: Copy>(values: &[T], array: &dyn Array) -> Vec<T> {
    let Some(first) = (0..array.len()).find(|row| array.is_valid(*row)) else { return values.to_vec() };
    values.iter().enumerate().map(|(row, v)| if array.is_valid(row) { *v } else { values[first] }).collect()
}
