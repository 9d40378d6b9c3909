//! Applying committed transactions.

use std::collections::HashMap;

use deltatree_storage::types::{TableId, Timestamp};

use super::RowStore;
use super::backend::{Batch, Space};
use super::garbage;
use super::record;
use crate::error::Result;
use crate::raft::{CommitRecord, Mutation};

/// The changes of one or more log entries, made visible together with the applied position.
pub(crate) struct ApplyBatch {
    store: RowStore,
    batch: Batch,
    /// Records that this batch itself has written, so that a later transaction in it finds them.
    /// Unused (and empty) while the batch holds a single transaction, whose keys are distinct.
    written: HashMap<Vec<u8>, Vec<u8>>,
    transactions: usize,
    scratch: Vec<u8>,
}

impl ApplyBatch {
    pub(crate) fn new(store: &RowStore) -> Self {
        let batch = store.backend.batch();
        Self { store: store.clone(), batch, written: HashMap::new(), transactions: 0, scratch: Vec::new() }
    }

    /// Whether as much has gathered as should be written at once.
    pub(crate) fn is_full(&self) -> bool {
        self.batch.len() >= 50_000
    }

    /// Adds a transaction. `more` says that further transactions may follow in this batch. Applying one
    /// again changes nothing.
    pub(crate) fn commit(&mut self, record: &CommitRecord, more: bool) -> Result<()> {
        let track = more || self.transactions > 0;
        self.transactions += 1;
        let empty = self.lands_in_empty_range(record)?;
        for mutation in &record.mutations {
            self.mutate(mutation, record.commit_ts, empty, track)?;
        }
        Ok(())
    }

    /// Whether no key of the transaction can exist: bulk loads write long ascending runs beyond or
    /// between existing keys, and one range lookup then replaces thousands of point lookups.
    fn lands_in_empty_range(&self, record: &CommitRecord) -> Result<bool> {
        const WORTH_A_RANGE_LOOKUP: usize = 16;
        let [first, .., last] = record.mutations.as_slice() else { return Ok(false) };
        if record.mutations.len() < WORTH_A_RANGE_LOOKUP {
            return Ok(false);
        }
        let mut end = last.key.to_vec();
        end.push(0);
        Ok(self.store.backend.range(Space::Rows, &first.key, &end).next().is_none())
    }

    fn mutate(&mut self, mutation: &Mutation, ts: Timestamp, known_absent: bool, track: bool) -> Result<()> {
        let key = mutation.key.as_ref();
        let own = self.written.get(key).map(|r| fjall::Slice::from(r.as_slice()));
        let current = match own {
            Some(record) => Some(record),
            None if known_absent => None,
            None => self.store.backend.get(Space::Rows, key)?,
        };
        match current {
            Some(current) => {
                let old = record::header(&current)?;
                if old.commit_ts >= ts {
                    return Ok(());
                }
                let history_key = record::history_key(key, old.commit_ts);
                self.batch.put(Space::Garbage, garbage::history_note(ts, &history_key), []);
                self.batch.put(Space::History, history_key, current);
            }
            None if mutation.value.is_none() => return Ok(()),
            None => {}
        }
        if mutation.value.is_none() {
            self.batch.put(Space::Garbage, garbage::tombstone_note(ts, key), []);
        }
        self.scratch.clear();
        record::encode(&mut self.scratch, ts, mutation.value.as_deref());
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
        self.batch.commit()
    }
}
