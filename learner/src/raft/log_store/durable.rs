//! A voter's log, vote and commit position, in a database of their own.
//!
//! It is apart from the row store so that a sync of the log never waits for, or holds up, the writing
//! of rows. Appends go to one writer thread: it writes and syncs while Raft's task stays free to
//! receive messages, and then says so.
//!
//! | key space | key | value |
//! |---|---|---|
//! | `log` | index (8, big-endian) | entry |
//! | `state` | `vote`, `committed`, `purged` | vote, log ids |
//!
//! An append and a vote are durable before they are answered. Purging is not synced: after a crash
//! some purged entries may be back, which harms nobody. Before entries are purged the row store is
//! made durable, because until then they are what it is recovered from.

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
use super::cache::{EntryCache, entry_bytes};
use super::codec::{decode, encode, encode_into, write_error};
use super::disk::{LogChange, LogDisk};
use super::memory::{READ_BYTES, limited};
use crate::error::{Error, Result};
use crate::raft::{Entry, LogId, NodeId, StorageError, TypeConfig};

/// Bytes of entries that the cache keeps.
const CACHE_BYTES: usize = 64 << 20;

const VOTE: &str = "vote";
const COMMITTED: &str = "committed";
const PURGED: &str = "purged";

/// Clones share the log.
#[derive(Clone)]
pub(crate) struct DurableLog(Arc<Inner>);

struct Inner {
    disk: LogDisk,
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
    /// Bytes of entries by index, to purge by size.
    sizes: Mutex<std::collections::VecDeque<(u64, u64)>>,
}

impl DurableLog {
    /// Opens or creates the log in `path`. Blocks on disk. Errors: `Locked`, `Io`, `Corrupt`.
    pub(crate) fn open(path: &Path, before_purge: impl Fn(u64) -> Result<()> + Send + Sync + 'static) -> Result<Self> {
        Self::over(LogDisk::open(path)?, before_purge, Appender::thread)
    }

    /// The log on a simulated disk, where an append takes as long as `pause` says.
    #[cfg(test)]
    pub(crate) fn simulated(
        disk: crate::sim::SimDisk,
        before_purge: impl Fn(u64) -> Result<()> + Send + Sync + 'static,
        pause: impl Fn() -> std::time::Duration + Send + 'static,
    ) -> Result<Self> {
        Self::over(LogDisk::Simulated(disk), before_purge, |writer| Ok(Appender::task(writer, pause)))
    }

    fn over(
        disk: LogDisk,
        before_purge: impl Fn(u64) -> Result<()> + Send + Sync + 'static,
        appender: impl FnOnce(Arc<Writer>) -> Result<Appender>,
    ) -> Result<Self> {
        let counters =
            Arc::new(Counters { syncs: AtomicU64::new(0), commands: watch::Sender::new(0), sizes: Mutex::default() });
        let writer = Arc::new(Writer { disk: disk.clone(), counters: counters.clone() });
        let this = Self(Arc::new(Inner {
            disk,
            cache: Mutex::default(),
            appender: appender(writer)?,
            counters,
            before_purge: Box::new(before_purge),
        }));
        this.load_sizes()?;
        Ok(this)
    }

    fn load_sizes(&self) -> Result<()> {
        let mut sizes = self.0.counters.sizes.lock();
        for pair in self.0.disk.entries((Bound::Unbounded, Bound::Unbounded)) {
            let (key, value) = pair.map_err(Error::io("read the log"))?;
            sizes.push_back((index_of(&key)?, value.len() as u64));
        }
        Ok(())
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
        self.0.counters.sizes.lock().front().map(|&(index, _)| index)
    }

    /// Bytes of the entries after `index`.
    pub(crate) fn bytes_after(&self, index: u64) -> u64 {
        let sizes = self.0.counters.sizes.lock();
        sizes.iter().rev().take_while(|&&(i, _)| i > index).map(|&(_, bytes)| bytes).sum()
    }

    /// The largest index that can be purged such that at least `keep` bytes of entries stay.
    pub(crate) fn purge_candidate(&self, keep: u64) -> Option<u64> {
        let sizes = self.0.counters.sizes.lock();
        let mut kept = 0;
        for &(index, bytes) in sizes.iter().rev() {
            kept += bytes;
            if kept > keep {
                return index.checked_sub(1);
            }
        }
        None
    }

    fn indexes_upto(&self, index: u64) -> Vec<u64> {
        let sizes = self.0.counters.sizes.lock();
        sizes.iter().map(|&(i, _)| i).take_while(|&i| i <= index).collect()
    }

