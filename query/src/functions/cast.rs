//! `CAST(x AS type)` and the conversions that operators need.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::*;
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{Expr, ExprSchemable, ReturnFieldArgs};
use deltatree_learner::catalog::SqlType;

use super::call::Call;
use super::convert;
use super::scalar::{DATETIME, Definition, Returned, Returns, TIME};
use crate::error::{Result, SqlError};
use crate::types::Decimal;
use crate::types::calendar::round_to_fsp;
use crate::types::decimal::max_unscaled;

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("mysql_truth", 1..=1, Returns::Boolean, truth).simplify(truth_of_boolean),
    Definition::new("cast_signed", 1..=1, Returns::Int, |c| {
        Ok(Arc::new(convert::to_int(&c.argument(0).array, c.zone)?))
    })
    .simplify(widening),
    Definition::new("cast_unsigned", 1..=1, Returns::UInt, |c| {
        Ok(Arc::new(convert::to_uint(&c.argument(0).array, c.zone)?))
    }),
    Definition::new("cast_double", 1..=1, Returns::Double, |c| {
        Ok(Arc::new(convert::to_double(&c.argument(0).array, c.zone)?))
    }),
    Definition::new("cast_float", 1..=1, Returns::By(|_| Ok(DataType::Float32.into())), |c| {
        Ok(cast(&convert::to_double(&c.argument(0).array, c.zone)?, &DataType::Float32)?)
    }),
    Definition::new("cast_char", 1..=2, Returns::Text, to_char),
    Definition::new("cast_binary", 1..=2, Returns::Binary, to_binary),
    Definition::new("cast_decimal", 3..=3, Returns::By(decimal_type), to_decimal),
    Definition::new("cast_date", 1..=1, Returns::Date, |c| {
        Ok(Arc::new(convert::to_date(&c.argument(0).array, c.zone)?))
    }),
    Definition::new("cast_datetime", 1..=2, Returns::By(|a| fraction_type(a, DATETIME)), to_datetime),
    Definition::new("cast_time", 1..=2, Returns::By(|a| fraction_type(a, TIME)), to_time),
    Definition::new("cast_year", 1..=1, Returns::Int, |c| {
        let dates = c.ints(0)?;
        Ok(Arc::new(dates.array.unary::<_, Int64Type>(|v| match v {
            1..=69 => v + 2000,
            70..=99 => v + 1900,
            _ => v,
        })))
    }),
    Definition::new("mysql_instant", 1..=1, Returns::By(|_| Ok(instant().into())), to_instant),
];

fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Whether a value counts as true: numbers that are not zero, text by its number.
fn truth(call: &Call<'_>) -> Result<ArrayRef> {
    let array = &call.argument(0).array;
    if let DataType::Boolean = array.data_type() {
        return Ok(array.clone());
    }
    let numbers = convert::to_double(array, call.zone)?;
    Ok(Arc::new(numbers.iter().map(|v| v.map(|v| v != 0.0)).collect::<BooleanArray>()))
}

fn truth_of_boolean(mut args: Vec<Expr>, context: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
    if args.len() == 1 && args[0].get_type(context.schema().as_ref())? == DataType::Boolean {
        return Ok(ExprSimplifyResult::Simplified(args.remove(0)));
    }
    Ok(ExprSimplifyResult::Original(args))
}

/// Integers that `BIGINT` holds anyway are cast by a plain cast, which optimizer rules see through.
fn widening(mut args: Vec<Expr>, context: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
    use DataType::{Boolean, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32};
    if args.len() == 1 {
        let data_type = args[0].get_type(context.schema().as_ref())?;
        if data_type == Int64 {
            return Ok(ExprSimplifyResult::Simplified(args.remove(0)));
        }
        if matches!(data_type, Boolean | Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32) {
            let plain = args.remove(0).cast_to(&Int64, context.schema().as_ref())?;
            return Ok(ExprSimplifyResult::Simplified(plain));
        }
    }
    Ok(ExprSimplifyResult::Original(args))
}

fn to_char(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    if call.len() == 1 {
        return Ok(Arc::new(texts.array));
    }
    let length = call.ints(1)?.get(0).and_then(|v| usize::try_from(v).ok()).unwrap_or(usize::MAX);
    let cut = |v: &str| v.char_indices().nth(length).map_or(v.len(), |(at, _)| at);
    Ok(Arc::new(texts.array.iter().map(|v| v.map(|v| &v[..cut(v)])).collect::<StringViewArray>()))
}

fn to_binary(call: &Call<'_>) -> Result<ArrayRef> {
    let bytes = call.bytes(0)?;
    if call.len() == 1 {
        return Ok(Arc::new(bytes.array));
    }
    let length = call.ints(1)?.get(0).and_then(|v| usize::try_from(v).ok()).unwrap_or(0).min(1 << 24);
    let fit = |v: &[u8]| {
        let mut v = v.to_vec();
        v.resize(length, 0);
        v
    };
    Ok(Arc::new(bytes.array.iter().map(|v| v.map(fit)).collect::<BinaryViewArray>()))
}

