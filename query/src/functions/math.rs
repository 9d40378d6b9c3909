//! Functions of doubles, signs and bits. What has no real value is NULL.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use datafusion::logical_expr::ReturnFieldArgs;

use super::arithmetic::exact;
use super::call::Call;
use super::convert::is_decimal;
use super::scalar::{Definition, Returned, Returns};
use crate::error::{Result, SqlError};

/// A function of one double.
const fn double(name: &'static str, compute: fn(&Call<'_>) -> Result<ArrayRef>) -> Definition {
    Definition::new(name, 1..=1, Returns::Double, compute)
}

pub(super) const FUNCTIONS: &[Definition] = &[
    double("sqrt", |c| of(c, f64::sqrt)),
    double("exp", |c| of(c, f64::exp)),
    double("ln", |c| of(c, positive(f64::ln))).aliases(&["log"]),
    double("log2", |c| of(c, positive(f64::log2))),
    double("log10", |c| of(c, positive(f64::log10))),
    double("sin", |c| of(c, f64::sin)),
    double("cos", |c| of(c, f64::cos)),
    double("tan", |c| of(c, f64::tan)),
    double("cot", |c| of(c, |v| 1.0 / v.tan())),
    double("asin", |c| of(c, f64::asin)),
    double("acos", |c| of(c, f64::acos)),
    double("degrees", |c| of(c, f64::to_degrees)),
    double("radians", |c| of(c, f64::to_radians)),
    Definition::new("atan", 1..=2, Returns::Double, atan).aliases(&["atan2"]),
    Definition::new("power", 2..=2, Returns::Double, |c| {
        let (a, b) = (c.doubles(0)?, c.doubles(1)?);
        let mut out = Float64Builder::with_capacity(c.rows());
        for row in 0..c.rows() {
            let v = a.get(row).zip(b.get(row)).map(|(a, b)| a.powf(b)).filter(|v| !v.is_nan());
            if v.is_some_and(f64::is_infinite) {
                return Err(SqlError::value_out_of_range("DOUBLE", "pow()"));
            }
            out.append_option(v);
        }
        Ok(Arc::new(out.finish()))
    })
    .aliases(&["pow"]),
    Definition::new("pi", 0..=0, Returns::Double, |c| {
        Ok(Arc::new(Float64Array::from(vec![std::f64::consts::PI; c.rows().max(1)])))
    }),
    Definition::new("rand", 0..=1, Returns::Double, rand).volatile(),
    Definition::new("sign", 1..=1, Returns::Int, |c| {
        let sign = |v: f64| if v > 0.0 { 1 } else { -i64::from(v < 0.0) };
        let numbers = c.doubles(0)?;
        Ok(Arc::new((0..c.rows()).map(|row| numbers.get(row).map(sign)).collect::<Int64Array>()))
    }),
    Definition::new("abs", 1..=1, Returns::By(abs_type), abs),
    Definition::new("bit_count", 1..=1, Returns::Int, |c| {
        let numbers = c.uints(0)?;
        let bits = |row| numbers.get(row).map(|v| i64::from(v.count_ones()));
        Ok(Arc::new((0..c.rows()).map(bits).collect::<Int64Array>()))
    }),
];

fn of(call: &Call<'_>, f: impl Fn(f64) -> f64) -> Result<ArrayRef> {
    let numbers = call.doubles(0)?;
    let value = |row| numbers.get(row).map(&f).filter(|v| v.is_finite());
    Ok(Arc::new((0..call.rows()).map(value).collect::<Float64Array>()))
}

/// A function that numbers up to zero have no value of.
fn positive(f: fn(f64) -> f64) -> impl Fn(f64) -> f64 {
    move |v| if v > 0.0 { f(v) } else { f64::NAN }
}

fn atan(call: &Call<'_>) -> Result<ArrayRef> {
    if call.len() == 1 {
        return of(call, f64::atan);
    }
    let (y, x) = (call.doubles(0)?, call.doubles(1)?);
    let value = |row| Some(y.get(row)?.atan2(x.get(row)?));
    Ok(Arc::new((0..call.rows()).map(value).collect::<Float64Array>()))
}

/// With a seed a sequence that is the same every time.
fn rand(call: &Call<'_>) -> Result<ArrayRef> {
    const MAX: u64 = 0x3FFF_FFFF;
    let rows = call.rows().max(1);
    if call.len() == 0 {
        return Ok(Arc::new((0..rows).map(|_| Some(::rand::random::<f64>())).collect::<Float64Array>()));
    }
    let seeds = call.ints(0)?;
    let start = |seed: i64| {
        let seed = seed as u32;
        let first = u64::from(seed.wrapping_mul(0x10001).wrapping_add(55_555_555)) % MAX;
        let second = u64::from(seed.wrapping_mul(0x1000_0001)) % MAX;
        (first, second)
    };
    let next = |(a, b): &mut (u64, u64)| {
        *a = (*a * 3 + *b) % MAX;
        *b = (*a + *b + 33) % MAX;
        *a as f64 / MAX as f64
    };
    if seeds.constant {
        let mut state = start(seeds.get(0).unwrap_or(0));
        return Ok(Arc::new((0..rows).map(|_| Some(next(&mut state))).collect::<Float64Array>()));
    }
    let value = |row| Some(next(&mut start(seeds.get(row).unwrap_or(0))));
    Ok(Arc::new((0..rows).map(value).collect::<Float64Array>()))
}

fn abs_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    Ok(match args.arg_fields[0].data_type() {
        t if is_decimal(t) => t.clone(),
        DataType::UInt64 => DataType::UInt64,
        t if exact(t).is_some() => DataType::Int64,
        _ => DataType::Float64,
    }
    .into())
}

fn abs(call: &Call<'_>) -> Result<ArrayRef> {
    let array = &call.argument(0).array;
    Ok(match call.return_type {
        DataType::Float64 => Arc::new(call.doubles(0)?.array.unary::<_, Float64Type>(f64::abs)),
        DataType::UInt64 => array.clone(),
        DataType::Int64 => {
            let overflow =
                |v: i64| v.checked_abs().ok_or_else(|| SqlError::value_out_of_range("BIGINT", &format!("abs({v})")));
            let ints = call.ints(0)?.array;
            let values: Vec<Option<i64>> = ints.iter().map(|v| v.map(overflow).transpose()).collect::<Result<_>>()?;
            Arc::new(Int64Array::from(values))
        }
        DataType::Decimal128(p, s) => {
            let out = array.as_primitive::<Decimal128Type>().unary::<_, Decimal128Type>(i128::abs);
            Arc::new(out.with_precision_and_scale(*p, *s)?)
        }
        DataType::Decimal256(p, s) => {
            let out = array.as_primitive::<Decimal256Type>().unary::<_, Decimal256Type>(i256::wrapping_abs);
            Arc::new(out.with_precision_and_scale(*p, *s)?)
        }
        other => return Err(SqlError::internal(format!("no absolute value of {other}"))),
    })
}
