//! `ROUND`, `TRUNCATE`, `CEIL` and `FLOOR`: exact on exact numbers.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::ReturnFieldArgs;

use super::arithmetic::{exact, unscaled};
use super::call::Call;
use super::convert::{decimal_scale, is_decimal, is_temporal};
use super::scalar::{Definition, Returned, Returns};
use crate::error::{Result, SqlError};

pub(super) const FUNCTIONS: &[Definition] = &[
    // number, digits after the point
    Definition::new("round", 2..=2, Returns::By(round_type), |c| to_digits(c, Mode::Nearest)),
    Definition::new("truncate", 2..=2, Returns::By(round_type), |c| to_digits(c, Mode::Cut)),
    Definition::new("ceil", 1..=1, Returns::By(whole_type), |c| to_whole(c, Mode::Up)).aliases(&["ceiling"]),
    Definition::new("floor", 1..=1, Returns::By(whole_type), |c| to_whole(c, Mode::Down)),
];

/// Where digits that are dropped take the rest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Nearest,
    Cut,
    Up,
    Down,
}

impl Mode {
    /// `v / unit`, as a whole number.
    fn divide(self, v: i128, unit: i128) -> i128 {
        let (q, r) = (v / unit, v % unit);
        match self {
            Self::Nearest if r.abs() >= unit - r.abs() => q + v.signum(),
            Self::Up if r > 0 => q + 1,
            Self::Down if r < 0 => q - 1,
            Self::Nearest | Self::Cut | Self::Up | Self::Down => q,
        }
    }
}

/// Exact numbers get as many digits as a constant second argument says.
fn round_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let data_type = args.arg_fields[0].data_type();
    let Some((precision, scale)) = exact(data_type).filter(|_| !is_temporal(data_type)) else {
        return Ok(DataType::Float64.into());
    };
    if !is_decimal(data_type) {
        return Ok(if *data_type == DataType::UInt64 { DataType::UInt64 } else { DataType::Int64 }.into());
    }
    let digits = match args.scalar_arguments.get(1).copied().flatten() {
        Some(ScalarValue::Int64(Some(digits))) => (*digits).clamp(0, 30) as u8,
        _ => scale,
    };
    let whole = precision - scale.min(precision);
    // Rounding up may need one digit more.
    let precision = (whole + 1 + digits).clamp(1, 38);
    Ok(DataType::Decimal128(precision, digits as i8).into())
}

fn power(digits: u32) -> Option<i128> {
    10_i128.checked_pow(digits)
}

fn to_digits(call: &Call<'_>, mode: Mode) -> Result<ArrayRef> {
    let digits = call.ints(1)?;
    let argument = call.argument(0);
    match call.return_type {
        DataType::Float64 => {
            let numbers = call.doubles(0)?;
            let value = |row| Some(round_double(numbers.get(row)?, digits.get(row)?, mode));
            Ok(Arc::new((0..call.rows()).map(value).collect::<Float64Array>()))
        }
        DataType::Decimal128(p, s) => {
            let from = i64::from(decimal_scale(argument.array.data_type()));
            let to = i64::from(*s);
            let numbers = unscaled(&argument.array)?;
            let value = |row: usize| -> Option<i128> {
                let at = if argument.constant { 0 } else { row };
                let digits = digits.get(row)?.clamp(-38, 30);
                if numbers.is_null(at) {
                    return None;
                }
                let v = numbers.value(at);
                let v = if digits >= from {
                    v
                } else {
                    let Some(unit) = u32::try_from(from - digits).ok().and_then(power) else { return Some(0) };
                    mode.divide(v, unit).checked_mul(unit)?
                };
                if to >= from {
                    v.checked_mul(power((to - from) as u32)?)
                } else {
                    Some(v / power((from - to) as u32)?)
                }
            };
            let out: Decimal128Array = (0..call.rows()).map(value).collect();
            Ok(Arc::new(out.with_precision_and_scale(*p, *s)?))
        }
        unsigned_or_signed => {
            let numbers = unscaled(&argument.array)?;
            let value = |row: usize| -> Option<i128> {
                let at = if argument.constant { 0 } else { row };
                let digits = digits.get(row)?;
                if numbers.is_null(at) {
                    return None;
                }
                let v = numbers.value(at);
                if digits >= 0 {
                    return Some(v);
                }
                match u32::try_from(-digits).ok().filter(|d| *d <= 20).and_then(power) {
                    Some(unit) => Some(mode.divide(v, unit) * unit),
                    None => Some(0),
                }
            };
            let overflow = || SqlError::value_out_of_range("BIGINT", "round()");
            let values = (0..call.rows()).map(value);
            Ok(if *unsigned_or_signed == DataType::UInt64 {
                let cast = |v| u64::try_from(v).map_err(|_| overflow());
                Arc::new(values.map(|v| v.map(cast).transpose()).collect::<Result<UInt64Array>>()?)
            } else {
                let cast = |v| i64::try_from(v).map_err(|_| overflow());
                Arc::new(values.map(|v| v.map(cast).transpose()).collect::<Result<Int64Array>>()?)
            })
        }
    }
}

/// Doubles round half to even, as the hardware does.
fn round_double(v: f64, digits: i64, mode: Mode) -> f64 {
    let digits = digits.clamp(-400, 400) as i32;
    let unit = 10_f64.powi(digits.abs());
    let whole = |v: f64| match mode {
        Mode::Nearest => v.round_ties_even(),
        Mode::Cut => v.trunc(),
        Mode::Up => v.ceil(),
        Mode::Down => v.floor(),
    };
    if digits >= 0 {
        let scaled = v * unit;
        // Beyond what a double resolves there is nothing to round.
        if scaled.is_finite() { whole(scaled) / unit } else { v }
    } else if unit.is_finite() {
        whole(v / unit) * unit
    } else {
        0.0
    }
}

/// A `BIGINT` if it holds every value of the type.
fn whole_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let data_type = args.arg_fields[0].data_type();
    Ok(match exact(data_type).filter(|_| !is_temporal(data_type)) {
        None => DataType::Float64,
        Some(_) if *data_type == DataType::UInt64 => DataType::UInt64,
        Some((precision, scale)) if precision - scale.min(precision) < 19 || !is_decimal(data_type) => DataType::Int64,
        Some((precision, scale)) => DataType::Decimal128((precision - scale + 1).min(38), 0),
    }
    .into())
}

fn to_whole(call: &Call<'_>, mode: Mode) -> Result<ArrayRef> {
    let array = &call.argument(0).array;
    if *call.return_type == DataType::Float64 {
        let numbers = call.doubles(0)?;
        let value = |row| numbers.get(row).map(|v| round_double(v, 0, mode));
        return Ok(Arc::new((0..call.rows()).map(value).collect::<Float64Array>()));
    }
    let unit = power(decimal_scale(array.data_type()).into()).unwrap_or(i128::MAX);
    let whole = unscaled(array)?.unary::<_, Decimal128Type>(|v| mode.divide(v, unit));
    Ok(match call.return_type {
        DataType::Decimal128(p, s) => Arc::new(whole.with_precision_and_scale(*p, *s)?),
        DataType::UInt64 => Arc::new(whole.unary::<_, UInt64Type>(|v| v as u64)),
        _ => Arc::new(whole.unary::<_, Int64Type>(|v| v as i64)),
    })
}
