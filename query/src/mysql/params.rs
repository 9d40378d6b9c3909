//! Parameters of a prepared statement, as the client sends them in binary.

use std::collections::HashMap;

use super::constants::column_type as t;
use super::packet::Fields;
use crate::types::{Datum, Decimal, temporal};

/// What the server keeps of the parameters between two executions of a statement.
#[derive(Default)]
pub(crate) struct BoundParameters {
    /// Type and whether unsigned, by position; the client sends them with the first execution only.
    types: Vec<(u8, bool)>,
    /// Values sent ahead in pieces, by position.
    long_data: HashMap<u16, Vec<u8>>,
}

impl BoundParameters {
    /// Adds a piece of a long value. False when the pieces together exceed `limit` bytes.
    pub(crate) fn append(&mut self, position: u16, piece: &[u8], limit: usize) -> bool {
        let held: usize = self.long_data.values().map(Vec::len).sum();
        if held + piece.len() > limit {
            return false;
        }
        self.long_data.entry(position).or_default().extend_from_slice(piece);
        true
    }

    /// Forgets the long values.
    pub(crate) fn reset(&mut self) {
        self.long_data.clear();
    }

    /// Decodes the `count` parameters of an execution; `None` if the bytes are malformed.
    pub(crate) fn decode(&mut self, payload: &[u8], count: usize) -> Option<Vec<Datum>> {
        if count == 0 {
            return Some(Vec::new());
        }
        let mut fields = Fields(payload);
        let nulls = fields.take(count.div_ceil(8))?;
        if fields.u8()? == 1 {
            let types = fields.take(2 * count)?;
            self.types = types.chunks_exact(2).map(|c| (c[0], c[1] & 0x80 != 0)).collect();
        }
        if self.types.len() != count {
            return None;
        }
        let mut parameters = Vec::with_capacity(count);
        for (i, &(kind, unsigned)) in self.types.iter().enumerate() {
            let long = u16::try_from(i).ok().and_then(|i| self.long_data.get(&i));
            parameters.push(match long {
                Some(bytes) => bytes_or_text(bytes, kind),
                None if nulls[i / 8] & 1 << (i % 8) != 0 => Datum::Null,
                None => value(&mut fields, kind, unsigned)?,
            });
        }
        Some(parameters)
    }
}

fn value(fields: &mut Fields<'_>, kind: u8, unsigned: bool) -> Option<Datum> {
    Some(match kind {
        t::NULL => Datum::Null,
        t::TINY if unsigned => Datum::UInt(fields.u8()?.into()),
        t::TINY => Datum::Int((fields.u8()? as i8).into()),
        t::SHORT | t::YEAR if unsigned => Datum::UInt(fields.u16()?.into()),
        t::SHORT | t::YEAR => Datum::Int((fields.u16()? as i16).into()),
        t::LONG | t::INT24 if unsigned => Datum::UInt(fields.u32()?.into()),
        t::LONG | t::INT24 => Datum::Int((fields.u32()? as i32).into()),
        t::LONGLONG if unsigned => Datum::UInt(u64::from_le_bytes(fields.array()?)),
        t::LONGLONG => Datum::Int(i64::from_le_bytes(fields.array()?)),
        t::FLOAT => Datum::Float(shortest(f32::from_le_bytes(fields.array()?))),
        t::DOUBLE => Datum::Float(f64::from_le_bytes(fields.array()?)),
        t::DATE => day(date(fields)?.0),
        t::DATETIME | t::TIMESTAMP => {
            let (day, clock) = date(fields)?;
            moment(format!("{day} {clock}"))
        }
        t::TIME => span(time(fields)?),
        t::DECIMAL | t::NEWDECIMAL => decimal(fields.bytes()?)?,
        t::VARCHAR
        | t::VAR_STRING
        | t::STRING
        | t::ENUM
        | t::SET
        | t::JSON
        | t::BIT
        | t::GEOMETRY
        | t::TINY_BLOB
        | t::MEDIUM_BLOB
        | t::LONG_BLOB
        | t::BLOB => bytes_or_text(fields.bytes()?, kind),
        _ => return None,
    })
}

