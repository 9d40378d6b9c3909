//! Values in the text protocol's form.
//!
//! A server sends millions of them, so an array is looked at once ([`TextColumn::new`]) and each value is
//! then appended to the caller's buffer without allocation.

use arrow::array::*;
use arrow::datatypes::{DataType, Field, TimeUnit};
use deltatree_learner::catalog::SqlType;

use super::field::{SQL_TYPE_KEY, sql_type_of};
use super::{SessionZone, calendar, decimal, number};
use crate::error::Result;

/// How the values of one result column are written.
#[derive(Clone, Debug)]
pub struct ColumnFormat {
    zone: SessionZone,
    /// Digits of a second's fraction; `None` where the type does not say: as many as there are, 0 or 6.
    fsp: Option<u8>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Four digits.
    Year,
    /// So many bytes, most significant first.
    Bits(u8),
}

impl ColumnFormat {
    /// The format of a field's values in a session.
    pub fn new(field: &Field, zone: SessionZone) -> Self {
        let declared = field.metadata().contains_key(SQL_TYPE_KEY);
        let sql_type = sql_type_of(field);
        let fsp = match &sql_type {
            Some(SqlType::Time { fsp } | SqlType::DateTime { fsp } | SqlType::Timestamp { fsp }) if declared => {
                Some(*fsp)
            }
            _ => None,
        };
        let kind = match sql_type {
            Some(SqlType::Year) => Kind::Year,
            Some(SqlType::Bit { length }) => Kind::Bits(length.div_ceil(8)),
            _ => Kind::Plain,
        };
        Self { zone, fsp, kind }
    }

    fn fsp_of(&self, micros: i64) -> u8 {
        self.fsp.unwrap_or(if micros % calendar::SECOND == 0 { 0 } else { 6 })
    }
}

/// One array, ready to be written value by value.
pub struct TextColumn<'a> {
    array: &'a dyn Array,
    format: &'a ColumnFormat,
    values: Values<'a>,
}

