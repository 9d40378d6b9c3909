//! MySQL's assignment rules, type by type.
//!
//! What a value loses on its way into a column is either nothing to speak of (digits beyond the scale,
//! trailing blanks), or an error in strict mode and a warning with a clamped value otherwise. Each rule
//! names both: the error, and the clamped value.

mod array;
mod numeric;
mod special;
mod temporal;
mod text;

use deltatree_learner::catalog::{ColumnInfo, SqlType};
use deltatree_storage::types::Value;

pub(super) use array::array;
pub(crate) use array::datum_at;
#[cfg(test)]
pub(crate) use array::from_values;
pub(crate) use numeric::{datetime_number, time_number};
pub(crate) use special::bytes_as_integer;

use super::coerce::Assignment;
use super::{Datum, SessionZone};
use crate::error::{Result, SqlError};

/// The column that a value goes to, and what becomes of values that do not fit.
struct Target<'a> {
    column: &'a ColumnInfo,
    row: u64,
    assignment: &'a mut Assignment,
}

impl Target<'_> {
    /// In strict mode the error; otherwise a warning, and the clamped value.
    fn clamp(&mut self, error: SqlError, clamped: Value) -> Result<Value> {
        if self.assignment.strict {
            return Err(error);
        }
        self.assignment.warnings.push(error);
        Ok(clamped)
    }

    fn out_of_range(&mut self, clamped: Value) -> Result<Value> {
        let error = SqlError::out_of_range(&self.column.name, self.row);
        self.clamp(error, clamped)
    }

    fn truncated(&mut self, clamped: Value) -> Result<Value> {
        let error = SqlError::truncated(&self.column.name, self.row);
        self.clamp(error, clamped)
    }

    fn incorrect(&mut self, kind: &str, shown: &str, clamped: Value) -> Result<Value> {
        let error = SqlError::incorrect_value(kind, shown, &self.column.name, self.row);
        self.clamp(error, clamped)
    }

    fn zone(&self) -> SessionZone {
        self.assignment.zone
    }
}

pub(super) fn value(datum: &Datum, column: &ColumnInfo, row: u64, assignment: &mut Assignment) -> Result<Value> {
    if datum.is_null() {
        return if column.nullable { Ok(Value::Null) } else { Err(SqlError::bad_null(&column.name)) };
    }
    let mut target = Target { column, row, assignment };
    match &column.sql_type {
        SqlType::TinyInt { unsigned, .. } => numeric::integer(datum, 8, *unsigned, &mut target),
        SqlType::SmallInt { unsigned } => numeric::integer(datum, 16, *unsigned, &mut target),
        SqlType::MediumInt { unsigned } => numeric::integer(datum, 24, *unsigned, &mut target),
        SqlType::Int { unsigned } => numeric::integer(datum, 32, *unsigned, &mut target),
        SqlType::BigInt { unsigned } => numeric::integer(datum, 64, *unsigned, &mut target),
        SqlType::Decimal { precision, scale } => numeric::decimal(datum, *precision, *scale, &mut target),
        SqlType::Float => numeric::float(datum, true, &mut target),
        SqlType::Double => numeric::float(datum, false, &mut target),
        SqlType::Char { length } => text::text(datum, text::Limit::Blank(*length), &mut target),
        SqlType::VarChar { length } => text::text(datum, text::Limit::Characters(*length), &mut target),
        SqlType::Text { limit } => text::text(datum, text::Limit::Bytes(*limit), &mut target),
        SqlType::Binary { length } => text::binary(datum, *length, true, &mut target),
        SqlType::VarBinary { length } => text::binary(datum, *length, false, &mut target),
        SqlType::Blob { limit } => text::binary(datum, *limit, false, &mut target),
        SqlType::Date => temporal::date(datum, &mut target),
        SqlType::Time { fsp } => temporal::time(datum, *fsp, &mut target),
        SqlType::DateTime { fsp } => temporal::datetime(datum, *fsp, &mut target),
        SqlType::Timestamp { fsp } => temporal::timestamp(datum, *fsp, &mut target),
        SqlType::Year => special::year(datum, &mut target),
        SqlType::Enum { values } => special::enumeration(datum, values, &mut target),
        SqlType::Set { values } => special::set(datum, values, &mut target),
        SqlType::Bit { length } => special::bit(datum, *length, &mut target),
        SqlType::Json => special::json(datum, &mut target),
    }
}

/// A value as text, as it would be shown.
fn shown(datum: &Datum, zone: SessionZone) -> String {
    let mut out = Vec::new();
    text::render(datum, zone, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests;