    fn read(&self, range: impl RangeBounds<u64>, limit: usize) -> Result<Vec<Entry>, StorageError> {
        let start = match range.start_bound() {
            Bound::Included(&i) => i,
            Bound::Excluded(&i) => i + 1,
            Bound::Unbounded => 0,
        };
        let bounds = (Bound::Included(start), range.end_bound().cloned());
        // Neither the cache nor the database takes an inverted range.
        let empty = match bounds.1 {
            Bound::Included(end) => end < start,
            Bound::Excluded(end) => end <= start,
            Bound::Unbounded => false,
        };
        if empty {
            return Ok(Vec::new());
        }
        let cache = self.0.cache.lock();
        if cache.first().is_some_and(|first| first <= start) {
            return Ok(match limit {
                usize::MAX => cache.range(bounds).cloned().collect(),
                _ => limited(cache.range(bounds)),
            });
        }
        drop(cache);
        let mut entries = Vec::new();
        let mut bytes = 0;
        for pair in self.0.disk.entries(bounds) {
            let (_, value) = pair?;
            bytes += value.len();
            if bytes > limit && !entries.is_empty() {
                break;
            }
            entries.push(decode(&value)?);
        }
        Ok(entries)
    }

    fn state<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StorageError> {
        self.0.disk.state(name)?.map(|v| decode(&v)).transpose()
    }

    /// Changes that remove the entries in a range.
    fn removals(&self, range: (Bound<u64>, Bound<u64>)) -> Result<Vec<LogChange>, StorageError> {
        let keys = self.0.disk.entries(range).map(|pair| pair.map(|(key, _)| key));
        keys.map(|key| Ok(LogChange::Remove(index_of(&key?).map_err(write_error)?))).collect()
    }

    fn last_log_id(&self) -> Result<Option<LogId>, StorageError> {
        if let Some(entry) = self.0.cache.lock().last() {
            return Ok(Some(*entry.get_log_id()));
        }
        let Some(last) = self.0.disk.last()? else { return Ok(None) };
        let entry: Entry = decode(&last)?;
        Ok(Some(*entry.get_log_id()))
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
        let last_purged_log_id = self.state(PURGED)?;
        let last_log_id = self.last_log_id()?.or(last_purged_log_id);
        Ok(LogState { last_purged_log_id, last_log_id })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote<NodeId>) -> Result<(), StorageError> {
        self.0.disk.write([LogChange::State(VOTE, encode(vote)?)], true)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<NodeId>>, StorageError> {
        self.state(VOTE)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError> {
        self.0.disk.write([LogChange::State(COMMITTED, encode(&committed)?)], false)
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, StorageError> {
        Ok(self.state::<Option<LogId>>(COMMITTED)?.flatten())
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
        let removed = self.removals((Bound::Included(log_id.index), Bound::Unbounded))?;
        self.0.disk.write(removed, true)?;
        self.0.counters.sizes.lock().retain(|&(index, _)| index < log_id.index);
        Ok(())
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        (self.0.before_purge)(log_id.index).map_err(write_error)?;
        self.0.cache.lock().purge(log_id.index);
        let mut changes: Vec<_> = self.indexes_upto(log_id.index).into_iter().map(LogChange::Remove).collect();
        changes.push(LogChange::State(PURGED, encode(&log_id)?));
        self.0.disk.write(changes, false)?;
        self.0.counters.sizes.lock().retain(|&(index, _)| index > log_id.index);
        Ok(())
    }
}

/// What appends.
pub(super) struct Writer {
    disk: LogDisk,
    counters: Arc<Counters>,
}

impl Writer {
    /// Appends durably, and says so.
    pub(super) fn perform(&self, Append { entries, callback }: Append) {
        let result = self.write(&entries).map_err(std::io::Error::other);
        if result.is_ok() {
            let commands = entries.iter().filter(|e| matches!(e.payload, EntryPayload::Normal(_))).count();
            self.counters.syncs.fetch_add(1, Ordering::Relaxed);
            self.counters.commands.send_modify(|n| *n += commands as u64);
        }
        callback.log_io_completed(result);
    }

    fn write(&self, entries: &[Entry]) -> Result<(), StorageError> {
        let mut changes = Vec::with_capacity(entries.len());
        let mut sizes = Vec::with_capacity(entries.len());
        for entry in entries {
            let index = entry.get_log_id().index;
            sizes.push((index, entry_bytes(entry) as u64));
            // Entries of bulk loads are megabytes: their buffer should not have to grow to that.
            let buffer = Vec::with_capacity(entry_bytes(entry));
            changes.push(LogChange::Entry(index, encode_into(entry, buffer)?));
        }
        self.disk.write(changes, true)?;
        self.counters.sizes.lock().extend(sizes);
        Ok(())
    }
}

fn index_of(key: &[u8]) -> Result<u64> {
    let bytes = key
        .try_into()
        .map_err(|_| Error::Corrupt { what: "log", reason: format!("key of {} bytes, expected 8", key.len()) })?;
    Ok(u64::from_be_bytes(bytes))
}
