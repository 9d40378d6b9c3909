//! Whole arrays on their way into a column.
//!
//! Arrays that are already of the column's Arrow type, and integers that only widen or narrow, go through
//! Arrow's kernels and are checked as a whole. Everything else is taken value by value, by the same rules
//! as a literal, so that both paths agree.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field};
use deltatree_learner::catalog::{ColumnInfo, SqlType};
use deltatree_storage::types::Value;

use super::text::{Fit, Limit, fitting};
use crate::error::{Result, SqlError};
use crate::types::coerce::Assignment;
use crate::types::{Datum, Decimal};

pub(in crate::types) fn array(
    array: &ArrayRef,
    source: &Field,
    column: &ColumnInfo,
    first_row: u64,
    assignment: &mut Assignment,
) -> Result<ArrayRef> {
    if !column.nullable && array.logical_null_count() > 0 {
        return Err(SqlError::bad_null(&column.name));
    }
    let stored = column.sql_type.stored().arrow();
    if *array.data_type() == DataType::Null {
        return Ok(new_null_array(&stored, array.len()));
    }
    if let Some(done) = whole(array, source, column, &stored)? {
        return Ok(done);
    }
    let mut values = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        let datum = datum_at(array, row)?;
        values.push(super::value(&datum, column, first_row + row as u64, assignment)?);
    }
    from_values(&values, &stored)
}

/// The array as a whole, if its type makes every value fit as it is.
fn whole(array: &ArrayRef, source: &Field, column: &ColumnInfo, stored: &DataType) -> Result<Option<ArrayRef>> {
    let same_declaration = crate::types::field::sql_type_of(source).as_ref() == Some(&column.sql_type)
        && source.metadata().contains_key(crate::types::field::SQL_TYPE_KEY);
    if array.data_type() == stored && same_declaration {
        return Ok(Some(array.clone()));
    }
    let limit = match &column.sql_type {
        SqlType::Char { length } => Limit::Blank(*length),
        SqlType::VarChar { length } => Limit::Characters(*length),
        SqlType::Text { limit } => Limit::Bytes(*limit),
        SqlType::TinyInt { .. }
        | SqlType::SmallInt { .. }
        | SqlType::Int { .. }
        | SqlType::BigInt { .. }
        | SqlType::Double
        | SqlType::Date => return numbers(array, stored),
        SqlType::Decimal { .. } if array.data_type() == stored => {
            // The values may be wider than their type says: arithmetic is not checked on every step.
            return Ok(match array.data_type() {
                DataType::Decimal128(p, _) => {
                    let array = array.as_primitive::<arrow::datatypes::Decimal128Type>();
                    array.validate_decimal_precision(*p).is_ok().then(|| Arc::new(array.clone()) as ArrayRef)
                }
                _ => None,
            });
        }
        SqlType::DateTime { fsp: 6 } if array.data_type() == stored => return Ok(Some(array.clone())),
        _ => return Ok(None),
    };
    let strings: StringViewArray = match array.data_type() {
        DataType::Utf8View => array.as_string_view().clone(),
        DataType::Utf8 | DataType::LargeUtf8 => {
            arrow::compute::cast(array, &DataType::Utf8View)?.as_string_view().clone()
        }
        _ => return Ok(None),
    };
    let unchanged = strings
        .iter()
        .flatten()
        .all(|text| matches!(fitting(text, &limit), Fit::Whole(kept) if kept.len() == text.len()));
    Ok(unchanged.then(|| Arc::new(strings) as ArrayRef))
}

