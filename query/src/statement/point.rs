//! Changes of one row by its whole primary key, without the planner.
//!
//! What does not fit exactly (another condition, an expression too large, a literal of another type than
//! the key) is left to the general path, which gives the same answer.

use bytes::Bytes;
use datafusion::sql::sqlparser::ast::{self, Expr, FromTable, TableFactor};
use deltatree_learner::catalog::TableInfo;
use deltatree_learner::codec::{decode_row, row_key};
use deltatree_learner::table_write::RowWriter;
use deltatree_storage::types::{RowKey, Value};

use super::rows::stored_datum;
use super::target::Target;
use super::update::{assigned_column, is_default, single_table};
use super::values::{Columns, evaluate_small};
use crate::error::{Result, SqlError};
use crate::session::{Completion, Session};
use crate::types::Datum;
use crate::types::coerce::cast_value;

/// A row that a statement names by its key.
struct Point {
    target: Target,
    key: RowKey,
}

impl Point {
    fn row_key(&self) -> Bytes {
        row_key(self.target.table.id, self.key.as_ref())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Vec<Value>> {
        decode_row(&self.target.table, &self.key, bytes).map_err(|e| SqlError::internal(e.to_string()))
    }
}

impl Session {
    /// Runs an `UPDATE` of one row; `None` if it is not such a statement.
    pub(super) async fn point_update(&mut self, update: &ast::Update) -> Result<Option<Completion>> {
        if update.limit.is_some() || !update.order_by.is_empty() || update.from.is_some() {
            return Ok(None);
        }
        let relation = single_table(&update.table);
        let Some(point) = relation.and_then(|r| self.point(r, update.selection.as_ref())) else { return Ok(None) };
        let Some(bytes) = self.locked_row(&point.row_key()).await? else {
            return Ok(Some(self.update_completion(0, 0)));
        };
        let table = &*point.target.table;
        let old = point.decode(&bytes)?;
        let mut new = old.clone();
        let mut assigned = Vec::with_capacity(update.assignments.len());
        let mut rules = self.assignment(false);
        for assignment in &update.assignments {
            let (_, name) = assigned_column(&assignment.target)?;
            let position = table.column_position(name).ok_or_else(|| SqlError::unknown_column(name, "field list"))?;
            if is_default(&assignment.value) {
                return Ok(None);
            }
            let Some(value) = evaluate_small(&assignment.value, &OneRow { table, row: &new }) else {
                return Ok(None);
            };
            new[position] = cast_value(&value, &table.columns[position], 1, &mut rules)?;
            assigned.push(position);
        }
        self.diagnostics.warn(rules.warnings);
        if new == old {
            return Ok(Some(self.update_completion(1, 0)));
        }
        self.touch(&point.target, &assigned, &mut new);
        let writer = RowWriter::new(table);
        let key = writer.key(&new, None)?;
        let mut ops = Vec::new();
        writer.update(&point.key, &old, &key, &new, &mut ops)?;
        self.use_schema(&point.target)?;
        self.write_checked(ops).await?;
        Ok(Some(self.update_completion(1, 1)))
    }

    /// Runs a `DELETE` of one row; `None` if it is not such a statement.
    pub(super) async fn point_delete(&mut self, delete: &ast::Delete) -> Result<Option<Completion>> {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let ([from], None, true, true) =
            (from.as_slice(), &delete.using, delete.tables.is_empty(), delete.limit.is_none())
        else {
            return Ok(None);
        };
        let relation = single_table(from);
        let Some(point) = relation.and_then(|r| self.point(r, delete.selection.as_ref())) else { return Ok(None) };
        let Some(bytes) = self.locked_row(&point.row_key()).await? else {
            return Ok(Some(Completion::affected(0)));
        };
        let old = point.decode(&bytes)?;
        let mut ops = Vec::new();
        RowWriter::new(&point.target.table).delete(&point.key, &old, &mut ops)?;
        self.use_schema(&point.target)?;
        self.apply(ops, None)?;
        Ok(Some(Completion::affected(1)))
    }

    /// The newest state of a row, locked if the transaction does that.
    pub(super) async fn locked_row(&mut self, key: &Bytes) -> Result<Option<Bytes>> {
        let settled = self.lock(std::slice::from_ref(key)).await?;
        let open = self.writable()?;
        let at = settled.unwrap_or_else(|| open.inner.start_ts());
        Ok(open.inner.get_at(key, at)?)
    }

    /// The row that conditions name by the whole primary key, and nothing else.
    fn point(&self, relation: &TableFactor, selection: Option<&Expr>) -> Option<Point> {
        let point = self.point_key(relation, selection)?;
        let key = point.key(&[])?;
        // Nobody may write a table that is being imported into, even if there is no such row.
        Some(Point { target: point.target, key }).filter(|point| point.target.table.import.is_none())
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
