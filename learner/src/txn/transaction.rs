//! The transaction that a session works with.
//!
//! Reads see the snapshot at `start_ts` with the transaction's own writes on top. Writes are buffered
//! until [`Transaction::commit`], which sends all of them as one log record; nothing is visible before
//! and everything after.
//!
//! *Optimistic* transactions find out at commit whether somebody else changed what they write.
//! *Pessimistic* ones lock keys first ([`Transaction::lock_keys`]), then read them as they are now
//! ([`Transaction::get_at`] at the outcome's `for_update_ts`), and so do not fail by conflicts on
//! them. Reads are never locked and never wait: snapshot isolation allows write skew.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use deltatree_storage::types::{TableId, Timestamp};

use super::request::{CheckedMutation, CommitRequest, LockedKey};
use super::write_buffer::WriteBuffer;
use super::{DirtyEntry, Savepoint, TxnId, TxnScan};
use crate::access::{LeaderAccess, RowReader};
use crate::codec::{KeyShape, key_shape};
use crate::error::{Error, Result};
use crate::leader::ReaderGuard;
use crate::table_write::KeyOp;

/// When conflicts with other transactions show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TxnMode {
    /// At the statement that locks the key.
    #[default]
    Pessimistic,
    /// At commit.
    Optimistic,
}

/// How a transaction should behave.
#[derive(Clone, Debug, Default)]
pub struct TxnOptions {
    /// See [`TxnMode`].
    pub mode: TxnMode,
    /// Read at this timestamp instead of the newest. The transaction can then only read.
    pub read_ts: Option<Timestamp>,
}

impl TxnOptions {
    /// Reads the newest state and locks nothing.
    pub fn optimistic() -> Self {
        Self { mode: TxnMode::Optimistic, read_ts: None }
    }
}

/// What [`Transaction::lock_keys`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockOutcome {
    /// Read the locked keys at this timestamp: it is at or above every commit that held one of the
    /// locks before, and no other transaction will change them until this one ends.
    pub for_update_ts: Timestamp,
}

/// What the leader answers to whoever locks keys.
pub(crate) struct LockedKeys {
    /// See [`LockOutcome::for_update_ts`].
    pub(crate) for_update_ts: Timestamp,
    /// What the keys hold at that timestamp, in their order, if that would have to be fetched from another process
    /// otherwise, and they are few.
    pub(crate) rows: Vec<Option<Bytes>>,
}

/// Rows kept that came with their locks, at most.
const MOST_HELD: usize = 1024;

/// A transaction that took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its place in the order. The start timestamp if it wrote nothing.
    pub commit_ts: Timestamp,
}

/// A transaction in progress. Dropping it rolls it back and releases its locks.
pub struct Transaction {
    leader: LeaderAccess,
    id: TxnId,
    start_ts: Timestamp,
    mode: TxnMode,
    read_only: bool,
    reader: RowReader,
    writes: WriteBuffer,
    /// Keys locked or relied on, with the timestamp from which on nobody else may have changed them.
    locked: HashMap<Bytes, Timestamp>,
    /// What locked keys hold from a timestamp on, as far as it came with the locks. Nobody else changes it before this
    /// ends, or this cannot commit. (TiDB's locks bring the rows along, too.)
    held: HashMap<Bytes, (Timestamp, Option<Bytes>)>,
    /// Whether the lock table may know this transaction. A request that failed may still have got some
    /// of its locks.
    may_hold_locks: bool,
    schemas: Vec<(TableId, u64)>,
    _snapshot: ReaderGuard,
}

impl Transaction {
    pub(crate) fn new(
        leader: LeaderAccess,
        id: TxnId,
        snapshot: ReaderGuard,
        reader: RowReader,
        options: &TxnOptions,
    ) -> Self {
        Self {
            leader,
            id,
            start_ts: snapshot.ts(),
            mode: options.mode,
            read_only: options.read_ts.is_some(),
            reader,
            writes: WriteBuffer::default(),
            locked: HashMap::new(),
            held: HashMap::new(),
            may_hold_locks: false,
            schemas: Vec::new(),
            _snapshot: snapshot,
        }
    }

    /// What this transaction reads at.
    pub fn start_ts(&self) -> Timestamp {
        self.start_ts
    }

    /// As begun.
    pub fn mode(&self) -> TxnMode {
        self.mode
    }

    /// Whether nothing is buffered.
    pub fn is_clean(&self) -> bool {
        self.writes.is_empty()
    }

    /// Number of keys written.
    pub fn dirty_len(&self) -> usize {
        self.writes.len()
    }

