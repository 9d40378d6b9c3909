//! Values in the protocol's binary form.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, DurationMicrosecondType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    UInt64Type,
};

use super::constants::column_type as t;
use super::packet::put_bytes;
use crate::error::{Result, SqlError};
use crate::types::calendar::{self, Civil};
use crate::types::text::{ColumnFormat, write_text};
use crate::types::{MysqlColumn, SessionZone};

/// A column of one batch, brought into one of few Arrow types.
pub(crate) struct BinaryColumn<'a> {
    array: ArrayRef,
    format: &'a ColumnFormat,
    zone: SessionZone,
    encoding: Encoding,
}

enum Encoding {
    /// Every value is NULL.
    Null,
    /// `Int64`, this many bytes.
    Signed(usize),
    /// `UInt64`, this many bytes.
    Unsigned(usize),
    /// `Float64` as 4 bytes.
    Float,
    /// `Float64` as 8 bytes.
    Double,
    /// `Date32`.
    Date,
    /// `Timestamp(µs)`, to be shown in the session's time zone if it has one of its own.
    DateTime,
    /// `Duration(µs)`.
    Time,
    /// Anything else, as its text.
    Text,
}

impl<'a> BinaryColumn<'a> {
    /// Prepares a column that clients were told to expect as `column`.
    pub(crate) fn new(
        column: &MysqlColumn,
        format: &'a ColumnFormat,
        array: &ArrayRef,
        zone: SessionZone,
    ) -> Result<Self> {
        let (kind, unsigned) = (column.type_code, column.unsigned);
        let width = match kind {
            t::TINY => Some(1),
            t::SHORT | t::YEAR => Some(2),
            t::LONG | t::INT24 => Some(4),
            t::LONGLONG => Some(8),
            _ => None,
        };
        let (encoding, wanted) = match (kind, width) {
            (t::NULL, _) => (Encoding::Null, None),
            (_, Some(width)) if unsigned => (Encoding::Unsigned(width), Some(DataType::UInt64)),
            (_, Some(width)) => (Encoding::Signed(width), Some(DataType::Int64)),
            (t::FLOAT, _) => (Encoding::Float, Some(DataType::Float64)),
            (t::DOUBLE, _) => (Encoding::Double, Some(DataType::Float64)),
            (t::DATE, _) => (Encoding::Date, Some(DataType::Date32)),
            (t::DATETIME | t::TIMESTAMP, _) => {
                let own_zone = match array.data_type() {
                    DataType::Timestamp(_, zone) => zone.clone(),
                    _ => None,
                };
                (Encoding::DateTime, Some(DataType::Timestamp(TimeUnit::Microsecond, own_zone)))
            }
            (t::TIME, _) => (Encoding::Time, Some(DataType::Duration(TimeUnit::Microsecond))),
            _ => (Encoding::Text, None),
        };
        let array = match wanted {
            Some(wanted) if *array.data_type() != wanted => cast(array, &wanted)
                .map_err(|e| SqlError::internal(format!("cannot send column {}: {e}", column.name)))?,
            _ => array.clone(),
        };
        Ok(Self { array, format, zone, encoding })
    }

    /// Whether the row's value is NULL.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        matches!(self.encoding, Encoding::Null) || self.array.is_null(row)
    }

    /// Appends the row's value, which is not NULL.
    pub(crate) fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        match self.encoding {
            Encoding::Null => {}
            Encoding::Signed(width) => {
                out.extend_from_slice(&self.array.as_primitive::<Int64Type>().value(row).to_le_bytes()[..width]);
            }
            Encoding::Unsigned(width) => {
                out.extend_from_slice(&self.array.as_primitive::<UInt64Type>().value(row).to_le_bytes()[..width]);
            }
            Encoding::Float => {
                let value = self.array.as_primitive::<Float64Type>().value(row) as f32;
                out.extend_from_slice(&value.to_le_bytes());
            }
            Encoding::Double => {
                out.extend_from_slice(&self.array.as_primitive::<Float64Type>().value(row).to_le_bytes());
            }
            Encoding::Date => {
                out.push(4);
                put_day(out, calendar::civil_from_days(self.array.as_primitive::<Date32Type>().value(row)));
            }
            Encoding::DateTime => {
                let micros = self.array.as_primitive::<TimestampMicrosecondType>().value(row);
                let local = match self.array.data_type() {
                    DataType::Timestamp(_, Some(_)) => self.zone.local_from_utc(micros),
                    _ => micros,
                };
                put_date_time(out, local);
            }
            Encoding::Time => put_time(out, self.array.as_primitive::<DurationMicrosecondType>().value(row)),
            Encoding::Text => {
                let mut text = Vec::new();
                write_text(&self.array, row, self.format, &mut text)?;
                put_bytes(out, &text);
            }
        }
        Ok(())
    }
}

fn put_day(out: &mut Vec<u8>, (year, month, day): (i32, u32, u32)) {
    out.extend_from_slice(&(year as u16).to_le_bytes());
    out.extend_from_slice(&[month as u8, day as u8]);
}

fn put_date_time(out: &mut Vec<u8>, micros: i64) {
    let time = Civil::from_micros(micros);
    out.push(if time.micro > 0 { 11 } else { 7 });
    put_day(out, (time.year, time.month, time.day));
    out.extend_from_slice(&[time.hour as u8, time.minute as u8, time.second as u8]);
    if time.micro > 0 {
        out.extend_from_slice(&time.micro.to_le_bytes());
    }
}

fn put_time(out: &mut Vec<u8>, micros: i64) {
    if micros == 0 {
        out.push(0);
        return;
    }
    let (seconds, fraction) = (micros.unsigned_abs() / 1_000_000, (micros.unsigned_abs() % 1_000_000) as u32);
    out.push(if fraction > 0 { 12 } else { 8 });
    out.push(u8::from(micros < 0));
    out.extend_from_slice(&((seconds / 86_400) as u32).to_le_bytes());
    out.extend_from_slice(&[(seconds / 3600 % 24) as u8, (seconds / 60 % 60) as u8, (seconds % 60) as u8]);
    if fraction > 0 {
        out.extend_from_slice(&fraction.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_days_sign_and_fraction() {
        let bytes = |micros| {
            let mut out = Vec::new();
            put_time(&mut out, micros);
            out
        };
        assert_eq!(bytes(0), [0]);
        assert_eq!(bytes(90_061_000_000), [8, 0, 1, 0, 0, 0, 1, 1, 1]);
        assert_eq!(bytes(-1_500_000), [&[12, 1, 0, 0, 0, 0, 0, 0, 1][..], &500_000u32.to_le_bytes()].concat());
    }

    #[test]
    fn date_times_leave_out_a_zero_fraction() {
        let mut out = Vec::new();
        put_date_time(&mut out, 1_709_210_096_000_000);
        assert_eq!(out, [7, 0xE8, 7, 2, 29, 12, 34, 56]);
    }
}
