//! Adding an index to a table that is being written.
//!
//! ```text
//!   none ──▶ filling ─────────────────────────────────────▶ readable
//!            every writer maintains it, nobody reads it     the access path knows it
//!            meanwhile existing rows are entered
//! ```
//!
//! [`super::online_change`] says why no row is missed.

use deltatree_learner::Transaction;
use deltatree_learner::catalog::{IndexInfo, TableInfo};
use deltatree_learner::codec::{decode_row, decode_row_key};
use deltatree_learner::table_write::RowWriter;
use deltatree_storage::types::Timestamp;

use super::definition::{self, DeclaredKey};
use super::online_change::{OnlineChange, begin, complete};
use super::row_batches::{Alone, BatchWork, LockedRows, RowBatches};
use crate::error::{Result, SqlError};
use crate::session::Session;

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
        let before = self.table(database, name)?;
        let (table, index) = begin(self.node.group(), &before, |table| {
            let index = definition::new_index(table, key)?;
            table.filling.push(index.clone());
            Ok(index)
        })
        .await?;
        let entry = self.entry.clone();
        let title = format!("adding index {} to {}", index.name, table.name);
        let rows = self.row_batches(alone, table, move |rows| entry.report(format!("{title}: {rows} rows")));
        complete(Fill { rows, index }).await
    }
}

impl OnlineChange for Fill {
    fn rows(&self) -> &RowBatches {
        &self.rows
    }

    fn finish(&self, table: &mut TableInfo, _ready: Timestamp) -> Result<()> {
        let before = table.filling.len();
        self.forget(table);
        if table.filling.len() == before {
            return Err(SqlError::schema_changed());
        }
        table.indexes.push(self.index.clone());
        Ok(())
    }

    fn forget(&self, table: &mut TableInfo) {
        table.filling.retain(|index| index.id != self.index.id);
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
