//! What a voter's log is kept on: files or, in a simulation, a disk that loses what was not synced.

use super::frame::FrameState;
use crate::error::Result;
use crate::raft::{Entry, LogId, NodeId};

/// What Raft asks about a log when it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LogState {
    pub(super) vote: Option<openraft::Vote<NodeId>>,
    pub(super) committed: Option<LogId>,
    pub(super) purged: Option<LogId>,
    /// The last entry, also if it is purged.
    pub(super) last: Option<LogId>,
}

impl LogState {
    /// What a frame says of it, whose entries start at `first`.
    pub(super) fn in_frame(&self, first: u64, entries: u32) -> FrameState {
        let Self { vote, committed, purged, .. } = *self;
        FrameState { vote, committed, purged, first, entries }
    }

    /// Index of the entry that comes next.
    pub(super) fn next(&self) -> u64 {
        self.last.map_or(0, |id| id.index + 1)
    }
}

/// The last entry of a log whose last one that is there is `last`.
pub(super) fn last_of(last: Option<LogId>, purged: Option<LogId>) -> Option<LogId> {
    if last.map(|id| id.index) > purged.map(|id| id.index) { last } else { purged }
}

/// See [`LogDisk::purge_candidate`]. Of what was appended at once: its first index and its bytes, newest first.
pub(super) fn purge_candidate(mut appended: impl Iterator<Item = (u64, u64)>, keep: u64) -> Option<u64> {
    let mut kept = 0;
    let (first, _) = appended.find(|&(_, bytes)| {
        kept += bytes;
        kept > keep
    })?;
    first.checked_sub(1)
}

/// Entries with consecutive indexes, and Raft's own state. All methods block on disk unless they say otherwise.
pub(super) trait LogDisk: Send + Sync {
    /// The state, without going to disk.
    fn state(&self) -> LogState;

    /// The entries from `start` to before `end`: all of them or, if they have more than `limit` bytes, the first of
    /// them, at least one. Those that are not there are left out.
    fn entries(&self, start: u64, end: u64, limit: usize) -> Result<Vec<Entry>>;

    /// Appends, durably.
    fn append(&self, entries: &[Entry]) -> Result<()>;

    /// Sets the vote, durably.
    fn save_vote(&self, vote: openraft::Vote<NodeId>) -> Result<()>;

    /// Sets what is known to be committed. It becomes durable with what is written next.
    fn save_committed(&self, committed: Option<LogId>) -> Result<()>;

    /// Removes the entries from `first` on, durably.
    fn truncate(&self, first: u64) -> Result<()>;

    /// Removes the entries up to `upto`. It becomes durable with what is written next: until then, they are back
    /// after a crash.
    fn purge(&self, upto: LogId) -> Result<()>;

    /// Index of the first entry, without going to disk.
    fn first_index(&self) -> Option<u64>;

    /// Bytes of the entries after `index`, without going to disk.
    fn bytes_after(&self, index: u64) -> u64;

    /// The largest index that can be purged such that at least `keep` bytes stay, without going to disk. Entries
    /// that were appended at once go at once.
    fn purge_candidate(&self, keep: u64) -> Option<u64>;
}
