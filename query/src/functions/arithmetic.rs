//! `/`, `DIV`, `%`, checked integer arithmetic and the operators on bits.
//!
//! Division of exact numbers is exact: the quotient has four digits more than the dividend
//! (`div_precision_increment`), rounded half away from zero; a zero divisor gives NULL.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::*;
use datafusion::logical_expr::ReturnFieldArgs;

use super::call::Call;
use super::convert::{decimal_scale, is_decimal, is_temporal, to_double, to_int, to_uint};
use super::scalar::{Definition, Returned, Returns};
use crate::error::{Result, SqlError};
use crate::types::decimal::MAX_SCALE;

/// Digits that a division adds to the dividend's scale.
pub(super) const DIV_PRECISION_INCREMENT: u8 = 4;

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("mysql_divide", 2..=2, Returns::By(divide_type), divide),
    Definition::new("mysql_divide_wide", 2..=2, Returns::By(divide_wide_type), divide),
    Definition::new("mysql_show_digits", 2..=2, Returns::By(show_digits_type), show_digits),
    Definition::new("mysql_int_divide", 2..=2, Returns::By(integer_type), int_divide),
    Definition::new("mod", 2..=2, Returns::By(modulo_type), modulo),
    Definition::new("mysql_int_add", 2..=2, Returns::By(integer_type), add),
    Definition::new("mysql_int_subtract", 2..=2, Returns::By(integer_type), subtract),
    Definition::new("mysql_int_multiply", 2..=2, Returns::By(integer_type), multiply),
    Definition::new("mysql_bit_and", 2..=2, Returns::UInt, |c| bits(c, |a, b| a & b)),
    Definition::new("mysql_bit_or", 2..=2, Returns::UInt, |c| bits(c, |a, b| a | b)),
    Definition::new("mysql_bit_xor", 2..=2, Returns::UInt, |c| bits(c, |a, b| a ^ b)),
    Definition::new("mysql_shift_left", 2..=2, Returns::UInt, |c| {
        bits(c, |a, b| u32::try_from(b).ok().and_then(|b| a.checked_shl(b)).unwrap_or(0))
    }),
    Definition::new("mysql_shift_right", 2..=2, Returns::UInt, |c| {
        bits(c, |a, b| u32::try_from(b).ok().and_then(|b| a.checked_shr(b)).unwrap_or(0))
    }),
    Definition::new("mysql_bit_not", 1..=1, Returns::UInt, |c| {
        Ok(Arc::new(c.uints(0)?.array.unary::<_, UInt64Type>(|a| !a)))
    }),
];

/// Digits and scale of an exact number's type; `None` for types that are counted as doubles.
pub(super) fn exact(data_type: &DataType) -> Option<(u8, u8)> {
    Some(match data_type {
        DataType::Boolean => (1, 0),
        DataType::Int8 | DataType::UInt8 => (3, 0),
        DataType::Int16 | DataType::UInt16 => (5, 0),
        DataType::Int32 | DataType::UInt32 => (10, 0),
        DataType::Int64 | DataType::Null => (19, 0),
        DataType::UInt64 => (20, 0),
        DataType::Date32 => (8, 0),
        DataType::Decimal32(p, _)
        | DataType::Decimal64(p, _)
        | DataType::Decimal128(p, _)
        | DataType::Decimal256(p, _) => (*p, decimal_scale(data_type)),
        _ => return None,
    })
}

fn divide_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let (left, right) = (args.arg_fields[0].data_type(), args.arg_fields[1].data_type());
    Ok(match (exact(left), exact(right)) {
        (Some((p1, s1)), Some((_, s2))) => {
            let scale = (s1 + DIV_PRECISION_INCREMENT).min(MAX_SCALE);
            let digits = p1.saturating_add(s2).saturating_add(DIV_PRECISION_INCREMENT);
            if matches!(left, DataType::Decimal256(..)) || matches!(right, DataType::Decimal256(..)) {
                DataType::Decimal256(digits.clamp(scale, 76), scale as i8).into()
            } else {
                DataType::Decimal128(digits.clamp(scale, 38), scale as i8).into()
            }
        }
        _ => DataType::Float64.into(),
    })
}

