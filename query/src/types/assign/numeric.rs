//! Integers, decimals and floats.

use arrow::datatypes::i256;
use deltatree_storage::types::Value;

use super::Target;
use crate::error::Result;
use crate::types::calendar::{Civil, SECOND};
use crate::types::decimal::max_unscaled;
use crate::types::number::parse_f64_prefix;
use crate::types::{Datum, Decimal};

/// A value read as a number.
enum Number {
    Exact(Decimal),
    Approximate(f64),
}

/// How much of the value was a number.
#[derive(PartialEq)]
enum Read {
    Whole,
    Prefix,
    Nothing,
}

/// Reads any value as a number.
fn number(datum: &Datum, target: &Target<'_>) -> (Number, Read) {
    let exact = |v: i64| (Number::Exact(Decimal::from_int(v)), Read::Whole);
    match datum {
        Datum::Null => exact(0),
        Datum::Int(v) => exact(*v),
        Datum::UInt(v) => (Number::Exact(Decimal::from_uint(*v)), Read::Whole),
        Datum::Decimal(v) => (Number::Exact(*v), Read::Whole),
        Datum::Float(v) => (Number::Approximate(*v), Read::Whole),
        Datum::Text(text) => match Decimal::parse_prefix(text) {
            Some((v, true)) => (Number::Exact(v), Read::Whole),
            Some((v, false)) => (Number::Exact(v), Read::Prefix),
            None => match parse_f64_prefix(text) {
                (v, true) => (Number::Approximate(v), Read::Whole),
                (v, false) if v != 0.0 => (Number::Approximate(v), Read::Prefix),
                (_, false) => (Number::Exact(Decimal::from_int(0)), Read::Nothing),
            },
        },
        Datum::Bytes(bytes) => match super::special::bytes_as_integer(bytes) {
            Some(v) => (Number::Exact(Decimal::from_uint(v)), Read::Whole),
            None => (Number::Exact(Decimal::from_uint(u64::MAX)), Read::Prefix),
        },
        Datum::Date(days) => {
            let c = Civil::from_micros(i64::from(*days) * crate::types::calendar::DAY);
            exact(i64::from(c.year) * 10_000 + i64::from(c.month) * 100 + i64::from(c.day))
        }
        Datum::DateTime(micros) => (Number::Exact(datetime_number(*micros)), Read::Whole),
        Datum::Instant(micros) => (Number::Exact(datetime_number(target.zone().local_from_utc(*micros))), Read::Whole),
        Datum::Time(micros) => (Number::Exact(time_number(*micros)), Read::Whole),
    }
}

/// `20240102030405.000000`.
pub(crate) fn datetime_number(micros: i64) -> Decimal {
    let c = Civil::from_micros(micros);
    let date = i64::from(c.year) * 10_000 + i64::from(c.month) * 100 + i64::from(c.day);
    let clock = i64::from(c.hour) * 10_000 + i64::from(c.minute) * 100 + i64::from(c.second);
    with_fraction(date * 1_000_000 + clock, c.micro)
}

/// `123456.000000`.
pub(crate) fn time_number(micros: i64) -> Decimal {
    let seconds = micros.abs() / SECOND;
    let clock = seconds / 3600 * 10_000 + seconds / 60 % 60 * 100 + seconds % 60;
    let v = with_fraction(clock, (micros.abs() % SECOND) as u32);
    if micros < 0 { Decimal { unscaled: v.unscaled.wrapping_neg(), scale: v.scale } } else { v }
}

fn with_fraction(whole: i64, micro: u32) -> Decimal {
    if micro == 0 {
        Decimal::from_int(whole)
    } else {
        Decimal { unscaled: i256::from_i128(i128::from(whole) * 1_000_000 + i128::from(micro)), scale: 6 }
    }
}

/// An integer of so many bits. Fractions round: exact ones half away from zero, floats half to even.
pub(super) fn integer(datum: &Datum, bits: u32, unsigned: bool, target: &mut Target<'_>) -> Result<Value> {
    let (min, max): (i128, i128) =
        if unsigned { (0, (1 << bits) - 1) } else { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) };
    let store = |v: i128| if unsigned { Value::UInt(v as u64) } else { Value::Int(v as i64) };
    // The common case first.
    if let Datum::Int(v) = datum {
        let v = i128::from(*v);
        return if (min..=max).contains(&v) { Ok(store(v)) } else { target.out_of_range(store(v.clamp(min, max))) };
    }
    let (number, read) = number(datum, target);
    let rounded = match number {
        Number::Exact(v) => v.to_integer().unwrap_or(if v.unscaled.is_negative() { i128::MIN } else { i128::MAX }),
        // Saturates, as the bounds then do.
        Number::Approximate(v) => v.round_ties_even() as i128,
    };
    let clamped = rounded.clamp(min, max);
    match read {
        Read::Nothing => {
            let text = super::shown(datum, target.zone());
            return target.incorrect("integer", &text, store(clamped));
        }
        Read::Prefix => return target.truncated(store(clamped)),
        Read::Whole => {}
    }
    if clamped == rounded { Ok(store(rounded)) } else { target.out_of_range(store(clamped)) }
}

/// A `DECIMAL(precision, scale)`.
pub(super) fn decimal(datum: &Datum, precision: u8, scale: u8, target: &mut Target<'_>) -> Result<Value> {
    let store = |v: i256| match (precision <= 38, v.to_i128()) {
        (true, Some(v)) => Value::Decimal(v),
        _ => Value::BigDecimal(v),
    };
    let (number, read) = number(datum, target);
    let max = max_unscaled(precision);
    let exact = match number {
        Number::Exact(v) => Some((v.rescale(scale), v.unscaled.is_negative())),
        Number::Approximate(v) => {
            // By way of the digits that the number is shown with.
            let mut text = Vec::new();
            crate::types::number::write_f64(v, &mut text);
            let parsed = std::str::from_utf8(&text).ok().and_then(Decimal::parse);
            Some((parsed.and_then(|d| d.rescale(scale)), v < 0.0))
        }
    };
    let (rescaled, negative) = exact.unwrap_or((None, false));
    let limit = if negative { max.wrapping_neg() } else { max };
    let fits = rescaled.filter(|v| v.wrapping_abs() <= max);
    if read != Read::Whole {
        let text = super::shown(datum, target.zone());
        return target.incorrect("decimal", &text, store(fits.unwrap_or(limit)));
    }
    match fits {
        Some(v) => Ok(store(v)),
        None => target.out_of_range(store(limit)),
    }
}

/// A `FLOAT` (`single`) or `DOUBLE`.
pub(super) fn float(datum: &Datum, single: bool, target: &mut Target<'_>) -> Result<Value> {
    let (v, whole) = match datum {
        Datum::Text(text) => parse_f64_prefix(text),
        _ => match number(datum, target) {
            (Number::Exact(v), read) => (v.to_f64(), read == Read::Whole),
            (Number::Approximate(v), read) => (v, read == Read::Whole),
        },
    };
    let limit = if single { f64::from(f32::MAX) } else { f64::MAX };
    let stored = if single { f64::from(v as f32) } else { v };
    if !whole {
        return target.truncated(Value::Float(stored.clamp(-limit, limit)));
    }
    if v.is_nan() || v.abs() > limit {
        return target.out_of_range(Value::Float(if v.is_nan() { 0.0 } else { limit.copysign(v) }));
    }
    Ok(Value::Float(stored))
}
