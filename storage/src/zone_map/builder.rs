//! Zone maps from arrays.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{max, max_binary_view, max_string_view, min, min_binary_view, min_string_view};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Decimal256Type, DurationMicrosecondType, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};

use super::ZoneMap;
use crate::error::{Error, Result};
use crate::types::Value;

impl ZoneMap {
    /// The map of all rows of `array`, which is of one of the types of
    /// [`crate::types::StoredType::arrow`].
    pub fn of(array: &ArrayRef) -> Result<Self> {
        let mut map =
            Self { rows: array.len() as u64, null_count: array.logical_null_count() as u64, ..Self::default() };
        if let Some((min, max)) = bounds(array)? {
            map.set_bounds(min, max);
        }
        Ok(map)
    }
}

fn bounds(array: &ArrayRef) -> Result<Option<(Value, Value)>> {
    Ok(match array.data_type() {
        DataType::Int8 => primitive::<Int8Type>(array, |v| Value::Int(v.into())),
        DataType::Int16 => primitive::<Int16Type>(array, |v| Value::Int(v.into())),
        DataType::Int32 => primitive::<Int32Type>(array, |v| Value::Int(v.into())),
        DataType::Int64 => primitive::<Int64Type>(array, Value::Int),
        DataType::Date32 => primitive::<Date32Type>(array, |v| Value::Int(v.into())),
        DataType::Timestamp(TimeUnit::Microsecond, _) => primitive::<TimestampMicrosecondType>(array, Value::Int),
        DataType::Duration(TimeUnit::Microsecond) => primitive::<DurationMicrosecondType>(array, Value::Int),
        DataType::UInt8 => primitive::<UInt8Type>(array, |v| Value::UInt(v.into())),
        DataType::UInt16 => primitive::<UInt16Type>(array, |v| Value::UInt(v.into())),
        DataType::UInt32 => primitive::<UInt32Type>(array, |v| Value::UInt(v.into())),
        DataType::UInt64 => primitive::<UInt64Type>(array, Value::UInt),
        // The kernels order floats totally: -NaN first, NaN last.
        DataType::Float32 => primitive::<Float32Type>(array, |v| Value::Float(v.into())),
        DataType::Float64 => primitive::<Float64Type>(array, Value::Float),
        DataType::Decimal128(_, _) => primitive::<Decimal128Type>(array, Value::Decimal),
        DataType::Decimal256(_, _) => primitive::<Decimal256Type>(array, Value::BigDecimal),
        DataType::Utf8View => {
            let a = array.as_string_view();
            min_string_view(a).zip(max_string_view(a)).map(|(l, h)| (text(l.as_bytes()), text(h.as_bytes())))
        }
        DataType::BinaryView => {
            let a = array.as_binary_view();
            min_binary_view(a).zip(max_binary_view(a)).map(|(l, h)| (text(l), text(h)))
        }
        other => return Err(Error::Invalid(format!("columns of type {other} cannot be stored"))),
    })
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef, value: impl Fn(T::Native) -> Value) -> Option<(Value, Value)>
where
    T::Native: PartialOrd,
{
    let array = array.as_primitive::<T>();
    min(array).zip(max(array)).map(|(l, h)| (value(l), value(h)))
}

fn text(bytes: &[u8]) -> Value {
    Value::Bytes(bytes::Bytes::copy_from_slice(bytes))
}
