//! Cells of results as values.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal256Type, DurationMicrosecondType, Field, Float64Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, UInt64Type,
};

use crate::error::{Result, SqlError};
use crate::types::{Datum, Decimal};

/// One cell. Fails for Arrow types that SQL has no word for.
pub(crate) fn datum_of(array: &ArrayRef, row: usize, field: &Field) -> Result<Datum> {
    if array.is_null(row) || array.data_type().is_null() {
        return Ok(Datum::Null);
    }
    let cell = array.slice(row, 1);
    let as_type = |wanted: DataType| cast(&cell, &wanted).map_err(SqlError::from);
    Ok(match array.data_type() {
        DataType::Boolean => Datum::Int(cell.as_boolean().value(0).into()),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            Datum::Int(as_type(DataType::Int64)?.as_primitive::<Int64Type>().value(0))
        }
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            Datum::UInt(as_type(DataType::UInt64)?.as_primitive::<UInt64Type>().value(0))
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            Datum::Float(as_type(DataType::Float64)?.as_primitive::<Float64Type>().value(0))
        }
        DataType::Decimal32(_, s)
        | DataType::Decimal64(_, s)
        | DataType::Decimal128(_, s)
        | DataType::Decimal256(_, s) => {
            let scale = (*s).max(0);
            let unscaled = as_type(DataType::Decimal256(76, scale))?.as_primitive::<Decimal256Type>().value(0);
            Datum::Decimal(Decimal { unscaled, scale: scale.unsigned_abs() })
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Datum::Text(as_type(DataType::Utf8)?.as_string::<i32>().value(0).to_owned())
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            Datum::Bytes(as_type(DataType::Binary)?.as_binary::<i32>().value(0).to_vec().into())
        }
        DataType::Date32 | DataType::Date64 => {
            Datum::Date(as_type(DataType::Date32)?.as_primitive::<Date32Type>().value(0))
        }
        DataType::Timestamp(_, zone) => {
            let micros = as_type(DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
            let micros = micros.as_primitive::<TimestampMicrosecondType>().value(0);
            if zone.is_some() { Datum::Instant(micros) } else { Datum::DateTime(micros) }
        }
        DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) => {
            let micros = as_type(DataType::Duration(TimeUnit::Microsecond))?;
            Datum::Time(micros.as_primitive::<DurationMicrosecondType>().value(0))
        }
        DataType::Dictionary(_, values) => return datum_of(&as_type((**values).clone())?, 0, field),
        other => return Err(SqlError::not_supported(format!("column {} of type {other}", field.name()))),
    })
}