/// The digits that a quotient is computed with when it is an operand: MySQL keeps fractions in words of
/// nine digits, and fills the last one.
fn divide_wide_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let scales = (exact(args.arg_fields[0].data_type()), exact(args.arg_fields[1].data_type()));
    let (Some((p1, s1)), Some((_, s2))) = scales else { return Ok(DataType::Float64.into()) };
    let (words1, words2) = (s1.div_ceil(9) * 9, s2.div_ceil(9) * 9);
    let missing = DIV_PRECISION_INCREMENT.saturating_sub(words1 - s1 + words2 - s2);
    // No more than a product with another number leaves room for.
    let scale = ((words1 + words2 + missing).div_ceil(9) * 9).min(s1 + DIV_PRECISION_INCREMENT + 9).min(MAX_SCALE);
    Ok(DataType::Decimal128(p1.saturating_add(s2).saturating_add(scale - s1.min(scale)).clamp(scale, 38), scale as i8)
        .into())
}

fn show_digits_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let digits = match args.scalar_arguments.get(1).copied().flatten() {
        Some(datafusion::common::ScalarValue::Int64(Some(digits))) => (*digits).clamp(0, MAX_SCALE.into()) as u8,
        _ => 0,
    };
    Ok(match args.arg_fields[0].data_type() {
        DataType::Decimal128(p, s) => {
            let whole = p - (*s).max(0) as u8;
            DataType::Decimal128((whole + 1 + digits).min(38), digits as i8).into()
        }
        other => other.clone().into(),
    })
}

/// Rounds half away from zero.
fn show_digits(call: &Call<'_>) -> Result<ArrayRef> {
    let DataType::Decimal128(p, s) = call.return_type else { return call.array(0) };
    let values = super::convert::rescale_decimal(&call.argument(0).array, *s as u8)?;
    let out: Decimal128Array = values.into_iter().collect();
    Ok(Arc::new(out.with_precision_and_scale(*p, *s)?))
}

fn divide(call: &Call<'_>) -> Result<ArrayRef> {
    let (left, right) = (call.argument(0), call.argument(1));
    let (shift, wide, precision, scale) = match call.return_type {
        DataType::Decimal128(p, s) => (*s, false, *p, *s),
        DataType::Decimal256(p, s) => (*s, true, *p, *s),
        _ => {
            let (a, b) = (call.doubles(0)?, call.doubles(1)?);
            let quotient = |row| match (a.get(row)?, b.get(row)?) {
                (_, 0.0) => None,
                (a, b) => Some(a / b),
            };
            return Ok(Arc::new((0..call.rows()).map(quotient).collect::<Float64Array>()));
        }
    };
    let (s1, s2) = (decimal_scale(left.array.data_type()), decimal_scale(right.array.data_type()));
    // quotient · 10^scale = (a / 10^s1) / (b / 10^s2) · 10^scale
    let power = i32::from(shift) - i32::from(s1) + i32::from(s2);
    let power = u8::try_from(power).map_err(|_| SqlError::internal("division with a negative scale"))?;
    let at = |constant: bool, row: usize| if constant { 0 } else { row };
    if !wide {
        let (a, b) = (unscaled(&left.array)?, unscaled(&right.array)?);
        let factor = 10_i128.checked_pow(power.into());
        let mut out = Decimal128Builder::with_capacity(call.rows());
        for row in 0..call.rows() {
            let (i, j) = (at(left.constant, row), at(right.constant, row));
            if a.is_null(i) || b.is_null(j) || b.value(j) == 0 {
                out.append_null();
                continue;
            }
            let (a, b) = (a.value(i), b.value(j));
            match factor.and_then(|f| a.checked_mul(f)) {
                Some(scaled) => out.append_value(divide_rounded(scaled, b)),
                None => {
                    let q = divide_wide(i256::from_i128(a), i256::from_i128(b), power).and_then(|q| q.to_i128());
                    out.append_value(q.ok_or_else(|| SqlError::value_out_of_range("DECIMAL", "/"))?);
                }
            }
        }
        return Ok(Arc::new(out.finish().with_precision_and_scale(precision, scale)?));
    }
    let (a, b) = (unscaled_wide(&left.array)?, unscaled_wide(&right.array)?);
    let mut out = Decimal256Builder::with_capacity(call.rows());
    for row in 0..call.rows() {
        let (i, j) = (at(left.constant, row), at(right.constant, row));
        if a.is_null(i) || b.is_null(j) || b.value(j) == i256::ZERO {
            out.append_null();
        } else {
            let q = divide_wide(a.value(i), b.value(j), power);
            out.append_value(q.ok_or_else(|| SqlError::value_out_of_range("DECIMAL", "/"))?);
        }
    }
    Ok(Arc::new(out.finish().with_precision_and_scale(precision, scale)?))
}