/// Clients send text with any of the string and blob types; what is no UTF-8 can only be binary.
fn bytes_or_text(bytes: &[u8], kind: u8) -> Datum {
    match std::str::from_utf8(bytes) {
        Ok(text) if kind != t::BIT && kind != t::GEOMETRY => Datum::Text(text.to_owned()),
        _ => Datum::Bytes(bytes.to_vec().into()),
    }
}

fn decimal(bytes: &[u8]) -> Option<Datum> {
    let text = std::str::from_utf8(bytes).ok()?;
    Some(Decimal::parse(text).map_or_else(|| Datum::Text(text.to_owned()), Datum::Decimal))
}

/// The double that prints as the float does: 0.1 and not 0.10000000149.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}

/// Dates that no calendar has stay text, and are judged where they are assigned.
fn day(text: String) -> Datum {
    temporal::parse_datetime(&text).map_or(Datum::Text(text), |t| Datum::Date(t.days()))
}

fn moment(text: String) -> Datum {
    temporal::parse_datetime(&text).map_or(Datum::Text(text), |t| Datum::DateTime(t.micros))
}

fn span(text: String) -> Datum {
    temporal::parse_time(&text).map_or(Datum::Text(text), |(micros, _)| Datum::Time(micros))
}

/// A binary date, with or without a time of day, as `YYYY-MM-DD` and `HH:MM:SS.ffffff`.
fn date(fields: &mut Fields<'_>) -> Option<(String, String)> {
    let mut fields = Fields(short(fields)?);
    let (mut day, mut clock) = ((0, 0, 0), (0, 0, 0, 0));
    if !fields.0.is_empty() {
        day = (fields.u16()?, fields.u8()?, fields.u8()?);
    }
    if !fields.0.is_empty() {
        clock = (fields.u8()?, fields.u8()?, fields.u8()?, 0);
    }
    if !fields.0.is_empty() {
        clock.3 = fields.u32()?;
    }
    let (hour, minute, second, micros) = clock;
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    let day = format!("{:04}-{:02}-{:02}", day.0, day.1, day.2);
    Some((day, format!("{hour:02}:{minute:02}:{second:02}{fraction}")))
}

/// A binary time as `[-]HHH:MM:SS[.ffffff]`.
fn time(fields: &mut Fields<'_>) -> Option<String> {
    let mut fields = Fields(short(fields)?);
    if fields.0.is_empty() {
        return Some("00:00:00".into());
    }
    let sign = if fields.u8()? == 0 { "" } else { "-" };
    let days = u64::from(fields.u32()?);
    let (hours, minutes, seconds) = (fields.u8()?, fields.u8()?, fields.u8()?);
    let micros = if fields.0.is_empty() { 0 } else { fields.u32()? };
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    Some(format!("{sign}{:02}:{minutes:02}:{seconds:02}{fraction}", days * 24 + u64::from(hours)))
}

/// Bytes after a one-byte length.
fn short<'a>(fields: &mut Fields<'a>) -> Option<&'a [u8]> {
    let length = fields.u8()?;
    fields.take(length.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn types_are_remembered_for_the_next_execution() {
        let mut bound = BoundParameters::default();
        let first = [&[0b10][..], &[1, t::LONG, 0x80, t::STRING, 0], &7u32.to_le_bytes()].concat();
        assert_eq!(bound.decode(&first, 2), Some(vec![Datum::UInt(7), Datum::Null]));
        let second = [&[0][..], &[0], &8u32.to_le_bytes(), &[2, b'h', b'i']].concat();
        assert_eq!(bound.decode(&second, 2), Some(vec![Datum::UInt(8), Datum::Text("hi".into())]));
    }

    #[test]
    fn dates_and_times_are_read() {
        let mut bound = BoundParameters::default();
        let mut payload = vec![0, 1, t::DATETIME, 0, t::TIME, 0, 7];
        payload.extend(2024u16.to_le_bytes());
        payload.extend([2, 29, 23, 59, 58]);
        payload.extend([12, 1, 1, 0, 0, 0, 2, 3, 4]);
        payload.extend(500_000u32.to_le_bytes());
        assert_eq!(
            bound.decode(&payload, 2),
            Some(vec![
                Datum::DateTime(1_709_251_198_000_000),
                Datum::Time(-(26 * 3600 + 3 * 60 + 4) * 1_000_000 - 500_000)
            ])
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), count in 0usize..20) {
            let _ = BoundParameters::default().decode(&bytes, count);
        }
    }
}
