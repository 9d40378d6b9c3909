//! One value, many times.

use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryViewArray, Date32Array, Decimal128Array, Decimal256Array, DurationMicrosecondArray, Float32Array,
    Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, StringViewArray, TimestampMicrosecondArray,
    UInt8Array, UInt16Array, UInt32Array, UInt64Array, new_null_array,
};

use super::{StoredType, Value};
use crate::error::{Error, Result};

/// An array of `rows` times `value`. Fails with [`Error::Invalid`] if the value is not of the type.
pub(crate) fn repeat(value: &Value, data_type: StoredType, rows: usize) -> Result<ArrayRef> {
    let wrong = || Error::Invalid(format!("{value:?} is no value of type {data_type:?}"));
    Ok(match (value, data_type) {
        (Value::Null, _) => new_null_array(&data_type.arrow(), rows),
        (Value::Int(v), _) => signed(*v, data_type, rows).ok_or_else(wrong)?,
        (Value::UInt(v), _) => unsigned(*v, data_type, rows).ok_or_else(wrong)?,
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
            Arc::new(repeat_n(Some(text), rows).collect::<StringViewArray>())
        }
        (Value::Bytes(v), StoredType::Binary) => Arc::new(repeat_n(Some(v), rows).collect::<BinaryViewArray>()),
        (Value::Float(_) | Value::Decimal(_) | Value::BigDecimal(_) | Value::Bytes(_), _) => return Err(wrong()),
    })
}

/// `None` if the value does not fit the type.
fn signed(v: i64, data_type: StoredType, rows: usize) -> Option<ArrayRef> {
    Some(match data_type {
        StoredType::Int8 => Arc::new(Int8Array::from_value(v.try_into().ok()?, rows)),
        StoredType::Int16 => Arc::new(Int16Array::from_value(v.try_into().ok()?, rows)),
        StoredType::Int32 => Arc::new(Int32Array::from_value(v.try_into().ok()?, rows)),
        StoredType::Int64 => Arc::new(Int64Array::from_value(v, rows)),
        StoredType::Date32 => Arc::new(Date32Array::from_value(v.try_into().ok()?, rows)),
        StoredType::TimestampMicros | StoredType::TimestampMicrosUtc => {
            Arc::new(TimestampMicrosecondArray::from_value(v, rows).with_data_type(data_type.arrow()))
        }
        StoredType::DurationMicros => Arc::new(DurationMicrosecondArray::from_value(v, rows)),
        _ => return None,
    })
}

/// `None` if the value does not fit the type.
fn unsigned(v: u64, data_type: StoredType, rows: usize) -> Option<ArrayRef> {
    Some(match data_type {
        StoredType::UInt8 => Arc::new(UInt8Array::from_value(v.try_into().ok()?, rows)),
        StoredType::UInt16 => Arc::new(UInt16Array::from_value(v.try_into().ok()?, rows)),
        StoredType::UInt32 => Arc::new(UInt32Array::from_value(v.try_into().ok()?, rows)),
        StoredType::UInt64 => Arc::new(UInt64Array::from_value(v, rows)),
        _ => return None,
    })
}
