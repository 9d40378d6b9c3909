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
use std::sync::mpsc;

use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{EntryPayload, LogState, OptionalSend, RaftLogId, RaftLogReader, Vote};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::cache::{EntryCache, entry_bytes};
use super::codec::{decode, encode, encode_into, read_error, write_error};
use super::memory::{READ_BYTES, limited};
use crate::error::{Error, Result};
use crate::raft::{Entry, LogId, NodeId, StorageError, TypeConfig};
use crate::row_store::open_error;

/// Bytes of entries that the cache keeps.
const CACHE_BYTES: usize = 64 << 20;

const VOTE: &str = "vote";
const COMMITTED: &str = "committed";
const PURGED: &str = "purged";

/// Clones share the log.
#[derive(Clone)]
pub(crate) struct DurableLog(Arc<Inner>);

struct Inner {
    db: Database,
    log: Keyspace,
    state: Keyspace,
    cache: Mutex<EntryCache>,
    /// `None` only while this is being dropped.
    writer: Option<mpsc::Sender<Append>>,
    thread: Option<std::thread::JoinHandle<()>>,
    counters: Arc<Counters>,
    /// Makes durable what purged entries would otherwise be needed for.
    before_purge: Box<dyn Fn() -> Result<()> + Send + Sync>,
}

impl Drop for Inner {
    /// Waits for the writer, so that the directory is free afterwards.
    fn drop(&mut self) {
        drop(self.writer.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the writer has already shown as failed appends.
            let _ = thread.join();
        }
    }
}

struct Counters {
    syncs: AtomicU64,
    /// Entries that carry a command and are durable.
    commands: watch::Sender<u64>,
    /// Bytes of entries by index, to purge by size.
    sizes: Mutex<std::collections::VecDeque<(u64, u64)>>,
}

struct Append {
    entries: Vec<Entry>,
    callback: LogFlushed<TypeConfig>,
}

impl DurableLog {
    /// Opens or creates the log in `path`. Blocks on disk. Errors: `Locked`, `Io`, `Corrupt`.
    pub(crate) fn open(path: &Path, before_purge: impl Fn() -> Result<()> + Send + Sync + 'static) -> Result<Self> {
        let db = Database::builder(path)
            .worker_threads(1)
            .journal_compression(CompressionType::None)
            .cache_size(8 << 20)
            .open()
            .map_err(|e| open_error(path, e))?;
        let open = |name| db.keyspace(name, KeyspaceCreateOptions::default).map_err(Error::io("open the log"));
        let (log, state) = (open("log")?, open("state")?);
        let counters =
            Arc::new(Counters { syncs: AtomicU64::new(0), commands: watch::Sender::new(0), sizes: Mutex::default() });
        let (writer, appends) = mpsc::channel();
        let worker = Writer { db: db.clone(), log: log.clone(), counters: counters.clone() };
        let thread = std::thread::Builder::new()
            .name("log-writer".into())
            .spawn(move || worker.run(&appends))
            .map_err(Error::io("start the log writer"))?;
        let this = Self(Arc::new(Inner {
            db,
            log,
            state,
            cache: Mutex::default(),
            writer: Some(writer),
            thread: Some(thread),
            counters,
            before_purge: Box::new(before_purge),
        }));
        this.load_sizes()?;
        Ok(this)
    }

