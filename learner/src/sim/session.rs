//! What one client does in the process of a voter: transactions, and reads of rows.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use deltatree_storage::types::{KeyRange, RowKey, TableId, Timestamp, Value};

use super::executor::{Executor, pause};
use super::history::{Copy, History, Outcome, Read, Rows, Txn, decode};
use super::invariants::snapshot_reads_are_repeatable;
use super::nodes::RunningVoter;
use crate::access::LeaderAccess;
use crate::catalog::{CatalogSnapshot, TableInfo};
use crate::codec::{row_key, row_range};
use crate::error::{Error, ErrorKind, Result};
use crate::table_write::{KeyOp, RowWriter};
use crate::txn::{Transaction, TxnMode, TxnOptions};

/// A transaction, and the record of it.
pub(crate) struct Session {
    pub(crate) executor: Executor,
    pub(crate) history: History,
    pub(crate) voter: RunningVoter,
    number: usize,
    txn: Transaction,
    /// By key, as the transaction wants it.
    writes: BTreeMap<Bytes, Option<Bytes>>,
    unchanged: BTreeMap<Bytes, Timestamp>,
}

/// A number that no other transaction writes.
pub(crate) type Tag = i64;

impl Session {
    /// Begins a transaction.
    pub(crate) async fn begin(
        executor: Executor,
        history: History,
        voter: RunningVoter,
        mode: TxnMode,
    ) -> Result<Self> {
        Self::begin_at(executor, history, voter, mode, None).await
    }

    /// Begins a transaction that reads at `read_ts`, or as of now.
    pub(crate) async fn begin_at(
        executor: Executor,
        history: History,
        voter: RunningVoter,
        mode: TxnMode,
        read_ts: Option<Timestamp>,
    ) -> Result<Self> {
        let number = history.with(|t| {
            let called = t.moment();
            t.txns.push(Txn {
                called,
                start_ts: Timestamp::ZERO,
                begun: 0,
                writes: Vec::new(),
                unchanged_since: Vec::new(),
                marker: None,
                committing: None,
                outcome: Outcome::Unknown,
                answered: None,
            });
            t.txns.len() - 1
        });
        let options = TxnOptions { mode, read_ts };
        let txn = LeaderAccess::Here(voter.leader.clone()).begin(options).await?;
        match read_ts {
            None => history.txn(number, |t, moment| (t.start_ts, t.begun) = (txn.start_ts(), moment)),
            // It says nothing about what is newest.
            Some(_) => history.txn(number, |t, _| t.called = 0),
        }
        Ok(Self { executor, history, voter, number, txn, writes: BTreeMap::new(), unchanged: BTreeMap::new() })
    }

    pub(crate) fn start_ts(&self) -> Timestamp {
        self.txn.start_ts()
    }

    /// A number for the rows of this transaction.
    pub(crate) fn tag(&self) -> Tag {
        self.number as Tag
    }

    /// A table as of now.
    pub(crate) fn table(&self, name: &str) -> Result<std::sync::Arc<TableInfo>> {
        let catalog = self.voter.leader.voter().catalog();
        catalog.table(super::workload::DATABASE, name).cloned().ok_or(Error::Invalid("no such table".into()))
    }

    /// The definitions as the transaction sees them.
    pub(crate) fn definitions(&self) -> Result<CatalogSnapshot> {
        let (start, end) = crate::codec::meta_range();
        let rows: Vec<_> = self.txn.scan(start, end, false).collect::<Result<_>>().map_err(|e| self.readable(e))?;
        CatalogSnapshot::load(rows.iter().map(|r| (r.key(), r.value()))).map_err(|e| Error::Invalid(e.to_string()))
    }

    /// Locks rows. From then on they are read as they are now.
    pub(crate) async fn lock(&mut self, keys: &[Bytes]) -> Result<Timestamp> {
        let wait = Duration::from_secs(2);
        let locked = self.txn.lock_keys(keys, wait).await?;
        for key in keys {
            self.unchanged.insert(key.clone(), locked.for_update_ts);
        }
        Ok(locked.for_update_ts)
    }

    /// A row of a table of this simulation.
    pub(crate) fn row(&self, info: &TableInfo, id: i64, ts: Timestamp) -> Result<Option<Vec<Option<i64>>>> {
        let key = row_key(info.id, RowKey::Int(id).as_ref());
        let value = self.txn.get_at(&key, ts).map_err(|e| self.readable(e))?;
        Ok(value.map(|value| decode(info, &key, &value).1))
    }

    /// A reader that is registered must find what it looks for.
    fn readable(&self, e: Error) -> Error {
        if e.kind() == ErrorKind::SnapshotTooOld {
            let text = format!("snapshot_reads_are_repeatable: collected under a registered reader: {e}");
            self.history.judge(Err(text));
        }
        e
    }

