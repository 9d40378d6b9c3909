//! All rows that are not NULL hold one value.
//!
//! Payload: the value; of fixed-width types their little-endian bytes, of text its bytes.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryViewArray, Decimal128Array, Decimal256Array, Float32Array, Float64Array, StringViewArray,
    new_null_array,
};
use arrow::buffer::Buffer;

use crate::error::{Error, Result};
use crate::types::{StoredType, Value};

/// An array of `rows` times `value`. Fails with [`Error::Invalid`] if the value is not of the type.
pub(crate) fn repeat(value: &Value, data_type: StoredType, rows: usize) -> Result<ArrayRef> {
    let wrong = || Error::Invalid(format!("{value:?} is no value of type {data_type:?}"));
    Ok(match (value, data_type) {
        (Value::Null, _) => new_null_array(&data_type.arrow(), rows),
        (Value::Float(v), StoredType::Float32) => Arc::new(Float32Array::from_value(*v as f32, rows)),
        (Value::Float(v), StoredType::Float64) => Arc::new(Float64Array::from_value(*v, rows)),
        (Value::Decimal(v), StoredType::Decimal128(p, s)) => {
            Arc::new(Decimal128Array::from_value(*v, rows).with_precision_and_scale(p, s)?)
        }
        (Value::BigDecimal(v), StoredType::Decimal256(p, s)) => {
            Arc::new(Decimal256Array::from_value(*v, rows).with_precision_and_scale(p, s)?)
        }
        (Value::Bytes(v), StoredType::Utf8) => {
            let text = std::str::from_utf8(v).map_err(|_| wrong())?;
            Arc::new(std::iter::repeat_n(Some(text), rows).collect::<StringViewArray>())
        }
        (Value::Bytes(v), StoredType::Binary) => {
            Arc::new(std::iter::repeat_n(Some(v), rows).collect::<BinaryViewArray>())
        }
        (Value::Int(_) | Value::UInt(_), _) => {
            let bytes = integer_bytes(value, data_type).ok_or_else(wrong)?;
            super::column::fixed_array(data_type, rows, Buffer::from_vec(bytes.repeat(rows)), None)
                .map_err(|e| Error::Internal(e.to_string()))?
        }
        (Value::Float(_) | Value::Decimal(_) | Value::BigDecimal(_) | Value::Bytes(_), _) => return Err(wrong()),
    })
}

/// The little-endian bytes of an integer in its column's width; `None` if it does not fit.
fn integer_bytes(value: &Value, data_type: StoredType) -> Option<Vec<u8>> {
    Some(match (value, data_type) {
        (Value::Int(v), StoredType::Int8) => i8::try_from(*v).ok()?.to_le_bytes().to_vec(),
        (Value::Int(v), StoredType::Int16) => i16::try_from(*v).ok()?.to_le_bytes().to_vec(),
        (Value::Int(v), StoredType::Int32 | StoredType::Date32) => i32::try_from(*v).ok()?.to_le_bytes().to_vec(),
        (
            Value::Int(v),
            StoredType::Int64
            | StoredType::TimestampMicros
            | StoredType::TimestampMicrosUtc
            | StoredType::DurationMicros,
        ) => v.to_le_bytes().to_vec(),
        (Value::UInt(v), StoredType::UInt8) => u8::try_from(*v).ok()?.to_le_bytes().to_vec(),
        (Value::UInt(v), StoredType::UInt16) => u16::try_from(*v).ok()?.to_le_bytes().to_vec(),
        (Value::UInt(v), StoredType::UInt32) => u32::try_from(*v).ok()?.to_le_bytes().to_vec(),
        (Value::UInt(v), StoredType::UInt64) => v.to_le_bytes().to_vec(),
        _ => return None,
    })
}