    /// The row of `key`: own write, or the snapshot's. Blocks as [`RowReader::get`] does.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.get_at(key, self.start_ts)
    }

    /// The row of `key`: own write, or what was committed at `ts`, which must come from
    /// [`Transaction::lock_keys`] or [`Transaction::current_ts`] of this transaction.
    pub fn get_at(&self, key: &[u8], ts: Timestamp) -> Result<Option<Bytes>> {
        match self.writes.get(key) {
            Some(write) => Ok(write.value.clone()),
            None => self.held_at(key, ts).map_or_else(|| self.reader.get(key, ts), Ok),
        }
    }

    /// The row of a key, if it came with its lock.
    fn held_at(&self, key: &[u8], ts: Timestamp) -> Option<Option<Bytes>> {
        let (since, row) = self.held.get(key)?;
        (ts >= *since).then(|| row.clone())
    }

    /// Like [`Transaction::get_at`] for several keys, in their order.
    pub fn multi_get_at(&self, keys: &[Bytes], ts: Timestamp) -> Result<Vec<Option<Bytes>>> {
        let known = |key: &Bytes| match self.writes.get(key) {
            Some(own) => Some(own.value.clone()),
            None => self.held_at(key, ts),
        };
        let mut rows: Vec<_> = keys.iter().map(known).collect();
        let unknown: Vec<_> = keys.iter().zip(&rows).filter(|(_, row)| row.is_none()).map(|(key, _)| key).collect();
        let mut stored = self.reader.multi_get(&unknown, ts)?.into_iter();
        Ok(rows.iter_mut().map(|row| row.take().unwrap_or_else(|| stored.next().flatten())).collect())
    }

    /// Rows with keys in `start..end` as this transaction sees them, in key order or, if `reverse`, in
    /// the opposite one. Later writes do not show in it.
    pub fn scan(&self, start: Bytes, end: Bytes, reverse: bool) -> TxnScan {
        self.scan_at(start, end, self.start_ts, reverse)
    }

    /// Like [`Transaction::scan`] over what was committed at `ts` (see [`Transaction::get_at`]).
    pub fn scan_at(&self, start: Bytes, end: Bytes, ts: Timestamp, reverse: bool) -> TxnScan {
        let own = self.dirty(&start, &end);
        let own = if reverse { own.rev().collect() } else { own.collect() };
        TxnScan::new(self.reader.scan(start, end, ts, reverse), own, reverse)
    }

    /// Own changes with keys in `start..end`, in key order.
    pub fn dirty<'a>(&'a self, start: &'a [u8], end: &'a [u8]) -> impl DoubleEndedIterator<Item = DirtyEntry> + 'a {
        self.writes.range(start, end).map(|(k, w)| (k.clone(), w.value.clone()))
    }

    /// Sets or replaces the row of `key`. Errors: `TxnTooLarge`, `Invalid` if read-only.
    pub fn put(&mut self, key: Bytes, value: Bytes) -> Result<()> {
        self.check_room(&key, value.len())?;
        self.writes.put(key, value);
        Ok(())
    }

    /// Sets the row of `key`, which must not have one. A row written by this transaction is an error
    /// (`DuplicateKey`) at once, any other at commit, unless the caller looks first.
    /// Errors: `DuplicateKey`, `TxnTooLarge`, `Invalid` if read-only.
    pub fn insert(&mut self, key: Bytes, value: Bytes) -> Result<()> {
        self.check_room(&key, value.len())?;
        self.writes.insert(key, value)
    }

    /// Removes the row of `key`, if any. Errors: `TxnTooLarge`, `Invalid` if read-only.
    pub fn delete(&mut self, key: Bytes) -> Result<()> {
        self.check_room(&key, 0)?;
        self.writes.delete(key);
        Ok(())
    }

    /// One step of a write: puts, inserts or deletes. Errors: as those do.
    pub fn write(&mut self, op: KeyOp) -> Result<()> {
        match op {
            KeyOp::Put { key, value } => self.put(key, value),
            KeyOp::Insert { key, value } => self.insert(key, value),
            KeyOp::Delete { key } => self.delete(key),
        }
    }

    fn check_room(&self, key: &Bytes, value_bytes: usize) -> Result<()> {
        if self.read_only {
            return Err(Error::Invalid("a transaction that reads at a fixed timestamp cannot write".into()));
        }
        let bytes = self.writes.bytes() + (key.len() + value_bytes) as u64;
        let limit = self.leader.txn_bytes_limit();
        if bytes > limit {
            return Err(Error::TxnTooLarge { bytes, limit });
        }
        Ok(())
    }

    /// A newer timestamp to read at, for statements that must see what others committed meanwhile.
    /// Waits for nobody on a single-voter group, for one round trip otherwise.
    pub async fn current_ts(&self) -> Result<Timestamp> {
        self.leader.read_ts().await
    }

    /// Locks `keys` for this transaction until it ends. Waits, first come first served, for others that
    /// hold them, at most `wait` in all. Locks taken before an error stay until the transaction ends.
    /// Errors: `LockWaitTimeout`, `Deadlock`, `NotLeader`, `Closed`.
    pub async fn lock_keys(&mut self, keys: &[Bytes], wait: Duration) -> Result<LockOutcome> {
        self.may_hold_locks = true;
        let LockedKeys { for_update_ts, rows } = self.leader.lock(self.id, keys, wait).await?;
        if self.held.len() + rows.len() > MOST_HELD {
            self.held.clear();
        }
        for key in keys {
            // Locked again, it must still be as it was found the first time.
            self.locked.entry(key.clone()).or_insert(for_update_ts);
        }
        for (key, row) in keys.iter().zip(rows) {
            self.held.entry(key.clone()).or_insert((for_update_ts, row));
        }
        Ok(LockOutcome { for_update_ts })
    }

    /// Counts on the rows of `keys` to be as they were when this transaction began: if it writes anything, and one
    /// of them was changed meanwhile, its commit fails with `WriteConflict`. Locks nothing.
    pub fn rely_on(&mut self, keys: &[Bytes]) {
        for key in keys {
            self.locked.entry(key.clone()).or_insert(self.start_ts);
        }
    }

    /// A timestamp at which these keys are as they will be when this transaction ends, its own writes aside: nobody
    /// else changes them, or it cannot commit.
    pub fn settled_ts(&self, keys: &[Bytes]) -> Timestamp {
        let locked = keys.iter().filter_map(|key| self.locked.get(key));
        locked.copied().fold(self.start_ts, Timestamp::max)
    }

    /// Says that rows written for `table` are encoded by schema `version`. The commit fails with
    /// `SchemaChanged` if that is not the table's version then.
    pub fn use_schema(&mut self, table: TableId, version: u64) {
        if !self.schemas.contains(&(table, version)) {
            self.schemas.push((table, version));
        }
    }

    /// Marks the present state of the writes. Locks are not affected by savepoints.
    pub fn savepoint(&mut self) -> Savepoint {
        self.writes.savepoint()
    }

    /// Undoes the writes made since `savepoint`.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        self.writes.rollback_to(savepoint);
    }

    /// Makes the writes durable and visible, all of them or none. Returns when they are applied on the
    /// leader, so that every later read sees them.
    ///
    /// Errors: `DuplicateKey`, `WriteConflict`, `SchemaChanged`, `LockWaitTimeout`, `Deadlock`,
    /// `NotLeader`, `Closed`, `Io`: nothing happened. `OutcomeUnknown`: it may have happened.
    pub async fn commit(mut self) -> Result<CommitInfo> {
        if self.writes.is_empty() {
            return Ok(CommitInfo { commit_ts: self.start_ts });
        }
        let request = self.take_request();
        let commit_ts = self.leader.commit(request).await?;
        Ok(CommitInfo { commit_ts })
    }

    /// Drops the writes and releases the locks. The same as dropping the transaction.
    pub fn rollback(self) {}

    fn take_request(&mut self) -> CommitRequest {
        let start_ts = self.start_ts;
        let mut locked = std::mem::take(&mut self.locked);
        let mutations = std::mem::take(&mut self.writes)
            .into_writes()
            .map(|(key, write)| {
                let locked_at = locked.remove(&key);
                let unchanged_since = match key_shape(&key) {
                    // Whoever changes an entry changes its row as well, and that is checked.
                    Some(KeyShape::Index { .. }) if !write.must_be_new => Timestamp::MAX,
                    _ => locked_at.unwrap_or(start_ts),
                };
                CheckedMutation::new(key, write.value, unchanged_since, write.must_be_new)
            })
            .collect();
        // What was locked and read, but not written, must be as it was just the same.
        let locked = locked.into_iter().map(|(key, since)| LockedKey::new(key, since)).collect();
        CommitRequest::new(self.id, start_ts, mutations, std::mem::take(&mut self.schemas)).with_locked(locked)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.may_hold_locks {
            self.leader.release_locks(self.id);
        }
    }
}
