//! A voter's log, vote and commit position, as Raft sees them.
//!
//! They are apart from the row store so that a sync of the log never waits for, or holds up, the writing of rows.
//! Appends go to one writer thread: it writes and syncs while Raft's task stays free to receive messages, and then
//! says so.
//!
//! An append and a vote are durable before they are answered. Purging becomes durable with what is written next; after
//! a crash some purged entries may be back, which harms nobody. Before entries are purged the row store is made
//! durable, because until then they are what it is recovered from.

use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{EntryPayload, LogState, OptionalSend, RaftLogId, RaftLogReader, Vote};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::appender::{Append, Appender};
use super::cache::EntryCache;
use super::codec::{read_error, write_error};
use super::files::LogFiles;
use super::log_disk::LogDisk;
use super::memory::{READ_BYTES, limited};
use crate::error::Result;
use crate::raft::{Entry, LogId, NodeId, StorageError, TypeConfig};

/// Bytes of entries that the cache keeps.
const CACHE_BYTES: usize = 64 << 20;

/// Clones share the log.
#[derive(Clone)]
pub(crate) struct DurableLog(Arc<Inner>);

struct Inner {
    disk: Arc<dyn LogDisk>,
    cache: Mutex<EntryCache>,
    appender: Appender,
    counters: Arc<Counters>,
    /// Makes durable what the entries up to an index would otherwise be needed for.
    before_purge: Box<dyn Fn(u64) -> Result<()> + Send + Sync>,
}

struct Counters {
    syncs: AtomicU64,
    /// Entries that carry a command and are durable.
    commands: watch::Sender<u64>,
}

impl DurableLog {
    /// Opens or creates the log in `path`. Blocks on disk. Errors: `Locked`, `Io`, `Corrupt`.
    pub(crate) fn open(path: &Path, before_purge: impl Fn(u64) -> Result<()> + Send + Sync + 'static) -> Result<Self> {
        Self::over(Arc::new(LogFiles::open(path)?), before_purge, Appender::thread)
    }

    /// The log on a simulated disk, where an append takes as long as `pause` says.
    #[cfg(test)]
    pub(crate) fn simulated(
        disk: crate::sim::SimDisk,
        before_purge: impl Fn(u64) -> Result<()> + Send + Sync + 'static,
        pause: impl Fn() -> std::time::Duration + Send + 'static,
    ) -> Result<Self> {
        Self::over(Arc::new(super::simulated::SimulatedLog(disk)), before_purge, |writer| {
            Ok(Appender::task(writer, pause))
        })
    }

    fn over(
        disk: Arc<dyn LogDisk>,
        before_purge: impl Fn(u64) -> Result<()> + Send + Sync + 'static,
        appender: impl FnOnce(Arc<Writer>) -> Result<Appender>,
    ) -> Result<Self> {
        let counters = Arc::new(Counters { syncs: AtomicU64::new(0), commands: watch::Sender::new(0) });
        let writer = Arc::new(Writer { disk: disk.clone(), counters: counters.clone() });
        let appender = appender(writer)?;
        let before_purge = Box::new(before_purge);
        Ok(Self(Arc::new(Inner { disk, cache: Mutex::default(), appender, counters, before_purge })))
    }

    /// Durable writes so far.
    pub(crate) fn syncs(&self) -> u64 {
        self.0.counters.syncs.load(Ordering::Relaxed)
    }

    /// Counts durable entries that carry a command, as they become durable.
    pub(crate) fn durable_commands(&self) -> watch::Receiver<u64> {
        self.0.counters.commands.subscribe()
    }

    /// Index of the first entry.
    pub(crate) fn first_index(&self) -> Option<u64> {
        self.0.disk.first_index()
    }

    /// Bytes of the entries after `index`, as they are on the disk.
    pub(crate) fn bytes_after(&self, index: u64) -> u64 {
        self.0.disk.bytes_after(index)
    }

    /// The largest index that can be purged such that at least `keep` bytes of entries stay.
    pub(crate) fn purge_candidate(&self, keep: u64) -> Option<u64> {
        self.0.disk.purge_candidate(keep)
    }

    fn read(&self, range: impl RangeBounds<u64>, limit: usize) -> Result<Vec<Entry>, StorageError> {
        let start = match range.start_bound() {
            Bound::Included(&i) => i,
            Bound::Excluded(&i) => i + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&i) => i.saturating_add(1),
            Bound::Excluded(&i) => i,
            Bound::Unbounded => u64::MAX,
        };
        if end <= start {
            return Ok(Vec::new());
        }
        let cache = self.0.cache.lock();
        if cache.first().is_some_and(|first| first <= start) {
            return Ok(match limit {
                usize::MAX => cache.range(start..end).cloned().collect(),
                _ => limited(cache.range(start..end)),
            });
        }
        drop(cache);
        self.0.disk.entries(start, end, limit).map_err(read_error)
    }
}

impl RaftLogReader<TypeConfig> for DurableLog {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, StorageError> {
        self.read(range, usize::MAX)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, StorageError> {
        self.read(start..end, READ_BYTES)
    }
}

impl RaftLogStorage<TypeConfig> for DurableLog {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, StorageError> {
        let state = self.0.disk.state();
        // What is not yet written is in the cache.
        let appended = self.0.cache.lock().last().map(|entry| *entry.get_log_id());
        Ok(LogState { last_purged_log_id: state.purged, last_log_id: appended.or(state.last) })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote<NodeId>) -> Result<(), StorageError> {
        self.0.disk.save_vote(*vote).map_err(write_error)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<NodeId>>, StorageError> {
        Ok(self.0.disk.state().vote)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError> {
        self.0.disk.save_committed(committed).map_err(write_error)
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, StorageError> {
        Ok(self.0.disk.state().committed)
    }

    async fn append<I>(&mut self, entries: I, callback: LogFlushed<TypeConfig>) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        let mut cache = self.0.cache.lock();
        if let Some(first) = entries.first() {
            // What is behind the cache is durable: Raft waits for one append before the next.
            cache.shrink(first.get_log_id().index.saturating_sub(1), CACHE_BYTES);
        }
        entries.iter().for_each(|e| cache.push(e.clone()));
        drop(cache);
        self.0.appender.append(Append { entries, callback })
    }

    async fn truncate(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.0.cache.lock().truncate(log_id.index);
        self.0.disk.truncate(log_id.index).map_err(write_error)
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        (self.0.before_purge)(log_id.index).map_err(write_error)?;
        self.0.cache.lock().purge(log_id.index);
        self.0.disk.purge(log_id).map_err(write_error)
    }
}

/// What appends.
pub(super) struct Writer {
    disk: Arc<dyn LogDisk>,
    counters: Arc<Counters>,
}

impl Writer {
    /// Appends durably, and says so.
    pub(super) fn perform(&self, Append { entries, callback }: Append) {
        let result = self.disk.append(&entries).map_err(std::io::Error::other);
        if result.is_ok() {
            let commands = entries.iter().filter(|e| matches!(e.payload, EntryPayload::Normal(_))).count();
            self.counters.syncs.fetch_add(1, Ordering::Relaxed);
            self.counters.commands.send_modify(|n| *n += commands as u64);
        }
        callback.log_io_completed(result);
    }
}