    fn load_sizes(&self) -> Result<()> {
        let mut sizes = self.0.counters.sizes.lock();
        for pair in self.0.log.iter() {
            let (key, value) = pair.into_inner().map_err(Error::io("read the log"))?;
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
        for pair in self.0.log.range((key_bound(bounds.0), key_bound(bounds.1))) {
            let value = pair.value().map_err(read_error)?;
            bytes += value.len();
            if bytes > limit && !entries.is_empty() {
                break;
            }
            entries.push(decode(&value)?);
        }
        Ok(entries)
    }

    fn state<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StorageError> {
        self.0.state.get(name).map_err(read_error)?.map(|v| decode(&v)).transpose()
    }

    fn last_log_id(&self) -> Result<Option<LogId>, StorageError> {
        if let Some(entry) = self.0.cache.lock().last() {
            return Ok(Some(*entry.get_log_id()));
        }
        let Some(pair) = self.0.log.last_key_value() else { return Ok(None) };
        let entry: Entry = decode(&pair.value().map_err(read_error)?)?;
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
        let mut batch = self.0.db.batch().durability(Some(PersistMode::SyncData));
        batch.insert(&self.0.state, VOTE, encode(vote)?);
        batch.commit().map_err(write_error)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<NodeId>>, StorageError> {
        self.state(VOTE)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError> {
        self.0.state.insert(COMMITTED, encode(&committed)?).map_err(write_error)
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
        let sent = self.0.writer.as_ref().map(|w| w.send(Append { entries, callback }).is_ok());
        if sent == Some(true) {
            return Ok(());
        }
        Err(write_error(std::io::Error::other("the log writer has stopped")))
    }

    async fn truncate(&mut self, log_id: LogId) -> Result<(), StorageError> {
        self.0.cache.lock().truncate(log_id.index);
        let mut batch = self.0.db.batch().durability(Some(PersistMode::SyncData));
        for pair in self.0.log.range(log_id.index.to_be_bytes()..) {
            batch.remove(&self.0.log, pair.key().map_err(read_error)?);
        }
        batch.commit().map_err(write_error)?;
        self.0.counters.sizes.lock().retain(|&(index, _)| index < log_id.index);
        Ok(())
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        (self.0.before_purge)().map_err(write_error)?;
        self.0.cache.lock().purge(log_id.index);
        let mut batch = self.0.db.batch();
        batch.insert(&self.0.state, PURGED, encode(&log_id)?);
        for pair in self.0.log.range(..=log_id.index.to_be_bytes()) {
            batch.remove(&self.0.log, pair.key().map_err(read_error)?);
        }
        batch.commit().map_err(write_error)?;
        self.0.counters.sizes.lock().retain(|&(index, _)| index > log_id.index);
        Ok(())
    }
}

/// The thread that appends.
struct Writer {
    db: Database,
    log: Keyspace,
    counters: Arc<Counters>,
}

impl Writer {
    fn run(&self, appends: &mpsc::Receiver<Append>) {
        while let Ok(Append { entries, callback }) = appends.recv() {
            let result = self.write(&entries).map_err(std::io::Error::other);
            if result.is_ok() {
                let commands = entries.iter().filter(|e| matches!(e.payload, EntryPayload::Normal(_))).count();
                self.counters.syncs.fetch_add(1, Ordering::Relaxed);
                self.counters.commands.send_modify(|n| *n += commands as u64);
            }
            callback.log_io_completed(result);
        }
    }

    fn write(&self, entries: &[Entry]) -> Result<(), StorageError> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        let mut sizes = Vec::with_capacity(entries.len());
        for entry in entries {
            let index = entry.get_log_id().index;
            sizes.push((index, entry_bytes(entry) as u64));
            // Entries of bulk loads are megabytes: their buffer should not have to grow to that.
            let buffer = Vec::with_capacity(entry_bytes(entry));
            batch.insert(&self.log, index.to_be_bytes(), encode_into(entry, buffer)?);
        }
        batch.commit().map_err(write_error)?;
        self.counters.sizes.lock().extend(sizes);
        Ok(())
    }
}

fn key_bound(bound: Bound<u64>) -> Bound<[u8; 8]> {
    bound.map(u64::to_be_bytes)
}

fn index_of(key: &[u8]) -> Result<u64> {
    let bytes = key
        .try_into()
        .map_err(|_| Error::Corrupt { what: "log", reason: format!("key of {} bytes, expected 8", key.len()) })?;
    Ok(u64::from_be_bytes(bytes))
}
