//! Dates and times.

use deltatree_storage::types::Value;

use super::Target;
use crate::error::Result;
use crate::types::calendar::{DAY, MAX_DATETIME, MAX_TIME, MIN_DATETIME, SECOND, round_to_fsp};
use crate::types::temporal::{self, Parsed};
use crate::types::{Datum, SessionZone};

/// 1970-01-01 00:00:01 UTC.
const FIRST_TIMESTAMP: i64 = SECOND;
/// 2038-01-19 03:14:07.999999 UTC.
const LAST_TIMESTAMP: i64 = ((1 << 31) - 1) * SECOND + SECOND - 1;

/// Reads a value as local date and time. `None` if it is none.
fn local(datum: &Datum, zone: SessionZone) -> Option<i64> {
    match datum {
        Datum::Date(days) => Some(i64::from(*days) * DAY),
        Datum::DateTime(micros) => Some(*micros),
        Datum::Instant(micros) => Some(zone.local_from_utc(*micros)),
        Datum::Text(text) => parse_local(text, zone),
        Datum::Bytes(bytes) => parse_local(std::str::from_utf8(bytes).ok()?, zone),
        Datum::Int(v) => temporal::from_number(*v).map(|p| p.micros),
        Datum::UInt(v) => temporal::from_number(i64::try_from(*v).ok()?).map(|p| p.micros),
        Datum::Decimal(_) | Datum::Float(_) => {
            let mut text = Vec::new();
            super::text::render(datum, zone, &mut text);
            temporal::parse_datetime(std::str::from_utf8(&text).ok()?).map(|p| p.micros)
        }
        // A bare time has no day of its own.
        Datum::Time(_) | Datum::Null => None,
    }
}

/// Local time of a text, which may name its UTC offset: `2024-01-02 03:04:05+08:00`.
fn parse_local(text: &str, zone: SessionZone) -> Option<i64> {
    if let Some(Parsed { micros, .. }) = temporal::parse_datetime(text) {
        return Some(micros);
    }
    let text = text.trim();
    let at = text.len().checked_sub(6).filter(|at| text.is_char_boundary(*at))?;
    let (front, offset) = text.split_at(at);
    let offset = SessionZone::parse(offset).ok()?;
    let parsed = temporal::parse_datetime(front).filter(|p| p.has_time)?;
    Some(zone.local_from_utc(offset.utc_from_local(parsed.micros)))
}

fn incorrect(kind: &str, datum: &Datum, target: &mut Target<'_>) -> Result<Value> {
    let text = super::shown(datum, target.zone());
    // There is no zero date to clamp to.
    let clamped = if target.column.nullable { Value::Null } else { Value::Int(0) };
    target.incorrect(kind, &text, clamped)
}

/// A `DATE`: a time of day is dropped.
pub(super) fn date(datum: &Datum, target: &mut Target<'_>) -> Result<Value> {
    match local(datum, target.zone()).filter(|micros| (MIN_DATETIME..=MAX_DATETIME).contains(micros)) {
        Some(micros) => Ok(Value::Int(micros.div_euclid(DAY))),
        None => incorrect("date", datum, target),
    }
}

/// A `DATETIME(fsp)`.
pub(super) fn datetime(datum: &Datum, fsp: u8, target: &mut Target<'_>) -> Result<Value> {
    let rounded = local(datum, target.zone()).map(|micros| round_to_fsp(micros, fsp));
    match rounded.filter(|micros| (MIN_DATETIME..=MAX_DATETIME).contains(micros)) {
        Some(micros) => Ok(Value::Int(micros)),
        None => incorrect("datetime", datum, target),
    }
}

/// A `TIMESTAMP(fsp)`: local time in, UTC stored.
pub(super) fn timestamp(datum: &Datum, fsp: u8, target: &mut Target<'_>) -> Result<Value> {
    let zone = target.zone();
    let utc = match datum {
        Datum::Instant(micros) => Some(*micros),
        _ => local(datum, zone).map(|micros| zone.utc_from_local(micros)),
    };
    let rounded = utc.map(|micros| round_to_fsp(micros, fsp));
    match rounded.filter(|micros| (FIRST_TIMESTAMP..=LAST_TIMESTAMP).contains(micros)) {
        Some(micros) => Ok(Value::Int(micros)),
        None => incorrect("datetime", datum, target),
    }
}

/// A `TIME(fsp)`.
pub(super) fn time(datum: &Datum, fsp: u8, target: &mut Target<'_>) -> Result<Value> {
    let zone = target.zone();
    let micros = match datum {
        Datum::Time(micros) => Some(*micros),
        Datum::Int(v) => temporal::time_from_number(*v),
        Datum::UInt(v) => i64::try_from(*v).ok().and_then(temporal::time_from_number),
        Datum::Date(_) => Some(0),
        Datum::DateTime(micros) => Some(micros.rem_euclid(DAY)),
        Datum::Instant(micros) => Some(zone.local_from_utc(*micros).rem_euclid(DAY)),
        Datum::Text(_) | Datum::Bytes(_) | Datum::Decimal(_) | Datum::Float(_) => {
            temporal::parse_time(&super::shown(datum, zone)).map(|(micros, _)| micros)
        }
        Datum::Null => None,
    };
    let rounded = micros.map(|micros| round_to_fsp(micros, fsp));
    match rounded {
        Some(micros) if micros.abs() <= MAX_TIME => Ok(Value::Int(micros)),
        Some(micros) => {
            let text = super::shown(datum, zone);
            target.incorrect("time", &text, Value::Int(temporal::clamp_time(micros)))
        }
        None => {
            let text = super::shown(datum, zone);
            target.incorrect("time", &text, Value::Int(0))
        }
    }
}
