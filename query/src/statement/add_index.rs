//! Adding an index to a table that is being written.
//!
//! ```text
//!   none ──▶ filling ─────────────────────────────────────▶ readable
//!            every writer maintains it, nobody reads it     the access path knows it
//!            meanwhile existing rows are entered, a batch
//!            at a time, each batch locked for as long
//! ```
//!
//! A transaction that wrote by the definition before *filling* cannot commit after it, so from that moment on
//! each row that is written brings its entry. The rows from before are read under their locks: nobody
//! changes a row between the moment at which it is read and the one at which its entry is there. This is
//! F1's protocol (Rae and others, VLDB 2013) with one state fewer, since here no two definitions are in use at a
//! time.
//!
//! Whoever changes a table holds a lock of its own until done. If it dies, the lock goes with it, and
//! [`super::unfinished`] forgets an index that nobody fills.

use deltatree_learner::Transaction;
use deltatree_learner::catalog::{self, CatalogSnapshot, IndexInfo, TableInfo};
use deltatree_learner::codec::{decode_row, decode_row_key};
use deltatree_learner::table_write::{KeyOp, RowWriter};
use deltatree_storage::types::TableId;

use super::definition::{self, DeclaredKey};
use super::row_batches::{Alone, BatchWork, LockedRows, RowBatches};
use super::schema_change::change_definitions;
use crate::error::{Result, SqlError};
use crate::session::{Session, StopOnDrop, schema_change_failed};

/// Enters the rows of a table into an index.
struct Fill {
    rows: RowBatches,
    index: IndexInfo,
}

impl Session {
    /// Adds an index while others write.
    pub(super) async fn add_index(
        &mut self,
        database: Option<&str>,
        name: &str,
        key: &DeclaredKey,
        alone: &Alone,
    ) -> Result<()> {
        self.commit().await?;
        let id = self.table(database, name)?.id;
        let group = self.node.group().clone();
        let (table, index) = change_definitions(&group, |definitions| begin_filling(definitions, id, key)).await?;
        let entry = self.entry.clone();
        let title = format!("adding index {} to {}", index.name, table.name);
        let rows = self.row_batches(alone, table, move |rows| entry.report(format!("{title}: {rows} rows")));
        // A statement that is killed is dropped at once; what it has begun must be undone all the same.
        let _stop = StopOnDrop(rows.cancel.clone());
        let filled = tokio::spawn(async move { Fill { rows, index }.run().await }).await;
        filled.map_err(|_| SqlError::internal("filling the index ended without an outcome"))?
    }
}

/// An index that writers maintain.
fn begin_filling(
    definitions: &CatalogSnapshot,
    table: TableId,
    key: &DeclaredKey,
) -> Result<((TableInfo, IndexInfo), Vec<KeyOp>)> {
    change_table(definitions, table, |table| {
        // Nobody else changes the table: what is left there was given up.
        table.forget_unfinished();
        let index = definition::new_index(table, key)?;
        table.filling.push(index.clone());
        Ok(index)
    })
}

/// Changes a table's definition.
pub(super) fn change_table<T>(
    definitions: &CatalogSnapshot,
    table: TableId,
    change: impl FnOnce(&mut TableInfo) -> Result<T>,
) -> Result<((TableInfo, T), Vec<KeyOp>)> {
    let table = definitions.table_by_id(table).ok_or_else(|| SqlError::unknown_table("", "?"))?;
    let mut table = TableInfo::clone(table);
    let result = change(&mut table)?;
    let (table, ops) = catalog::alter_table(definitions, table).map_err(schema_change_failed)?;
    Ok(((table, result), ops))
}

impl Fill {
    /// Enters all rows and makes the index readable, or forgets it.
    async fn run(self) -> Result<()> {
        let filled = self.rows.run(&self).await;
        let ready = filled.is_ok();
        let ended = change_definitions(&self.rows.group, |definitions| {
            change_table(definitions, self.rows.table.id, |table| {
                let before = table.filling.len();
                table.filling.retain(|index| index.id != self.index.id);
                if ready && table.filling.len() == before {
                    // Somebody took it for given up: the lock was lost with its leader.
                    return Err(SqlError::schema_changed());
                }
                if ready {
                    table.indexes.push(self.index.clone());
                }
                Ok(())
            })
        });
        match (filled, ended.await) {
            (Ok(()), ended) => ended.map(drop),
            (Err(e), Ok(_)) => Err(e),
            (Err(e), Err(undo)) => {
                tracing::warn!(index = %self.index.name, error = %undo, "an index that could not be filled stays until it is forgotten");
                Err(e)
            }
        }
    }
}

impl BatchWork for Fill {
    fn change(&self, locked: LockedRows, transaction: &mut Transaction) -> Result<()> {
        let table = &self.rows.table;
        let writer = RowWriter::new(table);
        let mut entries = Vec::with_capacity(locked.rows.len());
        for (key, row) in &locked.rows {
            let (_, key) = decode_row_key(key, table.key_kind())?;
            let values = decode_row(table, &key, row)?;
            entries.push(writer.index_entry(&self.index, &key, &values)?);
        }
        self.rows.enter(entries, locked.settled, transaction)
    }
}
