//! All rows of a table, a batch at a time, while others write.
//!
//! What a schema change in steps does to the rows from before: each batch is locked, read as it is under the locks,
//! and changed in one commit. So nobody changes a row between the moment at which it is read and the one at which
//! what follows from it is there. A batch that lost a race is done again; one whose table has another definition
//! by now ends the walk with 8028.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltatree_learner::catalog::{TableInfo, table_change_key};
use deltatree_learner::codec::row_range;
use deltatree_learner::table_write::{KeyOp, duplicate_message};
use deltatree_learner::{Error as GroupError, LeaderGroup, Transaction, TxnMode, TxnOptions};
use deltatree_storage::api::CancelFlag;
use deltatree_storage::types::{KeyRange, TableId, Timestamp};

use super::dispatch::{MAX_RETRIES, lost_race};
use crate::error::{Result, SqlError};
use crate::session::Session;

/// Rows that are locked, and changed in one commit.
const BATCH: usize = 512;
/// Pause between two looks whether the statement was killed.
const KILL_POLL: Duration = Duration::from_millis(20);

/// Keeps others from changing a table's definition in steps, until the last clone is dropped.
#[derive(Clone)]
pub(super) struct Alone {
    _holder: Arc<Transaction>,
}

/// Walks the rows of a table.
pub(super) struct RowBatches {
    pub(super) group: LeaderGroup,
    /// Until what was begun is ended or undone.
    _alone: Alone,
    /// The definition by which rows are written from now on.
    pub(super) table: TableInfo,
    /// How long to wait for a row that somebody has locked.
    patience: Duration,
    pub(super) cancel: CancelFlag,
    /// Is told after each batch how many rows are done.
    report: Box<dyn Fn(u64) + Send + Sync>,
}

/// Rows that are locked.
pub(super) struct LockedRows {
    /// Keys and rows, in key order. Those that went meanwhile are left out.
    pub(super) rows: Vec<(Bytes, Bytes)>,
    /// The timestamp at which they are as here, and nobody changes them before the transaction ends.
    pub(super) settled: Timestamp,
    /// Number of the first, for messages; from 1.
    pub(super) first_number: u64,
}

/// What is done with a batch: it is written into the transaction.
pub(super) trait BatchWork: Sync {
    /// Writes what follows from the rows. May be called again for the same ones.
    fn change(&self, rows: LockedRows, transaction: &mut Transaction) -> Result<()>;
}

impl Session {
    /// Waits until nobody else changes a table's definition in steps. Commits the open transaction. Fails with
    /// 1205 after `innodb_lock_wait_timeout`.
    pub(super) async fn change_alone(&mut self, table: TableId) -> Result<Alone> {
        self.commit().await?;
        Alone::wait(self.node.group(), table, self.lock_patience()).await
    }
}

impl Session {
    /// A walk over the rows of a table, whose definition is as they are to be written from now on. `report` is told
    /// after each batch how many rows are done.
    pub(super) fn row_batches(
        &self,
        alone: &Alone,
        table: TableInfo,
        report: impl Fn(u64) + Send + Sync + 'static,
    ) -> RowBatches {
        RowBatches {
            group: self.node.group().clone(),
            _alone: alone.clone(),
            table,
            patience: self.lock_patience(),
            cancel: CancelFlag::default(),
            report: Box::new(report),
        }
    }
}

impl Alone {
    /// Waits for at most `patience`.
    pub(super) async fn wait(group: &LeaderGroup, table: TableId, patience: Duration) -> Result<Self> {
        let options = TxnOptions { mode: TxnMode::Pessimistic, read_ts: None };
        let mut holder = group.begin(options).await?;
        holder.lock_keys(&[table_change_key(table)], patience).await?;
        Ok(Self { _holder: Arc::new(holder) })
    }
}

impl RowBatches {
    /// Does the work for all rows.
    pub(super) async fn run(&self, work: &impl BatchWork) -> Result<()> {
        let (mut start, end) = row_range(self.table.id, &KeyRange::ALL);
        let mut done = 0;
        loop {
            let mut retries = 0;
            let batch = loop {
                self.cancel.check()?;
                match self.batch(start.clone(), end.clone(), done + 1, work).await {
                    Err(e) if lost_race(&e) && e.code != SqlError::schema_changed().code && retries < MAX_RETRIES => {
                        retries += 1
                    }
                    result => break result?,
                }
            };
            let Some((last, rows)) = batch else { return Ok(()) };
            done += rows;
            (self.report)(done);
            start = [&last[..], &[0]].concat().into();
        }
    }

    /// Changes the first rows of a range. Returns the key of the last, and how many they were.
    async fn batch(
        &self,
        start: Bytes,
        end: Bytes,
        first_number: u64,
        work: &impl BatchWork,
    ) -> Result<Option<(Bytes, u64)>> {
        let mut transaction = self.group.begin(TxnOptions { mode: TxnMode::Pessimistic, read_ts: None }).await?;
        let keys = transaction.scan(start, end, false).take(BATCH);
        let keys: Vec<_> = keys.map(|row| Ok(Bytes::copy_from_slice(row?.key()))).collect::<Result<_>>()?;
        let Some(last) = keys.last().cloned() else { return Ok(None) };
        let count = keys.len() as u64;
        let settled = tokio::select! {
            locked = transaction.lock_keys(&keys, self.patience) => locked?.for_update_ts,
            killed = self.killed() => return Err(killed),
        };
        let rows = transaction.multi_get_at(&keys, settled)?;
        let rows = keys.into_iter().zip(rows).filter_map(|(key, row)| Some((key, row?))).collect();
        work.change(LockedRows { rows, settled, first_number }, &mut transaction)?;
        transaction.use_schema(self.table.id, self.table.schema_version);
        transaction.commit().await.map_err(|e| self.failed(e))?;
        Ok(Some((last, count)))
    }

    /// Returns when the statement is killed.
    async fn killed(&self) -> SqlError {
        loop {
            if let Err(killed) = self.cancel.check() {
                return killed.into();
            }
            tokio::time::sleep(KILL_POLL).await;
        }
    }

    /// Writes index entries of rows that are there. Fails with 1062.
    pub(super) fn enter(&self, entries: Vec<KeyOp>, settled: Timestamp, transaction: &mut Transaction) -> Result<()> {
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
        Ok(())
    }

    /// A duplicate is named by the new definition.
    pub(super) fn failed(&self, e: GroupError) -> SqlError {
        match e {
            GroupError::DuplicateKey { key } => SqlError::new(1062, duplicate_message(&self.table, &key)),
            e => e.into(),
        }
    }
}
