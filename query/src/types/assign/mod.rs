//! MySQL's assignment rules, type by type.

use arrow::array::ArrayRef;
use arrow::datatypes::Field;
use deltatree_learner::catalog::ColumnInfo;
use deltatree_storage::types::Value;

use super::Datum;
use super::coerce::Assignment;
use crate::error::{Result, SqlError};

pub(super) fn value(_: &Datum, column: &ColumnInfo, _: u64, _: &mut Assignment) -> Result<Value> {
    Err(SqlError::not_supported(&column.name))
}

pub(super) fn array(_: &ArrayRef, _: &Field, column: &ColumnInfo, _: u64, _: &mut Assignment) -> Result<ArrayRef> {
    Err(SqlError::not_supported(&column.name))
}