    /// Replaces a row, or inserts it if `new`.
    pub(crate) fn put(&mut self, info: &TableInfo, row: &[Option<i64>], new: bool) -> Result<()> {
        let values: Vec<Value> = row.iter().map(|c| c.map_or(Value::Null, Value::Int)).collect();
        let key = RowKey::Int(row[0].unwrap_or_default());
        let mut ops = Vec::new();
        RowWriter::new(info).insert(&key, &values, &mut ops).map_err(|e| Error::Invalid(e.to_string()))?;
        for op in ops {
            let op = match op {
                KeyOp::Insert { key, value } if !new => KeyOp::Put { key, value },
                op => op,
            };
            self.write(op)?;
        }
        self.txn.use_schema(info.id, info.schema_version);
        Ok(())
    }

    /// Deletes a row, if there is one.
    pub(crate) fn delete(&mut self, info: &TableInfo, id: i64) -> Result<()> {
        self.txn.use_schema(info.id, info.schema_version);
        self.write(KeyOp::Delete { key: row_key(info.id, RowKey::Int(id).as_ref()) })
    }

    /// One step of a write.
    pub(crate) fn write(&mut self, op: KeyOp) -> Result<()> {
        let start_ts = self.txn.start_ts();
        self.unchanged.entry(op.key().clone()).or_insert(start_ts);
        self.writes.insert(op.key().clone(), op.value().cloned());
        self.txn.write(op)
    }

    /// Writes the row that tells whether this transaction happened.
    pub(crate) fn mark(&mut self) -> Result<()> {
        let info = self.table(super::workload::MARKERS)?;
        let tag = self.tag();
        self.history.txn(self.number, |t, _| t.marker = Some(row_key(info.id, RowKey::Int(tag).as_ref())));
        self.put(&info, &[Some(tag), Some(tag), Some(tag)], true)
    }

    /// Commits, and takes down what the client is told.
    pub(crate) async fn commit(self) -> Result<Timestamp> {
        let Self { history, number, txn, writes, unchanged, .. } = self;
        let read_only = writes.is_empty();
        history.txn(number, |t, moment| {
            t.writes = writes.into_iter().collect();
            t.unchanged_since = unchanged.into_iter().collect();
            t.committing = Some(moment);
        });
        let told = txn.commit().await;
        history.txn(number, |t, moment| {
            t.answered = Some(moment);
            t.outcome = match &told {
                // It has no place in the log.
                Ok(_) if read_only => Outcome::Failed,
                Ok(info) => Outcome::Committed(info.commit_ts),
                Err(e) if e.kind() == ErrorKind::OutcomeUnknown => Outcome::Unknown,
                Err(_) => Outcome::Failed,
            };
        });
        history.count(match &told {
            Ok(_) if read_only => "read-only transactions",
            Ok(_) => "commits",
            Err(e) if e.kind() == ErrorKind::OutcomeUnknown => "commits of unknown outcome",
            Err(e) if e.kind() == ErrorKind::WriteConflict => "write conflicts",
            Err(e) if e.kind() == ErrorKind::SchemaChanged => "schema changed",
            Err(_) => "commits refused",
        });
        told.map(|info| info.commit_ts)
    }

    fn rows(&self, info: &TableInfo) -> Result<Rows> {
        let (start, end) = row_range(info.id, &KeyRange::ALL);
        let rows = self.txn.scan(start, end, false);
        rows.map(|row| row.map(|r| decode(info, r.key(), r.value())).map_err(|e| self.readable(e))).collect()
    }

    /// Reads a table, and after a while again.
    pub(crate) async fn read_table(&self, info: &TableInfo, hold: Duration) -> Result<()> {
        let called = self.history.with(|t| t.txns[self.number].called);
        let rows = self.rows(info)?;
        self.history.count("reads of rows");
        let (executor, ts) = (&self.executor, self.start_ts());
        self.history.with(|t| {
            t.reads.push(Read {
                copy: Copy::Rows,
                called,
                table: info.id,
                ts,
                schema_version: info.schema_version,
                rows: rows.clone(),
                at: executor.now(),
            });
        });
        pause(hold).await;
        let again = self.rows(info)?;
        self.history.judge(snapshot_reads_are_repeatable::check(Copy::Rows, ts, &rows, &again));
        Ok(())
    }
}

/// Ids of dropped tables need no schema: their rows go.
pub(crate) async fn drop_data(voter: RunningVoter, table: TableId) -> Result<()> {
    voter.leader.drop_table_data(table).await
}