/// Integers of another width, if all of them fit; dates and doubles as they are.
fn numbers(array: &ArrayRef, stored: &DataType) -> Result<Option<ArrayRef>> {
    if array.data_type() == stored {
        return Ok(Some(array.clone()));
    }
    if !(array.data_type().is_integer() && (stored.is_integer() || *stored == DataType::Float64)) {
        return Ok(None);
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    // Where one does not fit, the values are taken one by one to name the row.
    Ok(cast_with_options(array, stored, &options).ok())
}

/// One value of an array.
pub(crate) fn datum_at(array: &ArrayRef, row: usize) -> Result<Datum> {
    use arrow::datatypes::*;
    if array.is_null(row) {
        return Ok(Datum::Null);
    }
    macro_rules! int {
        ($t:ty) => {
            Datum::Int(array.as_primitive::<$t>().value(row).into())
        };
    }
    let text = |v: &str| Datum::Text(v.to_owned());
    let bytes = |v: &[u8]| Datum::Bytes(bytes::Bytes::copy_from_slice(v));
    Ok(match array.data_type() {
        DataType::Null => Datum::Null,
        DataType::Boolean => Datum::Int(array.as_boolean().value(row).into()),
        DataType::Int8 => int!(Int8Type),
        DataType::Int16 => int!(Int16Type),
        DataType::Int32 => int!(Int32Type),
        DataType::Int64 => int!(Int64Type),
        DataType::UInt8 => int!(UInt8Type),
        DataType::UInt16 => int!(UInt16Type),
        DataType::UInt32 => int!(UInt32Type),
        DataType::UInt64 => Datum::UInt(array.as_primitive::<UInt64Type>().value(row)),
        // By way of the digits that it is shown with: 0.1 stays 0.1.
        DataType::Float32 => {
            let mut out = Vec::new();
            crate::types::number::write_f32(array.as_primitive::<Float32Type>().value(row), &mut out);
            Datum::Float(crate::types::number::parse_f64_prefix(&String::from_utf8_lossy(&out)).0)
        }
        DataType::Float64 => Datum::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, s) if *s >= 0 => Datum::Decimal(Decimal {
            unscaled: i256::from_i128(array.as_primitive::<Decimal128Type>().value(row)),
            scale: *s as u8,
        }),
        DataType::Decimal256(_, s) if *s >= 0 => {
            Datum::Decimal(Decimal { unscaled: array.as_primitive::<Decimal256Type>().value(row), scale: *s as u8 })
        }
        DataType::Date32 => Datum::Date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            Datum::DateTime(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            Datum::Instant(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            Datum::Time(array.as_primitive::<DurationMicrosecondType>().value(row))
        }
        DataType::Utf8 => text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => text(array.as_string::<i64>().value(row)),
        DataType::Utf8View => text(array.as_string_view().value(row)),
        DataType::Binary => bytes(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => bytes(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => bytes(array.as_binary_view().value(row)),
        _ => {
            let one = arrow::compute::cast(&array.slice(row, 1), &DataType::Utf8)?;
            text(one.as_string::<i32>().value(0))
        }
    })
}

/// An array of a column's Arrow type out of its values.
pub(crate) fn from_values(values: &[Value], stored: &DataType) -> Result<ArrayRef> {
    use arrow::datatypes::*;
    fn int(v: &Value) -> Option<i64> {
        match v {
            Value::Int(v) => Some(*v),
            Value::UInt(v) => Some(*v as i64),
            _ => None,
        }
    }
    fn uint(v: &Value) -> Option<u64> {
        match v {
            Value::UInt(v) => Some(*v),
            Value::Int(v) => Some(*v as u64),
            _ => None,
        }
    }
    fn float(v: &Value) -> Option<f64> {
        match v {
            Value::Float(v) => Some(*v),
            _ => None,
        }
    }
    fn bytes(v: &Value) -> Option<&[u8]> {
        match v {
            Value::Bytes(v) => Some(v),
            _ => None,
        }
    }
    macro_rules! build {
        ($t:ty, $read:ident) => {
            Arc::new(values.iter().map(|v| $read(v).map(|v| v as _)).collect::<PrimitiveArray<$t>>()) as ArrayRef
        };
    }
    Ok(match stored {
        DataType::Int8 => build!(Int8Type, int),
        DataType::Int16 => build!(Int16Type, int),
        DataType::Int32 => build!(Int32Type, int),
        DataType::Int64 => build!(Int64Type, int),
        DataType::UInt8 => build!(UInt8Type, uint),
        DataType::UInt16 => build!(UInt16Type, uint),
        DataType::UInt32 => build!(UInt32Type, uint),
        DataType::UInt64 => build!(UInt64Type, uint),
        DataType::Float32 => build!(Float32Type, float),
        DataType::Float64 => build!(Float64Type, float),
        DataType::Date32 => build!(Date32Type, int),
        DataType::Duration(TimeUnit::Microsecond) => build!(DurationMicrosecondType, int),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let array: TimestampMicrosecondArray = values.iter().map(int).collect();
            Arc::new(array.with_timezone_opt(zone.clone()))
        }
        DataType::Decimal128(p, s) => {
            let array: Decimal128Array = values
                .iter()
                .map(|v| match v {
                    Value::Decimal(v) => Some(*v),
                    Value::BigDecimal(v) => v.to_i128(),
                    _ => None,
                })
                .collect();
            Arc::new(array.with_precision_and_scale(*p, *s)?)
        }
        DataType::Decimal256(p, s) => {
            let array: Decimal256Array = values
                .iter()
                .map(|v| match v {
                    Value::Decimal(v) => Some(i256::from_i128(*v)),
                    Value::BigDecimal(v) => Some(*v),
                    _ => None,
                })
                .collect();
            Arc::new(array.with_precision_and_scale(*p, *s)?)
        }
        DataType::Utf8View => {
            let mut builder = StringViewBuilder::with_capacity(values.len());
            for value in values {
                match bytes(value) {
                    Some(v) => {
                        builder.append_value(std::str::from_utf8(v).map_err(|e| SqlError::internal(e.to_string()))?)
                    }
                    None => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }
        DataType::BinaryView => Arc::new(values.iter().map(bytes).collect::<BinaryViewArray>()),
        other => return Err(SqlError::internal(format!("no column is stored as {other}"))),
    })
}
