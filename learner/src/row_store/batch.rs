//! Applying committed transactions.

use std::collections::HashMap;

use deltatree_storage::types::{TableId, Timestamp};
use fjall::Slice;

use super::RowStore;
use super::backend::{Batch, Space};
use super::garbage;
use super::record;
use super::store::Position;
use crate::codec::{KeyShape, key_shape};
use crate::error::Result;
use crate::raft::{CommitRecord, Mutation};

/// The changes of one log entry, made visible together with the applied position.
pub(crate) struct ApplyBatch {
    store: RowStore,
    batch: Batch,
    /// What this batch itself has written, so that a later transaction of it finds it.
    written: HashMap<Vec<u8>, Written>,
    scratch: Vec<u8>,
    /// Bytes of rows.
    bytes: u64,
    hot: Vec<HotWrite>,
    position: Option<Position>,
    settles: bool,
}

/// The newest record of a key.
#[derive(Clone)]
struct Written {
    record: Slice,
    /// Whether it stays in memory for now.
    hot: bool,
}

/// A new version of a hot row.
struct HotWrite {
    key: Slice,
    former: Slice,
    version: Slice,
}

/// A key with so many values in one memory table, besides its first, is hot. Few keep scans short; but to settle a row
/// that is not written again soon is a write too many.
const HOT_AFTER: u64 = 4;

impl ApplyBatch {
    pub(crate) fn new(store: &RowStore) -> Self {
        let batch = store.backend.batch();
        Self {
            store: store.clone(),
            batch,
            written: HashMap::new(),
            scratch: Vec::new(),
            bytes: 0,
            hot: Vec::new(),
            position: None,
            settles: false,
        }
    }

    /// Adds a transaction. `several` says that the batch holds more than this one. Applying a
    /// transaction again changes nothing.
    pub(crate) fn commit(&mut self, record: &CommitRecord, several: bool) -> Result<()> {
        let store = self.store.clone();
        store.newest_of(record.mutations.iter().map(|m| m.key.as_ref()), |i, stored| {
            let mutation = &record.mutations[i];
            let own = self.written.get(mutation.key.as_ref()).cloned();
            let current = own.or(stored.map(|record| Written { record, hot: false }));
            self.mutate(mutation, record.commit_ts, current, several)
        })
    }

    fn mutate(&mut self, mutation: &Mutation, ts: Timestamp, current: Option<Written>, track: bool) -> Result<()> {
        let key = mutation.key.as_ref();
        let mut former = None;
        match current {
            Some(current) => {
                let old = record::header(&current.record)?;
                if old.commit_ts >= ts {
                    return Ok(());
                }
                let history_key = record::history_key(key, old.commit_ts);
                self.batch.put(Space::Garbage, garbage::history_note(ts, &history_key), []);
                self.batch.put(Space::History, history_key, current.record.clone());
                if current.hot || self.is_hot(key) {
                    former = Some(current.record);
                } else {
                    self.store.shadowed.overwritten(key);
                }
            }
            None if mutation.value.is_none() => return Ok(()),
            None => {}
        }
        if mutation.value.is_none() {
            self.batch.put(Space::Garbage, garbage::tombstone_note(ts, key), []);
        }
        self.scratch.clear();
        record::encode(&mut self.scratch, ts, mutation.value.as_deref());
        let version = Slice::from(self.scratch.as_slice());
        if track {
            self.written.insert(key.to_vec(), Written { record: version.clone(), hot: former.is_some() });
        }
        match former {
            Some(former) => self.hot.push(HotWrite { key: key.into(), former, version }),
            None => {
                self.bytes += (key.len() + version.len()) as u64;
                self.batch.put(Space::Rows, key, version);
            }
        }
        Ok(())
    }

    /// Whether a new version of a key that has one stays in memory for now. Definitions never do: they are read
    /// before the log is applied.
    fn is_hot(&self, key: &[u8]) -> bool {
        !matches!(key_shape(key), Some(KeyShape::Meta))
            && (self.store.shadowed.at(key) >= HOT_AFTER || self.store.hot.load().newest(key).is_some())
    }

    /// Notes that a table's keys may go.
    pub(crate) fn drop_table(&mut self, table: TableId) {
        self.batch.put(Space::Garbage, garbage::table_note(table), []);
    }

    /// Sets a value of the replica's own state.
    pub(crate) fn set_meta(&mut self, name: &[u8], value: &[u8]) {
        self.batch.put(Space::Meta, name, value);
    }

    /// Sets how far the log is applied. That is written when all rows up to there are.
    pub(crate) fn set_position(&mut self, name: &'static [u8], value: Vec<u8>) {
        self.position = Some((name, value));
    }

    /// Asks for no row to stay in memory only: the entry must not be applied again after a crash.
    pub(crate) fn settle(&mut self) {
        self.settles = true;
    }

    /// Makes all of it visible at once. Durable only at the next [`RowStore::persist`].
    pub(crate) fn finish(mut self) -> Result<()> {
        let store = self.store;
        let mut unsettled = store.unsettled.lock();
        let hot = store.hot.load_full();
        *unsettled = self.position.take().or(unsettled.take());
        if self.settles || hot.is_full() || (hot.is_empty() && self.hot.is_empty()) {
            let newer = self.hot.into_iter().map(|write| (write.key, write.version)).collect();
            store.settle_with(&mut unsettled, self.batch, newer)?;
        } else {
            // What they overwrite is in the history first.
            self.batch.commit()?;
            for HotWrite { key, former, version } in self.hot {
                hot.put(key, former, version);
            }
        }
        drop(unsettled);
        store.note_written(self.bytes)
    }
}
