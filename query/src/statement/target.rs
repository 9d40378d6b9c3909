//! The rows that a statement is about to change: finding them, and making sure that they are still as
//! found when they are changed.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Field, Int64Type};
use bytes::Bytes;
use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, SelectItem, TableFactor};
use deltatree_learner::catalog::{PrimaryKey, TableInfo};
use deltatree_learner::codec::{arrow_row, decode_row, row_key};
use deltatree_learner::table_write::RowWriter;
use deltatree_storage::types::{RowKey, Timestamp, Value};

use super::parse::name_parts;
use crate::error::{Result, SqlError};
use crate::planner::ROW_ID;
use crate::session::Session;

/// A table that a statement changes, under the name by which the statement calls it.
pub(crate) struct Target {
    /// The table.
    pub(crate) table: Arc<TableInfo>,
    /// Alias, or the table's name.
    pub(crate) name: String,
}

/// A row as it was found.
pub(crate) struct FoundRow {
    /// Its key.
    pub(crate) key: RowKey,
    /// Its columns.
    pub(crate) old: Vec<Value>,
    /// Batch and row that it came from, for what was selected besides its columns.
    pub(crate) place: (usize, usize),
}

/// Rows found, with the batches that they came from.
pub(crate) struct Found {
    /// The rows.
    pub(crate) rows: Vec<FoundRow>,
    /// As selected: the table's columns, the hidden key if there is one, then the rest.
    pub(crate) batches: Vec<RecordBatch>,
}

impl Target {
    /// Key of a row in the row store.
    pub(crate) fn row_key(&self, key: &RowKey) -> Bytes {
        row_key(self.table.id, key.as_ref())
    }

    /// What to select so that [`Session::find_rows`] can tell the rows: all columns, and the hidden key.
    pub(crate) fn old_items(&self) -> Vec<SelectItem> {
        let columns = self.table.columns.iter().map(|c| c.name.as_str());
        let hidden = (self.table.primary_key == PrimaryKey::Hidden).then_some(ROW_ID);
        columns
            .chain(hidden)
            .enumerate()
            .map(|(i, column)| SelectItem::ExprWithAlias {
                expr: self.column(column),
                alias: Ident::new(format!("old_{i}")),
            })
            .collect()
    }

    /// How many items [`Target::old_items`] has.
    pub(crate) fn old_len(&self) -> usize {
        self.table.columns.len() + usize::from(self.table.primary_key == PrimaryKey::Hidden)
    }

    /// A column as the statement would name it.
    pub(crate) fn column(&self, name: &str) -> Expr {
        Expr::CompoundIdentifier(vec![Ident::with_quote('`', &self.name), Ident::with_quote('`', name)])
    }

    fn rows(&self, batches: &[RecordBatch]) -> Result<Vec<FoundRow>> {
        let writer = RowWriter::new(&self.table);
        let width = self.table.columns.len();
        let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
        for (b, batch) in batches.iter().enumerate() {
            let columns = stored_columns(&self.table, &batch.columns()[..width])?;
            let hidden = (self.table.primary_key == PrimaryKey::Hidden).then(|| batch.column(width));
            for row in 0..batch.num_rows() {
                let old = arrow_row(&columns, row)?;
                let hidden = hidden.map(|ids| ids.as_primitive::<Int64Type>().value(row));
                let key = writer.key(&old, hidden)?;
                rows.push(FoundRow { key, old, place: (b, row) });
            }
        }
        Ok(rows)
    }
}

/// Columns as they are stored: a plan may have changed the Arrow type to another of the same values.
fn stored_columns(table: &TableInfo, columns: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
    columns
        .iter()
        .zip(&table.columns)
        .map(|(array, column)| {
            let stored = column.sql_type.stored().arrow();
            if *array.data_type() == stored { Ok(array.clone()) } else { Ok(arrow::compute::cast(array, &stored)?) }
        })
        .collect()
}

impl Session {
    /// The table behind a name in `FROM`; `None` if it is a view, a subquery or the like.
    pub(crate) fn target_of(&self, relation: &TableFactor) -> Result<Option<Target>> {
        let TableFactor::Table { name, alias, .. } = relation else { return Ok(None) };
        let (database, table) = name_parts(name);
        let name = alias.as_ref().map_or_else(|| table.to_owned(), |a| a.name.value.clone());
        if self.view(database, table).is_some() {
            return Ok(None);
        }
        Ok(Some(Target { table: self.table(database, table)?, name }))
    }

    /// The newest state of a row, locked if the transaction does that.
    pub(super) async fn locked_row(&mut self, key: &Bytes) -> Result<Option<Bytes>> {
        let settled = self.lock_found(std::slice::from_ref(key)).await?;
        let open = self.writable()?;
        let at = settled.unwrap_or_else(|| open.inner.start_ts());
        Ok(open.inner.get_at(key, at)?)
    }

    /// Runs a query whose first items are [`Target::old_items`] on the newest state.
    pub(crate) async fn find_rows(&mut self, target: &Target, query: Query) -> Result<Vec<FoundRow>> {
        let batches = self.find_batches(query, None).await?;
        target.rows(&batches)
    }

    async fn find_batches(&mut self, query: Query, at: Option<Timestamp>) -> Result<Vec<RecordBatch>> {
        let query = self.rewrite_query(query, &[])?;
        let mut read = self.read_newest().await?;
        if let Some(ts) = at {
            read.context.ts = ts;
        }
        read.context.row_id_visible = true;
        self.collect_query(query, read).await
    }

    /// Finds rows and, in a pessimistic transaction, locks them: they stay as returned until the
    /// transaction ends. Rows that others changed meanwhile are found again.
    pub(crate) async fn find_and_lock(&mut self, target: &Target, query: &Query) -> Result<Found> {
        const MAX_ROUNDS: usize = 16;
        let mut at = None;
        for _ in 0..MAX_ROUNDS {
            let batches = self.find_batches(query.clone(), at).await?;
            let rows = target.rows(&batches)?;
            let keys: Vec<_> = rows.iter().map(|row| target.row_key(&row.key)).collect();
            let Some(settled) = self.lock_found(&keys).await? else { return Ok(Found { rows, batches }) };
            if self.unchanged(target, &rows, &keys, settled)? {
                return Ok(Found { rows, batches });
            }
            at = Some(settled);
        }
        Err(SqlError::write_conflict("rows kept changing while they were being locked"))
    }

    fn unchanged(&mut self, target: &Target, rows: &[FoundRow], keys: &[Bytes], at: Timestamp) -> Result<bool> {
        let open = self.writable()?;
        for (row, key) in rows.iter().zip(keys) {
            let same = match open.inner.get_at(key, at)? {
                Some(bytes) => {
                    let now = decode_row(&target.table, &row.key, &bytes);
                    now? == row.old
                }
                None => false,
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Found {
    /// Arrays and field of the item at `position`, by batch.
    pub(crate) fn item(&self, position: usize) -> Vec<(ArrayRef, Field)> {
        let arrays = self.batches.iter().map(|b| (b.column(position).clone(), b.schema().field(position).clone()));
        arrays.collect()
    }
}
