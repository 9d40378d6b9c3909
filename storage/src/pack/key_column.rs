//! An integer primary key is stored once: as the row keys. Its column is made of them on the way
//! out, and checked against them on the way in.
//!
//! Signed columns hold the key as it is. Of an unsigned column's value the key is the 64-bit form
//! with the top bit flipped, so that the signed order of keys is the unsigned order of values.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, UInt64Array};
use arrow::compute::{CastOptions, cast_with_options};

use super::encoding::Damage;
use crate::types::{KeyArray, StoredType};

/// The column that holds `keys`. It is damage if a key does not fit the type, or if the type cannot be
/// a key.
pub(super) fn keys_to_column(keys: &KeyArray, data_type: StoredType) -> Result<ArrayRef, Damage> {
    let KeyArray::Int(keys) = keys else {
        return Err(Damage::new("a key column needs integer keys"));
    };
    let wide: ArrayRef = match data_type {
        StoredType::Int64 => return Ok(Arc::new(keys.clone())),
        StoredType::Int8 | StoredType::Int16 | StoredType::Int32 | StoredType::Date32 => Arc::new(keys.clone()),
        StoredType::TimestampMicros | StoredType::TimestampMicrosUtc | StoredType::DurationMicros => {
            Arc::new(keys.clone())
        }
        StoredType::UInt8 | StoredType::UInt16 | StoredType::UInt32 | StoredType::UInt64 => Arc::new(unsigned(keys)),
        StoredType::Float32
        | StoredType::Float64
        | StoredType::Decimal128(..)
        | StoredType::Decimal256(..)
        | StoredType::Utf8
        | StoredType::Binary => {
            return Err(Damage::new(format!("a {data_type:?} column cannot be the integer row key")));
        }
    };
    let wide = match data_type {
        // Arrow casts to dates from 32 bits only.
        StoredType::Date32 => strict_cast(&wide, StoredType::Int32)?,
        _ => wide,
    };
    strict_cast(&wide, data_type)
}

fn unsigned(keys: &Int64Array) -> UInt64Array {
    keys.unary(|k| (k as u64) ^ (1 << 63))
}

fn strict_cast(array: &ArrayRef, to: StoredType) -> Result<ArrayRef, Damage> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, &to.arrow(), &options)
        .map_err(|e| Damage::new(format!("a row key does not fit its column: {e}")))
}
