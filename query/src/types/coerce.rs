//! Values on their way into columns.

use arrow::array::ArrayRef;
use arrow::datatypes::Field;
use deltatree_learner::catalog::ColumnInfo;
use deltatree_storage::types::Value;

use super::assign;
use super::{Datum, SessionZone};
use crate::error::{Result, SqlError};

/// How values are assigned, and what there was to warn of.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// `STRICT_TRANS_TABLES`: what does not fit is an error. Otherwise it is clamped, with a warning.
    pub strict: bool,
    /// The session's time zone: local times become instants in `TIMESTAMP` columns.
    pub zone: SessionZone,
    /// What was clamped.
    pub warnings: Vec<SqlError>,
}

impl Assignment {
    /// Rules of a session with MySQL's default `sql_mode`.
    pub fn strict(zone: SessionZone) -> Self {
        Self { strict: true, zone, warnings: Vec::new() }
    }
}

/// What a column stores when it is assigned a value, by MySQL's rules. `row` counts from 1, for messages.
///
/// NULL for a `NOT NULL` column is error 1048; `AUTO_INCREMENT` is the caller's to handle before.
pub fn cast_value(value: &Datum, column: &ColumnInfo, row: u64, assignment: &mut Assignment) -> Result<Value> {
    assign::value(value, column, row, assignment)
}

/// [`cast_value`] over a whole array; the result is of the column's Arrow type. `source` is the array's
/// field, `first_row` counts from 1.
pub fn coerce_array(
    array: &ArrayRef,
    source: &Field,
    column: &ColumnInfo,
    first_row: u64,
    assignment: &mut Assignment,
) -> Result<ArrayRef> {
    assign::array(array, source, column, first_row, assignment)
}
