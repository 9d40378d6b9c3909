//! Cells of every column type: from a number, into arrays, and back.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::concat;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type, i256,
};

use crate::error::{Error, Result};
use crate::types::{StoredType, Value, repeat};

/// Some value of the type that depends on `seed` alone. Small seeds give values in the same order as
/// the seeds (as far as the type has as many), except that every seventh is NULL.
pub fn cell(data_type: StoredType, seed: i64) -> Value {
    if seed.rem_euclid(7) == 6 {
        return Value::Null;
    }
    let unsigned = seed.unsigned_abs();
    match data_type {
        StoredType::Int8 => Value::Int(seed % 128),
        StoredType::Int16 => Value::Int(seed % 32_768),
        StoredType::Int32 | StoredType::Date32 => Value::Int(seed % (1 << 31)),
        StoredType::Int64
        | StoredType::TimestampMicros
        | StoredType::TimestampMicrosUtc
        | StoredType::DurationMicros => Value::Int(seed),
        StoredType::UInt8 => Value::UInt(unsigned % 256),
        StoredType::UInt16 => Value::UInt(unsigned % 65_536),
        StoredType::UInt32 => Value::UInt(unsigned % (1 << 32)),
        StoredType::UInt64 => Value::UInt(unsigned),
        StoredType::Float32 => Value::Float(f64::from(seed as f32 / 4.0)),
        StoredType::Float64 => Value::Float(seed as f64 / 8.0),
        StoredType::Decimal128(_, _) => Value::Decimal(i128::from(seed % 1000)),
        StoredType::Decimal256(_, _) => Value::BigDecimal(i256::from_i128(i128::from(seed % 1000))),
        StoredType::Utf8 => Value::Bytes(format!("text number {:+021} and on", seed).into_bytes().into()),
        StoredType::Binary => Value::Bytes(seed.to_be_bytes()[(seed.rem_euclid(4)) as usize..].to_vec().into()),
    }
}

/// The values as an array of the type.
pub fn array_of(data_type: StoredType, values: &[Value]) -> Result<ArrayRef> {
    let pieces: Vec<ArrayRef> = values.iter().map(|v| repeat(v, data_type, 1)).collect::<Result<_>>()?;
    if pieces.is_empty() {
        return Ok(arrow::array::new_empty_array(&data_type.arrow()));
    }
    let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
    Ok(concat(&pieces)?)
}

/// The value at `row` of an array of a stored type.
pub fn cell_at(array: &ArrayRef, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Int8 => Value::Int(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Value::Int(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Value::Int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Value::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Date32 => Value::Int(array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Timestamp(_, _) => Value::Int(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        DataType::Duration(_) => Value::Int(array.as_primitive::<DurationMicrosecondType>().value(row)),
        DataType::UInt8 => Value::UInt(array.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => Value::UInt(array.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => Value::UInt(array.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => Value::UInt(array.as_primitive::<UInt64Type>().value(row)),
        DataType::Float32 => Value::Float(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, _) => Value::Decimal(array.as_primitive::<Decimal128Type>().value(row)),
        DataType::Decimal256(_, _) => Value::BigDecimal(array.as_primitive::<Decimal256Type>().value(row)),
        DataType::Utf8View => Value::Bytes(array.as_string_view().value(row).as_bytes().to_vec().into()),
        DataType::BinaryView => Value::Bytes(array.as_binary_view().value(row).to_vec().into()),
        other => return Err(Error::Invalid(format!("columns of type {other} cannot be stored"))),
    })
}
