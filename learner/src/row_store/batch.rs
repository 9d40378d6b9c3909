//! Applying committed transactions.

use std::collections::HashMap;

use deltatree_storage::types::{TableId, Timestamp};
use fjall::Slice;

use super::RowStore;
use super::backend::{Batch, Space};
use super::garbage;
use super::record;
use crate::error::Result;
use crate::raft::{CommitRecord, Mutation};

/// The changes of one log entry, made visible together with the applied position.
pub(crate) struct ApplyBatch {
    store: RowStore,
    batch: Batch,
    /// Records that this batch itself has written, so that a later transaction of it finds them.
    written: HashMap<Vec<u8>, Vec<u8>>,
    scratch: Vec<u8>,
    /// Bytes of rows.
    bytes: u64,
}

impl ApplyBatch {
    pub(crate) fn new(store: &RowStore) -> Self {
        let batch = store.backend.batch();
        Self { store: store.clone(), batch, written: HashMap::new(), scratch: Vec::new(), bytes: 0 }
    }

    /// Adds a transaction. `several` says that the batch holds more than this one. Applying a
    /// transaction again changes nothing.
    pub(crate) fn commit(&mut self, record: &CommitRecord, several: bool) -> Result<()> {
        let store = self.store.clone();
        store.newest_of(record.mutations.iter().map(|m| m.key.as_ref()), |i, stored| {
            let mutation = &record.mutations[i];
            let own = self.written.get(mutation.key.as_ref()).map(|r| Slice::from(r.as_slice()));
            self.mutate(mutation, record.commit_ts, own.or(stored), several)
        })
    }

    fn mutate(&mut self, mutation: &Mutation, ts: Timestamp, current: Option<Slice>, track: bool) -> Result<()> {
        let key = mutation.key.as_ref();
        match current {
            Some(current) => {
                let old = record::header(&current)?;
                if old.commit_ts >= ts {
                    return Ok(());
                }
                let history_key = record::history_key(key, old.commit_ts);
                self.batch.put(Space::Garbage, garbage::history_note(ts, &history_key), []);
                self.batch.put(Space::History, history_key, current);
                self.store.shadowed.overwritten(key);
            }
            None if mutation.value.is_none() => return Ok(()),
            None => {}
        }
        if mutation.value.is_none() {
            self.batch.put(Space::Garbage, garbage::tombstone_note(ts, key), []);
        }
        self.scratch.clear();
        record::encode(&mut self.scratch, ts, mutation.value.as_deref());
        self.bytes += (key.len() + self.scratch.len()) as u64;
        self.batch.put(Space::Rows, key, self.scratch.as_slice());
        if track {
            self.written.insert(key.to_vec(), self.scratch.clone());
        }
        Ok(())
    }

    /// Notes that a table's keys may go.
    pub(crate) fn drop_table(&mut self, table: TableId) {
        self.batch.put(Space::Garbage, garbage::table_note(table), []);
    }

    /// Sets a value of the replica's own state.
    pub(crate) fn set_meta(&mut self, name: &[u8], value: &[u8]) {
        self.batch.put(Space::Meta, name, value);
    }

    /// Makes all of it visible at once. Durable only at the next [`RowStore::persist`].
    pub(crate) fn finish(self) -> Result<()> {
        self.batch.commit()?;
        self.store.note_written(self.bytes)
    }
}