/// `a / b`, rounded half away from zero.
#[inline]
fn divide_rounded(a: i128, b: i128) -> i128 {
    // Most quotients fit in 64 bits, where division is several times cheaper.
    if let (Ok(a), Ok(b)) = (i64::try_from(a), i64::try_from(b))
        && (a, b) != (i64::MIN, -1)
    {
        let (q, r) = (a / b, a % b);
        let half = r.unsigned_abs() >= b.unsigned_abs() - r.unsigned_abs();
        return i128::from(q)
            + if !half {
                0
            } else if (a < 0) == (b < 0) {
                1
            } else {
                -1
            };
    }
    let (q, r) = (a.wrapping_div(b), a.wrapping_rem(b));
    let half = r.unsigned_abs() >= b.unsigned_abs() - r.unsigned_abs();
    q + if !half {
        0
    } else if (a < 0) == (b < 0) {
        1
    } else {
        -1
    }
}

fn divide_wide(a: i256, b: i256, power: u8) -> Option<i256> {
    let a = a.checked_mul(crate::types::decimal::power_of_ten(power)?)?;
    let (q, r) = (a.checked_div(b)?, a.checked_rem(b)?.wrapping_abs());
    let half = r >= b.wrapping_abs().wrapping_sub(r);
    let step = if a.is_negative() == b.is_negative() { i256::ONE } else { i256::MINUS_ONE };
    if half { q.checked_add(step) } else { Some(q) }
}

/// Unscaled values of an exact array.
pub(super) fn unscaled(array: &ArrayRef) -> Result<Decimal128Array> {
    Ok(match array.data_type() {
        DataType::Decimal128(..) => array.as_primitive().clone(),
        t if is_decimal(t) => cast(array, &DataType::Decimal128(38, decimal_scale(t) as i8))?.as_primitive().clone(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().unary(i128::from),
        _ => to_int(array, crate::types::SessionZone::UTC)?.unary(i128::from),
    })
}

fn unscaled_wide(array: &ArrayRef) -> Result<Decimal256Array> {
    Ok(match array.data_type() {
        DataType::Decimal256(..) => array.as_primitive().clone(),
        _ => unscaled(array)?.unary(i256::from_i128),
    })
}

fn is_unsigned(data_type: &DataType) -> bool {
    matches!(data_type, DataType::UInt64 | DataType::UInt32 | DataType::UInt16 | DataType::UInt8)
}

fn integer_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let unsigned = args.arg_fields.iter().any(|f| is_unsigned(f.data_type()));
    Ok(if unsigned { DataType::UInt64.into() } else { DataType::Int64.into() })
}

/// An integer argument of any sign.
enum Integers {
    Signed(Int64Array),
    Unsigned(UInt64Array),
}

impl Integers {
    fn new(array: &ArrayRef, call: &Call<'_>) -> Result<Self> {
        Ok(if *array.data_type() == DataType::UInt64 {
            Self::Unsigned(to_uint(array, call.zone)?)
        } else {
            Self::Signed(to_int(array, call.zone)?)
        })
    }

    fn get(&self, row: usize) -> Option<i128> {
        match self {
            Self::Signed(a) => (!a.is_null(row)).then(|| a.value(row).into()),
            Self::Unsigned(a) => (!a.is_null(row)).then(|| a.value(row).into()),
        }
    }
}

