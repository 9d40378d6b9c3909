//! `GREATEST` and `LEAST`.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::DataType;
use datafusion::logical_expr::ReturnFieldArgs;

use super::arithmetic::{exact, unscaled};
use super::call::Call;
use super::convert::{decimal_scale, is_binary, is_temporal, is_text};
use super::scalar::{DATETIME, Definition, MANY, Returned, Returns, TIME};
use crate::error::Result;

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("greatest", 2..=MANY, Returns::By(common_type), |c| extreme(c, Ordering::Greater)),
    Definition::new("least", 2..=MANY, Returns::By(common_type), |c| extreme(c, Ordering::Less)),
];

/// The type in which the arguments are compared.
fn common_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let types = || args.arg_fields.iter().map(|f| f.data_type()).filter(|t| **t != DataType::Null);
    let all = |f: fn(&DataType) -> bool| types().all(f);
    Ok(if types().next().is_none() {
        DataType::Utf8View.into()
    } else if all(|t| *t == DataType::Date32) {
        DataType::Date32.into()
    } else if all(|t| matches!(t, DataType::Duration(_))) {
        TIME.into()
    } else if all(|t| is_temporal(t) && !matches!(t, DataType::Duration(_))) {
        DATETIME.into()
    } else if all(|t| exact(t).is_some() && !is_temporal(t)) {
        let scale = types().map(decimal_scale).max().unwrap_or(0);
        let unsigned = types().any(|t| *t == DataType::UInt64);
        if scale == 0 && !unsigned && types().all(|t| !matches!(t, DataType::Decimal128(..) | DataType::Decimal256(..)))
        {
            DataType::Int64.into()
        } else {
            let whole = types().filter_map(exact).map(|(p, s)| p - s.min(p)).max().unwrap_or(0);
            DataType::Decimal128((whole + scale).clamp(1, 38), scale as i8).into()
        }
    } else if types().any(|t| is_text(t) || is_binary(t))
        && types().all(|t| is_text(t) || is_binary(t) || is_temporal(t))
    {
        DataType::Utf8View.into()
    } else {
        DataType::Float64.into()
    })
}

/// The first argument in an order; NULL if any is.
fn extreme(call: &Call<'_>, wanted: Ordering) -> Result<ArrayRef> {
    let rows = call.rows();
    let arguments = 0..call.len();
    macro_rules! pick {
        ($values:expr, $compare:expr, $array:ty) => {{
            let values = $values;
            let best = |row| {
                let mut best = None;
                for value in &values {
                    let v = value.get(row)?;
                    if best.as_ref().is_none_or(|b| $compare(&v, b) == wanted) {
                        best = Some(v);
                    }
                }
                best
            };
            (0..rows).map(best).collect::<$array>()
        }};
    }
    Ok(match call.return_type {
        DataType::Int64 => {
            let values = arguments.map(|i| call.ints(i)).collect::<Result<Vec<_>>>()?;
            Arc::new(pick!(values, i64::cmp, Int64Array))
        }
        DataType::Float64 => {
            let values = arguments.map(|i| call.doubles(i)).collect::<Result<Vec<_>>>()?;
            Arc::new(pick!(values, f64::total_cmp, Float64Array))
        }
        DataType::Date32 => {
            let values = arguments.map(|i| call.dates(i)).collect::<Result<Vec<_>>>()?;
            Arc::new(pick!(values, i32::cmp, Date32Array))
        }
        DataType::Timestamp(..) => {
            let values = arguments.map(|i| call.datetimes(i)).collect::<Result<Vec<_>>>()?;
            Arc::new(pick!(values, i64::cmp, TimestampMicrosecondArray))
        }
        DataType::Duration(_) => {
            let values = arguments.map(|i| call.times(i)).collect::<Result<Vec<_>>>()?;
            Arc::new(pick!(values, i64::cmp, DurationMicrosecondArray))
        }
        DataType::Decimal128(p, s) => {
            let scale = *s as u32;
            let raised = arguments
                .map(|i| {
                    let power = 10_i128.pow(scale - u32::from(decimal_scale(call.data_type(i))));
                    let array = unscaled(&call.argument(i).array)?
                        .unary::<_, arrow::datatypes::Decimal128Type>(|v| v.saturating_mul(power));
                    Ok(super::call::Values { array, constant: call.argument(i).constant })
                })
                .collect::<Result<Vec<_>>>()?;
            Arc::new(pick!(raised, i128::cmp, Decimal128Array).with_precision_and_scale(*p, *s)?)
        }
        _ => {
            let values = arguments.map(|i| call.text(i)).collect::<Result<Vec<_>>>()?;
            Arc::new(pick!(values, |a: &&str, b: &&str| a.cmp(b), StringViewArray))
        }
    })
}