fn scalar_int(args: &ReturnFieldArgs<'_>, i: usize) -> Option<i64> {
    match args.scalar_arguments.get(i).copied().flatten()? {
        ScalarValue::Int64(v) => *v,
        ScalarValue::UInt64(v) => v.and_then(|v| i64::try_from(v).ok()),
        ScalarValue::Int32(v) => v.map(i64::from),
        _ => None,
    }
}

fn decimal_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let precision = scalar_int(args, 1).unwrap_or(10).clamp(1, 65) as u8;
    let scale = scalar_int(args, 2).unwrap_or(0).clamp(0, 30) as i8;
    Ok(if precision <= 38 {
        DataType::Decimal128(precision, scale).into()
    } else {
        DataType::Decimal256(precision, scale).into()
    })
}

/// Rounds half away from zero; what is too large becomes the largest that fits.
fn to_decimal(call: &Call<'_>) -> Result<ArrayRef> {
    let array = &call.argument(0).array;
    let (precision, scale) = match call.return_type {
        DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => (*p, *s as u8),
        other => return Err(SqlError::internal(format!("{other} is no decimal type"))),
    };
    let max = max_unscaled(precision);
    let exact = convert::is_decimal(array.data_type()) || array.data_type().is_integer();
    let temporal = convert::is_temporal(array.data_type());
    let numbers =
        if temporal { convert::temporal_numbers(array, call.zone)?.into_iter().collect() } else { Vec::new() };
    let texts = if exact || temporal { None } else { Some(call.text(0)?) };
    let read = |row: usize| -> Result<Option<i256>> {
        let value = match &texts {
            Some(texts) => match texts.get(row) {
                None => return Ok(None),
                Some(text) => Decimal::parse_prefix(text).map_or(Decimal::from_int(0), |(v, _)| v),
            },
            None if temporal => match numbers.get(row).copied().flatten() {
                Some(value) => value,
                None => return Ok(None),
            },
            None => match crate::types::assign::datum_at(array, row)? {
                crate::types::Datum::Int(v) => Decimal::from_int(v),
                crate::types::Datum::UInt(v) => Decimal::from_uint(v),
                crate::types::Datum::Decimal(v) => v,
                _ => return Ok(None),
            },
        };
        let limit = if value.unscaled.is_negative() { max.wrapping_neg() } else { max };
        Ok(Some(value.rescale(scale).filter(|v| v.wrapping_abs() <= max).unwrap_or(limit)))
    };
    let values: Vec<Option<i256>> = (0..array.len()).map(read).collect::<Result<_>>()?;
    Ok(match call.return_type {
        DataType::Decimal128(..) => {
            let out: Decimal128Array = values.into_iter().map(|v| v.and_then(|v| v.to_i128())).collect();
            Arc::new(out.with_precision_and_scale(precision, scale as i8)?)
        }
        _ => {
            let out: Decimal256Array = values.into_iter().collect();
            Arc::new(out.with_precision_and_scale(precision, scale as i8)?)
        }
    })
}

/// `DATETIME(fsp)` or `TIME(fsp)`, with the digits named by a literal second argument.
fn fraction_type(args: &ReturnFieldArgs<'_>, data_type: DataType) -> Result<Returned> {
    let fsp = match scalar_int(args, 1) {
        Some(fsp) => fsp.clamp(0, 6) as u8,
        None if args.arg_fields.len() > 1 => 6,
        None => return Ok(data_type.into()),
    };
    let sql_type = if data_type == TIME { SqlType::Time { fsp } } else { SqlType::DateTime { fsp } };
    Ok(Returned { data_type, sql_type: Some(sql_type) })
}

fn fsp(call: &Call<'_>) -> Result<Option<u8>> {
    if call.len() < 2 {
        return Ok(None);
    }
    Ok(call.ints(1)?.get(0).map(|v| v.clamp(0, 6) as u8))
}

fn to_datetime(call: &Call<'_>) -> Result<ArrayRef> {
    let values = call.datetimes(0)?.array;
    Ok(match fsp(call)? {
        Some(fsp) => Arc::new(values.unary::<_, TimestampMicrosecondType>(|v| round_to_fsp(v, fsp))),
        None => Arc::new(values),
    })
}

fn to_time(call: &Call<'_>) -> Result<ArrayRef> {
    let values = call.times(0)?.array;
    Ok(match fsp(call)? {
        Some(fsp) => Arc::new(values.unary::<_, DurationMicrosecondType>(|v| round_to_fsp(v, fsp))),
        None => Arc::new(values),
    })
}

/// A local time of the session as a point of UTC, to be compared with a `TIMESTAMP`.
fn to_instant(call: &Call<'_>) -> Result<ArrayRef> {
    let array = &call.argument(0).array;
    if matches!(array.data_type(), DataType::Timestamp(_, Some(_))) {
        return Ok(cast(array, &instant())?);
    }
    let local = convert::to_datetime(array, call.zone)?;
    let utc = local.unary::<_, TimestampMicrosecondType>(|v| call.zone.utc_from_local(v));
    Ok(Arc::new(utc.with_timezone("UTC")))
}