/// Integer arithmetic in 128 bits, checked against the result's type.
fn checked(call: &Call<'_>, sign: &str, operation: impl Fn(i128, i128) -> Option<i128>) -> Result<ArrayRef> {
    let (left, right) = (call.argument(0), call.argument(1));
    let (a, b) = (Integers::new(&left.array, call)?, Integers::new(&right.array, call)?);
    let unsigned = *call.return_type == DataType::UInt64;
    let range = if unsigned { 0..=i128::from(u64::MAX) } else { i64::MIN.into()..=i64::MAX.into() };
    let mut values = Vec::with_capacity(call.rows());
    for row in 0..call.rows() {
        let a = a.get(if left.constant { 0 } else { row });
        let b = b.get(if right.constant { 0 } else { row });
        let (Some(a), Some(b)) = (a, b) else {
            values.push(None);
            continue;
        };
        let v = operation(a, b);
        if v.is_some_and(|v| !range.contains(&v)) {
            let kind = if unsigned { "BIGINT UNSIGNED" } else { "BIGINT" };
            return Err(SqlError::value_out_of_range(kind, &format!("({a} {sign} {b})")));
        }
        values.push(v);
    }
    Ok(if unsigned {
        Arc::new(values.into_iter().map(|v| v.map(|v| v as u64)).collect::<UInt64Array>())
    } else {
        Arc::new(values.into_iter().map(|v| v.map(|v| v as i64)).collect::<Int64Array>())
    })
}

/// Signed operands through Arrow's checked kernel, which is vectorised; its error gives way to ours.
fn signed_kernel(
    call: &Call<'_>,
    kernel: fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, arrow::error::ArrowError>,
) -> Result<Option<ArrayRef>> {
    if *call.return_type != DataType::Int64 {
        return Ok(None);
    }
    let (left, right) = (call.argument(0), call.argument(1));
    let (a, b) = (to_int(&left.array, call.zone)?, to_int(&right.array, call.zone)?);
    let out = match (left.constant && !right.constant, right.constant && !left.constant) {
        (true, _) => kernel(&Scalar::new(a), &b),
        (_, true) => kernel(&a, &Scalar::new(b)),
        _ => kernel(&a, &b),
    };
    Ok(out.ok())
}

fn add(call: &Call<'_>) -> Result<ArrayRef> {
    match signed_kernel(call, arrow::compute::kernels::numeric::add)? {
        Some(done) => Ok(done),
        None => checked(call, "+", i128::checked_add),
    }
}

fn subtract(call: &Call<'_>) -> Result<ArrayRef> {
    match signed_kernel(call, arrow::compute::kernels::numeric::sub)? {
        Some(done) => Ok(done),
        None => checked(call, "-", i128::checked_sub),
    }
}

fn multiply(call: &Call<'_>) -> Result<ArrayRef> {
    match signed_kernel(call, arrow::compute::kernels::numeric::mul)? {
        Some(done) => Ok(done),
        None => checked(call, "*", i128::checked_mul),
    }
}

fn int_divide(call: &Call<'_>) -> Result<ArrayRef> {
    let integers = |t: &DataType| exact(t).is_some_and(|_| !is_decimal(t) && !is_temporal(t));
    if integers(call.data_type(0)) && integers(call.data_type(1)) {
        return checked(call, "DIV", i128::checked_div);
    }
    if exact(call.data_type(0)).is_some() && exact(call.data_type(1)).is_some() {
        return decimal_int_divide(call);
    }
    let (a, b) = (to_double(&call.argument(0).array, call.zone)?, to_double(&call.argument(1).array, call.zone)?);
    let (left, right) = (call.argument(0).constant, call.argument(1).constant);
    let mut values = Vec::with_capacity(call.rows());
    for row in 0..call.rows() {
        let (i, j) = (if left { 0 } else { row }, if right { 0 } else { row });
        if a.is_null(i) || b.is_null(j) || b.value(j) == 0.0 {
            values.push(None);
            continue;
        }
        let q = (a.value(i) / b.value(j)).trunc();
        if q.abs() >= 2_f64.powi(63) {
            return Err(SqlError::value_out_of_range("BIGINT", &format!("({} DIV {})", a.value(i), b.value(j))));
        }
        values.push(Some(q as i64));
    }
    integer_result(values.into_iter().map(|v| v.map(i128::from)), call)
}

