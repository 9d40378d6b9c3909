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
//! Whoever changes a table holds a lock of its own until done. If it dies, the lock goes with it, and the
//! next one finds an index that nobody fills and forgets it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltatree_learner::catalog::{self, CatalogSnapshot, IndexInfo, TableInfo, table_change_key};
use deltatree_learner::codec::{decode_row, decode_row_key, row_range};
use deltatree_learner::table_write::{KeyOp, RowWriter, duplicate_message};
use deltatree_learner::{Error as GroupError, LeaderGroup, Transaction, TxnMode, TxnOptions};
use deltatree_storage::api::CancelFlag;
use deltatree_storage::types::{KeyRange, TableId};

use super::definition::{self, DeclaredKey};
use super::dispatch::{MAX_RETRIES, lost_race};
use super::schema_change::change_definitions;
use crate::error::{Result, SqlError};
use crate::session::{Session, StopOnDrop, schema_change_failed};

/// Rows that are locked, and entered in one commit.
const BATCH: usize = 512;

/// Keeps others from changing a table's definition in steps, until the last clone is dropped.
#[derive(Clone)]
pub(super) struct Alone {
    _holder: Arc<Transaction>,
}

/// Enters the rows of a table into an index.
struct Fill {
    group: LeaderGroup,
    /// Until what was begun is ended or undone.
    _alone: Alone,
    table: TableInfo,
    index: IndexInfo,
    /// How long to wait for a row that somebody has locked.
    patience: Duration,
    cancel: CancelFlag,
    report: Box<dyn Fn(u64) + Send + Sync>,
}

impl Session {
    /// Waits until nobody else changes a table's definition in steps. Commits the open transaction. Fails with
    /// 1205 after `innodb_lock_wait_timeout`.
    pub(super) async fn change_alone(&mut self, table: TableId) -> Result<Alone> {
        self.commit().await?;
        let options = TxnOptions { mode: TxnMode::Pessimistic, read_ts: None };
        let mut holder = self.node.group().begin(options).await?;
        holder.lock_keys(&[table_change_key(table)], self.lock_patience()).await?;
        Ok(Alone { _holder: Arc::new(holder) })
    }

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
        let fill = Fill {
            group,
            _alone: alone.clone(),
            table,
            index,
            patience: self.lock_patience(),
            cancel: CancelFlag::default(),
            report: Box::new(move |rows| entry.report(format!("{title}: {rows} rows"))),
        };
        // A statement that is killed is dropped at once; what it has begun must be undone all the same.
        let _stop = StopOnDrop(fill.cancel.clone());
        let filled = tokio::spawn(async move { fill.run().await }).await;
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
        table.filling.clear();
        let index = definition::new_index(table, key)?;
        table.filling.push(index.clone());
        Ok(index)
    })
}

fn change_table<T>(
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
        let filled = self.fill().await;
        let ready = filled.is_ok();
        let ended = change_definitions(&self.group, |definitions| {
            change_table(definitions, self.table.id, |table| {
                table.filling.retain(|index| index.id != self.index.id);
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
                tracing::warn!(index = %self.index.name, error = %undo, "an index that could not be filled stays until the table is altered again");
                Err(e)
            }
        }
    }

    async fn fill(&self) -> Result<()> {
        let (mut start, end) = row_range(self.table.id, &KeyRange::ALL);
        let mut rows = 0;
        loop {
            let mut retries = 0;
            let batch = loop {
                self.cancel.check()?;
                match self.batch(start.clone(), end.clone()).await {
                    Err(e) if lost_race(&e) && e.code != SqlError::schema_changed().code && retries < MAX_RETRIES => {
                        retries += 1
                    }
                    result => break result?,
                }
            };
            let Some((last, entered)) = batch else { return Ok(()) };
            rows += entered;
            (self.report)(rows);
            start = [&last[..], &[0]].concat().into();
        }
    }

    /// Enters the first rows of a range. Returns the key of the last, and how many they were.
    async fn batch(&self, start: Bytes, end: Bytes) -> Result<Option<(Bytes, u64)>> {
        let mut transaction = self.group.begin(TxnOptions { mode: TxnMode::Pessimistic, read_ts: None }).await?;
        let keys = transaction.scan(start, end, false).take(BATCH);
        let keys: Vec<_> = keys.map(|row| Ok(Bytes::copy_from_slice(row?.key()))).collect::<Result<_>>()?;
        let Some(last) = keys.last().cloned() else { return Ok(None) };
        let settled = tokio::select! {
            locked = transaction.lock_keys(&keys, self.patience) => locked?.for_update_ts,
            killed = self.killed() => return Err(killed),
        };
        let rows = transaction.multi_get_at(&keys, settled)?;
        let writer = RowWriter::new(&self.table);
        let mut entries = Vec::with_capacity(keys.len());
        for (key, row) in keys.iter().zip(rows) {
            let Some(row) = row else { continue };
            let (_, key) = decode_row_key(key, self.table.key_kind())?;
            let values = decode_row(&self.table, &key, &row)?;
            entries.push(writer.index_entry(&self.index, &key, &values)?);
        }
        let exclusive = entries.iter().filter(|entry| matches!(entry, KeyOp::Insert { .. }));
        let exclusive: Vec<_> = exclusive.map(|entry| entry.key().clone()).collect();
        let mut there = transaction.multi_get_at(&exclusive, settled)?.into_iter();
        for entry in entries {
            let there = if matches!(entry, KeyOp::Insert { .. }) { there.next().flatten() } else { None };
            let entered = match there {
                // The row was written since the index has been there.
                Some(handle) if Some(&handle) == entry.value() => continue,
                Some(_) => Err(GroupError::DuplicateKey { key: entry.key().clone() }),
                None => transaction.write(entry),
            };
            entered.map_err(|e| self.failed(e))?;
        }
        transaction.use_schema(self.table.id, self.table.schema_version);
        transaction.commit().await.map_err(|e| self.failed(e))?;
        Ok(Some((last, keys.len() as u64)))
    }

    /// Returns when the statement is killed.
    async fn killed(&self) -> SqlError {
        loop {
            if let Err(killed) = self.cancel.check() {
                return killed.into();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A duplicate is named by the new definition.
    fn failed(&self, e: GroupError) -> SqlError {
        match e {
            GroupError::DuplicateKey { key } => SqlError::new(1062, duplicate_message(&self.table, &key)),
            e => e.into(),
        }
    }
}