enum Values<'a> {
    Null,
    Boolean(&'a BooleanArray),
    Int8(&'a Int8Array),
    Int16(&'a Int16Array),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    UInt8(&'a UInt8Array),
    UInt16(&'a UInt16Array),
    UInt32(&'a UInt32Array),
    UInt64(&'a UInt64Array),
    Float32(&'a Float32Array),
    Float64(&'a Float64Array),
    Decimal128(&'a Decimal128Array, u8),
    Decimal256(&'a Decimal256Array, u8),
    Date32(&'a Date32Array),
    Local(&'a TimestampMicrosecondArray),
    Instant(&'a TimestampMicrosecondArray),
    Duration(&'a DurationMicrosecondArray),
    Utf8(&'a StringArray),
    LargeUtf8(&'a LargeStringArray),
    Utf8View(&'a StringViewArray),
    Binary(&'a BinaryArray),
    LargeBinary(&'a LargeBinaryArray),
    BinaryView(&'a BinaryViewArray),
    /// Types that results rarely have, turned into text as a whole.
    Rendered(StringArray),
}

impl<'a> TextColumn<'a> {
    /// Looks at an array. Fails only for an Arrow type that has no text form.
    pub fn new(array: &'a dyn Array, format: &'a ColumnFormat) -> Result<Self> {
        let values = match array.data_type() {
            DataType::Null => Values::Null,
            DataType::Boolean => Values::Boolean(array.as_boolean()),
            DataType::Int8 => Values::Int8(array.as_primitive()),
            DataType::Int16 => Values::Int16(array.as_primitive()),
            DataType::Int32 => Values::Int32(array.as_primitive()),
            DataType::Int64 => Values::Int64(array.as_primitive()),
            DataType::UInt8 => Values::UInt8(array.as_primitive()),
            DataType::UInt16 => Values::UInt16(array.as_primitive()),
            DataType::UInt32 => Values::UInt32(array.as_primitive()),
            DataType::UInt64 => Values::UInt64(array.as_primitive()),
            DataType::Float32 => Values::Float32(array.as_primitive()),
            DataType::Float64 => Values::Float64(array.as_primitive()),
            DataType::Decimal128(_, s) if *s >= 0 => Values::Decimal128(array.as_primitive(), *s as u8),
            DataType::Decimal256(_, s) if *s >= 0 => Values::Decimal256(array.as_primitive(), *s as u8),
            DataType::Date32 => Values::Date32(array.as_primitive()),
            DataType::Timestamp(TimeUnit::Microsecond, None) => Values::Local(array.as_primitive()),
            DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => Values::Instant(array.as_primitive()),
            DataType::Duration(TimeUnit::Microsecond) => Values::Duration(array.as_primitive()),
            DataType::Utf8 => Values::Utf8(array.as_string()),
            DataType::LargeUtf8 => Values::LargeUtf8(array.as_string()),
            DataType::Utf8View => Values::Utf8View(array.as_string_view()),
            DataType::Binary => Values::Binary(array.as_binary()),
            DataType::LargeBinary => Values::LargeBinary(array.as_binary()),
            DataType::BinaryView => Values::BinaryView(array.as_binary_view()),
            _ => Values::Rendered(arrow::compute::cast(array, &DataType::Utf8)?.as_string().clone()),
        };
        Ok(Self { array, format, values })
    }

    /// Whether a row is NULL: there is nothing to write then.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        matches!(self.values, Values::Null) || self.array.is_null(row)
    }

    /// Appends a row's value; the row must not be NULL.
    #[inline]
    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        match &self.values {
            Values::Null => {}
            Values::Boolean(a) => out.push(if a.value(row) { b'1' } else { b'0' }),
            Values::Int8(a) => number::write_i64(a.value(row).into(), out),
            Values::Int16(a) => number::write_i64(a.value(row).into(), out),
            Values::Int32(a) => number::write_i64(a.value(row).into(), out),
            Values::Int64(a) => number::write_i64(a.value(row), out),
            Values::UInt8(a) => number::write_u64(a.value(row).into(), out),
            Values::UInt16(a) => match (self.format.kind, a.value(row)) {
                (Kind::Year, 0) => out.extend_from_slice(b"0000"),
                (_, v) => number::write_u64(v.into(), out),
            },
            Values::UInt32(a) => number::write_u64(a.value(row).into(), out),
            Values::UInt64(a) => match self.format.kind {
                Kind::Bits(bytes) => {
                    out.extend_from_slice(&a.value(row).to_be_bytes()[8 - usize::from(bytes.min(8))..])
                }
                Kind::Plain | Kind::Year => number::write_u64(a.value(row), out),
            },
            Values::Float32(a) => number::write_f32(a.value(row), out),
            Values::Float64(a) => number::write_f64(a.value(row), out),
            Values::Decimal128(a, scale) => decimal::write_i128(a.value(row), *scale, out),
            Values::Decimal256(a, scale) => decimal::write_unscaled(a.value(row), *scale, out),
            Values::Date32(a) => calendar::write_date(a.value(row), out),
            Values::Local(a) => {
                let v = a.value(row);
                calendar::write_datetime(v, self.format.fsp_of(v), out);
            }
            Values::Instant(a) => {
                let v = self.format.zone.local_from_utc(a.value(row));
                calendar::write_datetime(v, self.format.fsp_of(v), out);
            }
            Values::Duration(a) => {
                let v = a.value(row);
                calendar::write_time(v, self.format.fsp_of(v), out);
            }
            Values::Utf8(a) => out.extend_from_slice(a.value(row).as_bytes()),
            Values::LargeUtf8(a) => out.extend_from_slice(a.value(row).as_bytes()),
            Values::Utf8View(a) => out.extend_from_slice(a.value(row).as_bytes()),
            Values::Binary(a) => out.extend_from_slice(a.value(row)),
            Values::LargeBinary(a) => out.extend_from_slice(a.value(row)),
            Values::BinaryView(a) => out.extend_from_slice(a.value(row)),
            Values::Rendered(a) => out.extend_from_slice(a.value(row).as_bytes()),
        }
    }
}

/// Appends one value; `false` if it is NULL. For single values: a whole column goes by [`TextColumn`].
pub fn write_text(array: &dyn Array, row: usize, format: &ColumnFormat, out: &mut Vec<u8>) -> Result<bool> {
    let column = TextColumn::new(array, format)?;
    if column.is_null(row) {
        return Ok(false);
    }
    column.write(row, out);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Field;

    use super::super::field::with_sql_type;
    use super::*;

    fn one(array: ArrayRef, field: &Field, zone: SessionZone) -> String {
        let mut out = Vec::new();
        let format = ColumnFormat::new(field, zone);
        assert!(write_text(&array, 0, &format, &mut out).unwrap());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn decimals_keep_their_scale_and_booleans_are_numbers() {
        let array = Decimal128Array::from(vec![-5]).with_precision_and_scale(15, 2).unwrap();
        let field = Field::new("a", array.data_type().clone(), true);
        assert_eq!(one(Arc::new(array), &field, SessionZone::UTC), "-0.05");
        let field = Field::new("a", DataType::Boolean, true);
        assert_eq!(one(Arc::new(BooleanArray::from(vec![true])), &field, SessionZone::UTC), "1");
    }

    #[test]
    fn instants_are_shown_in_the_session_zone() {
        let field = Field::new("t", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true);
        let field = with_sql_type(field, &SqlType::Timestamp { fsp: 2 });
        let array = TimestampMicrosecondArray::from(vec![123_456]).with_timezone("UTC");
        let zone = SessionZone::parse("+01:30").unwrap();
        assert_eq!(one(Arc::new(array), &field, zone), "1970-01-01 01:30:00.12");
    }

    #[test]
    fn bits_and_years_have_their_own_form() {
        let field = with_sql_type(Field::new("b", DataType::UInt64, true), &SqlType::Bit { length: 10 });
        assert_eq!(one(Arc::new(UInt64Array::from(vec![0x0141])), &field, SessionZone::UTC), "\u{1}A");
        let field = with_sql_type(Field::new("y", DataType::UInt16, true), &SqlType::Year);
        assert_eq!(one(Arc::new(UInt16Array::from(vec![0])), &field, SessionZone::UTC), "0000");
    }
}
