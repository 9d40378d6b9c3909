//! Text and bytes.

use bytes::Bytes;
use deltatree_storage::types::Value;

use super::Target;
use crate::error::{Result, SqlError};
use crate::types::{Datum, SessionZone, calendar, number};

/// How long a text may be.
pub(super) enum Limit {
    /// Characters, of a `CHAR`: trailing blanks are not kept.
    Blank(u32),
    /// Characters.
    Characters(u32),
    /// Bytes.
    Bytes(u32),
}

/// Appends a value in its text form; NULL appends nothing.
pub(super) fn render(datum: &Datum, zone: SessionZone, out: &mut Vec<u8>) {
    let fraction = |micros: i64| if micros % calendar::SECOND == 0 { 0 } else { 6 };
    match datum {
        Datum::Null => {}
        Datum::Int(v) => number::write_i64(*v, out),
        Datum::UInt(v) => number::write_u64(*v, out),
        Datum::Decimal(v) => v.write(out),
        Datum::Float(v) => number::write_f64(*v, out),
        Datum::Text(v) => out.extend_from_slice(v.as_bytes()),
        Datum::Bytes(v) => out.extend_from_slice(v),
        Datum::Date(v) => calendar::write_date(*v, out),
        Datum::DateTime(v) => calendar::write_datetime(*v, fraction(*v), out),
        Datum::Instant(v) => {
            let v = zone.local_from_utc(*v);
            calendar::write_datetime(v, fraction(v), out);
        }
        Datum::Time(v) => calendar::write_time(*v, fraction(*v), out),
    }
}

pub(super) fn text(datum: &Datum, limit: Limit, target: &mut Target<'_>) -> Result<Value> {
    let rendered;
    let bytes: &[u8] = match datum {
        Datum::Text(v) => v.as_bytes(),
        Datum::Bytes(v) => v,
        _ => {
            let mut out = Vec::new();
            render(datum, target.zone(), &mut out);
            rendered = out;
            &rendered
        }
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        let error = incorrect_string(bytes, &target.column.name, target.row);
        return target.clamp(error, Value::Bytes(Bytes::new()));
    };
    fit(text, &limit, target)
}

/// Brings a text to its column's length.
fn fit(text: &str, limit: &Limit, target: &mut Target<'_>) -> Result<Value> {
    let store = |text: &str| Ok(Value::Bytes(Bytes::copy_from_slice(text.as_bytes())));
    match fitting(text, limit) {
        Fit::Whole(text) => store(text),
        Fit::Cut(cut) => {
            let error = SqlError::data_too_long(&target.column.name, target.row);
            target.clamp(error, Value::Bytes(Bytes::copy_from_slice(cut.as_bytes())))
        }
    }
}

/// What of a text a column keeps.
pub(super) enum Fit<'a> {
    /// All that matters.
    Whole(&'a str),
    /// Too long: this much would fit.
    Cut(&'a str),
}

/// What of a text a column of the given limit keeps. Blanks beyond the length are dropped silently.
pub(super) fn fitting<'a>(text: &'a str, limit: &Limit) -> Fit<'a> {
    match limit {
        Limit::Blank(length) => match fitting(text.trim_end_matches(' '), &Limit::Characters(*length)) {
            Fit::Cut(cut) => Fit::Cut(cut.trim_end_matches(' ')),
            whole => whole,
        },
        Limit::Characters(length) => {
            let length = *length as usize;
            // No text has more characters than bytes.
            if text.len() <= length {
                return Fit::Whole(text);
            }
            match text.char_indices().nth(length) {
                None => Fit::Whole(text),
                Some((at, _)) if text[at..].bytes().all(|b| b == b' ') => Fit::Whole(&text[..at]),
                Some((at, _)) => Fit::Cut(&text[..at]),
            }
        }
        Limit::Bytes(length) => {
            let length = *length as usize;
            if text.len() <= length { Fit::Whole(text) } else { Fit::Cut(&text[..text.floor_char_boundary(length)]) }
        }
    }
}

pub(super) fn binary(datum: &Datum, length: u32, pad: bool, target: &mut Target<'_>) -> Result<Value> {
    let length = length as usize;
    let mut bytes = match datum {
        Datum::Bytes(v) if !pad && v.len() <= length => return Ok(Value::Bytes(v.clone())),
        _ => {
            let mut out = Vec::new();
            render(datum, target.zone(), &mut out);
            out
        }
    };
    if bytes.len() > length {
        bytes.truncate(length);
        let error = SqlError::data_too_long(&target.column.name, target.row);
        return target.clamp(error, Value::Bytes(bytes.into()));
    }
    if pad {
        bytes.resize(length, 0);
    }
    Ok(Value::Bytes(bytes.into()))
}

/// 1366, showing the first bytes that are not UTF-8.
fn incorrect_string(bytes: &[u8], column: &str, row: u64) -> SqlError {
    use std::fmt::Write;
    let valid = std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len);
    let mut shown = String::new();
    for byte in bytes[valid..].iter().take(6) {
        write!(shown, "\\x{byte:02X}").expect("writing to a string cannot fail");
    }
    SqlError::new(1366, format!("Incorrect string value: '{shown}' for column '{column}' at row {row}"))
}
