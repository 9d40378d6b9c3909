//! The columnar learner's log: in memory, because whatever is lost is sent again.
//!
//! A learner does not vote and counts for no majority, so nothing depends on its log being durable. It
//! resumes from the replay position of the columnar engine. Nobody ever reads a learner's log but its
//! own state machine, so entries are let go as soon as they are applied.

use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{LogState, OptionalSend, RaftLogId, RaftLogReader, Vote};
use parking_lot::Mutex;

use super::cache::{EntryCache, entry_bytes, up_to_bytes};
use crate::raft::{Entry, LogId, NodeId, StorageError, TypeConfig};

/// Clones share the log.
#[derive(Clone, Default)]
pub(crate) struct MemoryLog(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    entries: EntryCache,
    purged: Option<LogId>,
    committed: Option<LogId>,
    vote: Option<Vote<NodeId>>,
}

/// Bytes of entries read at once, at most, unless a single one is larger.
pub(super) const READ_BYTES: usize = 8 << 20;

impl MemoryLog {
    /// Bytes of entries that are not yet applied.
    pub(crate) fn unapplied_bytes(&self) -> usize {
        self.0.lock().entries.bytes()
    }

    /// Entries up to `log_id` are applied and will not be read again.
    pub(crate) fn let_go(&self, log_id: LogId) {
        let mut state = self.0.lock();
        state.entries.purge(log_id.index);
        state.purged = state.purged.max(Some(log_id));
    }
}

impl RaftLogReader<TypeConfig> for MemoryLog {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, StorageError> {
        Ok(self.0.lock().entries.range(range).cloned().collect())
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, StorageError> {
        let state = self.0.lock();
        Ok(limited(state.entries.range((Bound::Included(start), Bound::Excluded(end)))))
    }
}

/// The first entries, up to [`READ_BYTES`], at least one.
pub(super) fn limited<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<Entry> {
    up_to_bytes(entries, READ_BYTES, |entry| entry_bytes(entry)).cloned().collect()
}

impl RaftLogStorage<TypeConfig> for MemoryLog {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, StorageError> {
        let state = self.0.lock();
        let last_log_id = state.entries.last().map(|e| *e.get_log_id()).or(state.purged);
        Ok(LogState { last_purged_log_id: state.purged, last_log_id })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote<NodeId>) -> Result<(), StorageError> {
        self.0.lock().vote = Some(*vote);
        Ok(())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<NodeId>>, StorageError> {
        Ok(self.0.lock().vote)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError> {
        self.0.lock().committed = committed;
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, StorageError> {
        Ok(self.0.lock().committed)
    }

    async fn append<I>(&mut self, entries: I, callback: LogFlushed<TypeConfig>) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut state = self.0.lock();
        entries.into_iter().for_each(|e| state.entries.push(e));
        drop(state);
        callback.log_io_completed(Ok(()));
        Ok(())
    }

    async fn truncate(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.0.lock().entries.truncate(log_id.index);
        Ok(())
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.let_go(log_id);
        Ok(())
    }
}
