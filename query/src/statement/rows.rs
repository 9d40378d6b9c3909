//! New rows: what columns hold that a statement leaves out.

use datafusion::sql::sqlparser::ast::Expr;
use deltatree_learner::catalog::{ColumnDefault, ColumnInfo, SqlType, TableInfo};
use deltatree_storage::types::{StoredType, Value};

use crate::error::{Result, SqlError};
use crate::session::Session;
use crate::types::coerce::{Assignment, cast_value};
use crate::types::{Datum, Decimal, calendar};

/// Numbers for the rows of one statement: hidden keys and `AUTO_INCREMENT` values alike.
pub(crate) struct RowIds {
    next: u64,
    /// First `AUTO_INCREMENT` value generated.
    pub(crate) first_generated: Option<u64>,
    /// Largest `AUTO_INCREMENT` value given by the user.
    pub(crate) largest_given: Option<u64>,
    /// Last one given.
    pub(crate) last_given: Option<u64>,
}

impl RowIds {
    /// Starts at `next`.
    pub(crate) fn new(next: u64) -> Self {
        Self { next, first_generated: None, largest_given: None, last_given: None }
    }

    /// The next row's number.
    pub(crate) fn take(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        id
    }

    /// Notes that a number became an `AUTO_INCREMENT` value.
    pub(crate) fn generated(&mut self, id: u64) {
        self.first_generated.get_or_insert(id);
    }

    /// Notes a value that the user gave.
    pub(crate) fn given(&mut self, value: &Value) {
        let value = match value {
            Value::Int(v) => u64::try_from(*v).ok(),
            Value::UInt(v) => Some(*v),
            _ => None,
        };
        if let Some(value) = value {
            self.largest_given = self.largest_given.max(Some(value));
            self.last_given = Some(value);
        }
    }
}

/// Position of the `AUTO_INCREMENT` column.
pub(crate) fn auto_increment_position(table: &TableInfo) -> Option<usize> {
    table.columns.iter().position(|c| c.auto_increment)
}

impl Session {
    /// What a column holds that the statement does not name.
    pub(crate) fn default_value(&mut self, column: &ColumnInfo, lenient: bool) -> Result<Value> {
        match &column.default {
            ColumnDefault::Value(value) => Ok(value.clone()),
            ColumnDefault::Now => Ok(self.current_timestamp(&column.sql_type)),
            ColumnDefault::None if column.nullable || column.auto_increment => Ok(Value::Null),
            ColumnDefault::None if lenient || !self.variables.strict() => {
                self.diagnostics.warn(vec![SqlError::no_default(&column.name)]);
                implicit_default(column)
            }
            ColumnDefault::None => Err(SqlError::no_default(&column.name)),
        }
    }

    /// The statement's time as a column of a date or time type holds it.
    pub(crate) fn current_timestamp(&self, sql_type: &SqlType) -> Value {
        let utc = self.statement_time;
        let local = self.time_zone().local_from_utc(utc);
        match *sql_type {
            SqlType::Timestamp { fsp } => Value::Int(calendar::cut_to_fsp(utc, fsp)),
            SqlType::DateTime { fsp } => Value::Int(calendar::cut_to_fsp(local, fsp)),
            SqlType::Date => Value::Int(local.div_euclid(calendar::DAY)),
            SqlType::Time { fsp } => Value::Int(calendar::cut_to_fsp(local.rem_euclid(calendar::DAY), fsp)),
            _ => Value::Null,
        }
    }

    /// How this session's statements assign values.
    pub(crate) fn assignment(&self, lenient: bool) -> Assignment {
        Assignment { strict: self.variables.strict() && !lenient, zone: self.time_zone(), warnings: Vec::new() }
    }
}

/// Zero or the empty string: what a `NOT NULL` column without `DEFAULT` holds in lenient modes.
pub(crate) fn implicit_default(column: &ColumnInfo) -> Result<Value> {
    let value = match column.sql_type.stored() {
        StoredType::Utf8 | StoredType::Binary => match &column.sql_type {
            SqlType::Enum { values } => Datum::Text(values.first().cloned().unwrap_or_default()),
            SqlType::Json => Datum::Text("null".to_owned()),
            _ => Datum::Text(String::new()),
        },
        // There is no zero date; the calendar's first day stands for it.
        StoredType::Date32 | StoredType::TimestampMicros | StoredType::TimestampMicrosUtc => Datum::Date(0),
        _ => Datum::Int(0),
    };
    let mut assignment = Assignment { strict: false, ..Assignment::strict(crate::types::SessionZone::UTC) };
    cast_value(&value, column, 1, &mut assignment)
}

/// The value of a column's `DEFAULT` as an expression, for `SET column = DEFAULT`.
pub(crate) fn default_expr(column: &ColumnInfo) -> Result<Expr> {
    let value = match &column.default {
        ColumnDefault::Value(value) => stored_datum(value, &column.sql_type),
        ColumnDefault::Now => return crate::rewrite::parse_expr("CURRENT_TIMESTAMP(6)"),
        ColumnDefault::None if column.nullable => Datum::Null,
        ColumnDefault::None => return Err(SqlError::no_default(&column.name)),
    };
    Ok(value.to_ast())
}

/// A stored cell as a value with its SQL type.
pub(crate) fn stored_datum(value: &Value, sql_type: &SqlType) -> Datum {
    match (value, sql_type.stored()) {
        (Value::Null, _) => Datum::Null,
        (Value::Int(v), StoredType::Date32) => i32::try_from(*v).map_or(Datum::Null, Datum::Date),
        (Value::Int(v), StoredType::TimestampMicros) => Datum::DateTime(*v),
        (Value::Int(v), StoredType::TimestampMicrosUtc) => Datum::Instant(*v),
        (Value::Int(v), StoredType::DurationMicros) => Datum::Time(*v),
        (Value::Int(v), _) => Datum::Int(*v),
        (Value::UInt(v), _) => Datum::UInt(*v),
        (Value::Float(v), _) => Datum::Float(*v),
        (Value::Decimal(v), stored) => {
            Datum::Decimal(Decimal { unscaled: arrow::datatypes::i256::from_i128(*v), scale: scale(stored) })
        }
        (Value::BigDecimal(v), stored) => Datum::Decimal(Decimal { unscaled: *v, scale: scale(stored) }),
        (Value::Bytes(bytes), StoredType::Utf8) => Datum::Text(String::from_utf8_lossy(bytes).into_owned()),
        (Value::Bytes(bytes), _) => Datum::Bytes(bytes.clone()),
    }
}

fn scale(stored: StoredType) -> u8 {
    match stored {
        StoredType::Decimal128(_, scale) | StoredType::Decimal256(_, scale) => scale.unsigned_abs(),
        _ => 0,
    }
}