fn decimal_int_divide(call: &Call<'_>) -> Result<ArrayRef> {
    let (left, right) = (call.argument(0), call.argument(1));
    let (s1, s2) = (decimal_scale(left.array.data_type()), decimal_scale(right.array.data_type()));
    let (a, b) = (unscaled_wide(&left.array)?, unscaled_wide(&right.array)?);
    let power = crate::types::decimal::power_of_ten(s1.abs_diff(s2)).unwrap_or(i256::ONE);
    let mut values = Vec::with_capacity(call.rows());
    for row in 0..call.rows() {
        let (i, j) = (if left.constant { 0 } else { row }, if right.constant { 0 } else { row });
        if a.is_null(i) || b.is_null(j) || b.value(j) == i256::ZERO {
            values.push(None);
            continue;
        }
        let (mut x, mut y) = (Some(a.value(i)), Some(b.value(j)));
        if s1 < s2 {
            x = x.and_then(|x| x.checked_mul(power));
        } else {
            y = y.and_then(|y| y.checked_mul(power));
        }
        let q = x.zip(y).and_then(|(x, y)| x.checked_div(y)).and_then(|q| q.to_i128());
        values.push(Some(q.ok_or_else(|| SqlError::value_out_of_range("BIGINT", "DIV"))?));
    }
    integer_result(values.into_iter(), call)
}

fn integer_result(values: impl Iterator<Item = Option<i128>>, call: &Call<'_>) -> Result<ArrayRef> {
    let overflow = || SqlError::value_out_of_range("BIGINT", "DIV");
    let values: Vec<Option<i128>> = values.collect();
    Ok(if *call.return_type == DataType::UInt64 {
        let cast = |v: i128| u64::try_from(v).map_err(|_| overflow());
        Arc::new(values.into_iter().map(|v| v.map(cast).transpose()).collect::<Result<UInt64Array>>()?)
    } else {
        let cast = |v: i128| i64::try_from(v).map_err(|_| overflow());
        Arc::new(values.into_iter().map(|v| v.map(cast).transpose()).collect::<Result<Int64Array>>()?)
    })
}

fn modulo_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let (left, right) = (args.arg_fields[0].data_type(), args.arg_fields[1].data_type());
    Ok(match (exact(left), exact(right)) {
        (Some(_), Some(_)) if !is_decimal(left) && !is_decimal(right) => {
            if is_unsigned(left) {
                DataType::UInt64.into()
            } else {
                DataType::Int64.into()
            }
        }
        (Some((p1, s1)), Some((p2, s2))) => {
            DataType::Decimal128(p1.max(p2).max(s1.max(s2)).min(38), s1.max(s2) as i8).into()
        }
        _ => DataType::Float64.into(),
    })
}

fn modulo(call: &Call<'_>) -> Result<ArrayRef> {
    match call.return_type {
        DataType::Float64 => {
            let (a, b) = (call.doubles(0)?, call.doubles(1)?);
            let rest = |row| match (a.get(row)?, b.get(row)?) {
                (_, 0.0) => None,
                (a, b) => Some(a % b),
            };
            Ok(Arc::new((0..call.rows()).map(rest).collect::<Float64Array>()))
        }
        DataType::Decimal128(p, s) => {
            let (left, right) = (call.argument(0), call.argument(1));
            let raise = |array: &ArrayRef| -> Result<Decimal128Array> {
                let power = 10_i128.pow((*s as u32).saturating_sub(decimal_scale(array.data_type()).into()));
                let raised = |v: i128| v.checked_mul(power).ok_or_else(|| SqlError::value_out_of_range("DECIMAL", "%"));
                unscaled(array)?.try_unary(raised)
            };
            let (a, b) = (raise(&left.array)?, raise(&right.array)?);
            let rest = |row| {
                let (i, j) = (if left.constant { 0 } else { row }, if right.constant { 0 } else { row });
                if a.is_null(i) || b.is_null(j) { None } else { a.value(i).checked_rem(b.value(j)) }
            };
            let out: Decimal128Array = (0..call.rows()).map(rest).collect();
            Ok(Arc::new(out.with_precision_and_scale(*p, *s)?))
        }
        _ => checked(call, "%", i128::checked_rem),
    }
}

fn bits(call: &Call<'_>, operation: fn(u64, u64) -> u64) -> Result<ArrayRef> {
    let (a, b) = (call.uints(0)?, call.uints(1)?);
    let value = |row| Some(operation(a.get(row)?, b.get(row)?));
    Ok(Arc::new((0..call.rows()).map(value).collect::<UInt64Array>()))
}
