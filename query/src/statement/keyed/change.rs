//! Changes of a few rows by key.
//!
//! What does not fit exactly (another condition, an expression too large, a literal of another type than
//! the key) is left to the general path, which gives the same answer.

use datafusion::sql::sqlparser::ast::{self, Expr, FromTable, TableFactor};
use deltatree_learner::catalog::TableInfo;
use deltatree_learner::table_write::RowWriter;
use deltatree_storage::types::Value;

use super::rows::KeyedRows;
use crate::error::{Result, SqlError};
use crate::session::{Completion, Session};
use crate::statement::rows::stored_datum;
use crate::statement::update::{assigned_column, is_default, single_table};
use crate::statement::values::{Columns, evaluate_small};
use crate::types::Datum;
use crate::types::coerce::cast_value;

impl Session {
    /// Runs an `UPDATE` of a few rows; `None` if it is not such a statement.
    pub(in crate::statement) async fn keyed_update(&mut self, update: &ast::Update) -> Result<Option<Completion>> {
        if update.limit.is_some() || !update.order_by.is_empty() || update.from.is_some() {
            return Ok(None);
        }
        let relation = single_table(&update.table);
        let Some(keyed) = relation.and_then(|r| self.changeable_rows(r, update.selection.as_ref())) else {
            return Ok(None);
        };
        let target = &keyed.target;
        let table = &*target.table;
        let mut assigned = Vec::with_capacity(update.assignments.len());
        for assignment in &update.assignments {
            let (_, name) = assigned_column(&assignment.target)?;
            let position = table.column_position(name).ok_or_else(|| SqlError::unknown_column(name, "field list"))?;
            if is_default(&assignment.value) {
                return Ok(None);
            }
            assigned.push(position);
        }
        let Some(found) = self.lock_keyed(&keyed).await? else { return Ok(None) };
        let mut rules = self.assignment(false);
        let mut changes = Vec::with_capacity(found.len());
        for (number, row) in (1..).zip(&found) {
            let (key, old) = keyed.decode(row)?;
            let mut new = old.clone();
            for (assignment, &position) in update.assignments.iter().zip(&assigned) {
                let Some(value) = evaluate_small(&assignment.value, &OneRow { table, row: &new }) else {
                    return Ok(None);
                };
                new[position] = cast_value(&value, &table.columns[position], number, &mut rules)?;
            }
            changes.push((key, old, new));
        }
        self.diagnostics.warn(rules.warnings);
        self.write_updates(target, changes, &assigned).await.map(Some)
    }

    /// Runs a `DELETE` of a few rows; `None` if it is not such a statement.
    pub(in crate::statement) async fn keyed_delete(&mut self, delete: &ast::Delete) -> Result<Option<Completion>> {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let plain = delete.using.is_none() && delete.tables.is_empty();
        let ([from], true, None, true) = (from.as_slice(), plain, &delete.limit, delete.order_by.is_empty()) else {
            return Ok(None);
        };
        let relation = single_table(from);
        let Some(keyed) = relation.and_then(|r| self.changeable_rows(r, delete.selection.as_ref())) else {
            return Ok(None);
        };
        let Some(found) = self.lock_keyed(&keyed).await? else { return Ok(None) };
        let writer = RowWriter::new(&keyed.target.table);
        let mut ops = Vec::new();
        for row in &found {
            let (key, old) = keyed.decode(row)?;
            writer.delete(&key, &old, &mut ops)?;
        }
        self.use_schema(&keyed.target)?;
        self.apply(ops, None)?;
        Ok(Some(Completion::affected(found.len() as u64)))
    }

    /// The rows to change by key. Nobody may write a table that is being imported into, even if there is no such
    /// row: the general path says so.
    fn changeable_rows(&self, relation: &TableFactor, selection: Option<&Expr>) -> Option<KeyedRows> {
        self.keyed_rows(relation, selection).filter(|keyed| keyed.target.table.import.is_none())
    }
}

/// The columns of a row that is being changed.
struct OneRow<'a> {
    table: &'a TableInfo,
    row: &'a [Value],
}

impl Columns for OneRow<'_> {
    fn column(&self, name: &str) -> Option<Datum> {
        let position = self.table.column_position(name)?;
        Some(stored_datum(&self.row[position], &self.table.columns[position].sql_type))
    }

    fn inserted(&self, _: &str) -> Option<Datum> {
        None
    }
}
