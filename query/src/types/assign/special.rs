//! `YEAR`, `ENUM`, `SET`, `BIT` and `JSON`.

use bytes::Bytes;
use deltatree_storage::types::Value;
use serde_json::Value as Json;

use super::Target;
use crate::error::{Result, SqlError};
use crate::types::Datum;
use crate::types::json::json_text;
use crate::types::number::parse_f64_prefix;

/// A `YEAR`: 0, or 1901 to 2155; one and two digits mean 1970 to 2069.
pub(super) fn year(datum: &Datum, target: &mut Target<'_>) -> Result<Value> {
    let (v, text) = match datum {
        Datum::Int(v) => (*v, false),
        Datum::Text(text) => match parse_f64_prefix(text) {
            (v, true) => (v as i64, true),
            (_, false) => {
                let text = text.clone();
                return target.incorrect("integer", &text, Value::UInt(0));
            }
        },
        Datum::Date(_) | Datum::DateTime(_) | Datum::Instant(_) => {
            let text = super::shown(datum, target.zone());
            (text.get(..4).and_then(|y| y.parse().ok()).unwrap_or(0), false)
        }
        _ => (parse_f64_prefix(&super::shown(datum, target.zone())).0.round() as i64, false),
    };
    let year = match v {
        0 if text => 2000,
        1..=69 => v + 2000,
        70..=99 => v + 1900,
        _ => v,
    };
    if year == 0 || (1901..=2155).contains(&year) {
        Ok(Value::UInt(year as u64))
    } else {
        target.out_of_range(Value::UInt(0))
    }
}

/// An `ENUM`: one of its values, or the position of one.
pub(super) fn enumeration(datum: &Datum, values: &[String], target: &mut Target<'_>) -> Result<Value> {
    let store = |v: &str| Ok(Value::Bytes(Bytes::copy_from_slice(v.as_bytes())));
    let position = |v: u64| v.checked_sub(1).and_then(|v| values.get(v as usize));
    let found = match datum {
        Datum::Int(v) => u64::try_from(*v).ok().and_then(position),
        Datum::UInt(v) => position(*v),
        _ => {
            let text = super::shown(datum, target.zone());
            let text = text.trim_end_matches(' ');
            values.iter().find(|v| *v == text).or_else(|| text.parse().ok().and_then(position))
        }
    };
    match found {
        Some(value) => store(value),
        None => target.truncated(Value::Bytes(Bytes::new())),
    }
}

/// A `SET`: members separated by commas, or a number whose bits are members. Stored in declared order.
pub(super) fn set(datum: &Datum, values: &[String], target: &mut Target<'_>) -> Result<Value> {
    let mut chosen = vec![false; values.len()];
    let mut unknown = false;
    let mut from_bits = |bits: u64| {
        for (i, chosen) in chosen.iter_mut().enumerate() {
            *chosen = bits & (1 << i) != 0;
        }
        values.len() < 64 && bits >> values.len() != 0
    };
    match datum {
        Datum::Int(v) => unknown = from_bits(*v as u64),
        Datum::UInt(v) => unknown = from_bits(*v),
        _ => {
            let text = super::shown(datum, target.zone());
            for member in text.split(',').map(|m| m.trim_end_matches(' ')).filter(|m| !m.is_empty()) {
                match values.iter().position(|v| v == member) {
                    Some(i) => chosen[i] = true,
                    None => unknown = true,
                }
            }
        }
    }
    let members: Vec<&str> = values.iter().zip(&chosen).filter(|(_, c)| **c).map(|(v, _)| v.as_str()).collect();
    let stored = Value::Bytes(members.join(",").into());
    if unknown { target.truncated(stored) } else { Ok(stored) }
}

/// A `BIT(length)`.
pub(super) fn bit(datum: &Datum, length: u8, target: &mut Target<'_>) -> Result<Value> {
    let max = if length >= 64 { u64::MAX } else { (1 << length) - 1 };
    let v = match datum {
        Datum::Int(v) => Some(*v as u64),
        Datum::UInt(v) => Some(*v),
        Datum::Bytes(bytes) => bytes_as_integer(bytes),
        Datum::Text(text) => bytes_as_integer(text.as_bytes()),
        _ => Some(parse_f64_prefix(&super::shown(datum, target.zone())).0.round() as u64),
    };
    match v.filter(|v| *v <= max) {
        Some(v) => Ok(Value::UInt(v)),
        None => {
            let error = SqlError::data_too_long(&target.column.name, target.row);
            target.clamp(error, Value::UInt(max))
        }
    }
}

/// Bytes read as one number, most significant first; `None` beyond 64 bits.
pub(crate) fn bytes_as_integer(bytes: &[u8]) -> Option<u64> {
    let significant = bytes.iter().position(|b| *b != 0).map_or(&[][..], |at| &bytes[at..]);
    if significant.len() > 8 {
        return None;
    }
    Some(significant.iter().fold(0, |v, b| v << 8 | u64::from(*b)))
}

/// A `JSON` document, stored in MySQL's normal form.
pub(super) fn json(datum: &Datum, target: &mut Target<'_>) -> Result<Value> {
    let text = super::shown(datum, target.zone());
    match serde_json::from_str::<Json>(&text) {
        Ok(document) => Ok(Value::Bytes(json_text(&document).into())),
        // Not a document: there is nothing to clamp to, strict or not.
        Err(e) => Err(SqlError::invalid_json("Invalid value.", e.column().saturating_sub(1), &target.column.name)),
    }
}
