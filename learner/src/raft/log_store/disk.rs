//! The database that a voter's log is kept in: the only file of the log that names the library.
//!
//! A simulation has the same two key spaces on a disk of its own.

use std::ops::Bound;
use std::path::Path;

use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode, Slice};

use super::codec::{read_error, write_error};
use crate::error::{Error, Result};
use crate::raft::StorageError;
use crate::row_store::open_error;
#[cfg(test)]
use crate::sim::SimDisk;

/// Clones share the database.
#[derive(Clone)]
pub(super) enum LogDisk {
    /// On disk.
    Database {
        /// Both key spaces.
        db: Database,
        /// Entries by index (8 bytes, big-endian).
        log: Keyspace,
        /// Raft's own state by name.
        state: Keyspace,
    },
    /// In a simulation.
    #[cfg(test)]
    Simulated(SimDisk),
}

/// A change of the database.
pub(super) enum LogChange {
    /// Sets an entry.
    Entry(u64, Vec<u8>),
    /// Removes an entry.
    Remove(u64),
    /// Sets a part of Raft's state.
    State(&'static str, Vec<u8>),
}

/// The key spaces of a simulated disk.
#[cfg(test)]
pub(crate) const LOG: u8 = 0;
#[cfg(test)]
pub(crate) const STATE: u8 = 1;

impl LogDisk {
    /// Opens or creates the database in `path`. Blocks on disk. Errors: `Locked`, `Io`, `Corrupt`.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let db = Database::builder(path)
            .worker_threads(1)
            .journal_compression(CompressionType::None)
            .cache_size(8 << 20)
            .open()
            .map_err(|e| open_error(path, e))?;
        let open = |name| db.keyspace(name, KeyspaceCreateOptions::default).map_err(Error::io("open the log"));
        let (log, state) = (open("log")?, open("state")?);
        Ok(Self::Database { db, log, state })
    }

    /// Encoded entries in a range of indexes, which must not be inverted, in order.
    pub(super) fn entries(
        &self,
        range: (Bound<u64>, Bound<u64>),
    ) -> Box<dyn Iterator<Item = Result<(Slice, Slice), StorageError>> + '_> {
        let (from, to) = (range.0.map(u64::to_be_bytes), range.1.map(u64::to_be_bytes));
        match self {
            Self::Database { log, .. } => {
                Box::new(log.range((from, to)).map(|pair| pair.into_inner().map_err(read_error)))
            }
            #[cfg(test)]
            Self::Simulated(disk) => {
                let pairs = disk.range(LOG, from.as_ref().map(|k| &k[..]), to.as_ref().map(|k| &k[..]));
                Box::new(pairs.into_iter().map(Ok))
            }
        }
    }

    /// The last encoded entry.
    pub(super) fn last(&self) -> Result<Option<Slice>, StorageError> {
        match self {
            Self::Database { log, .. } => log.last_key_value().map(|pair| pair.value().map_err(read_error)).transpose(),
            #[cfg(test)]
            Self::Simulated(disk) => {
                Ok(disk.range(LOG, Bound::Unbounded, Bound::Unbounded).pop().map(|(_, value)| value))
            }
        }
    }

    /// A part of Raft's state.
    pub(super) fn state(&self, name: &str) -> Result<Option<Slice>, StorageError> {
        match self {
            Self::Database { state, .. } => state.get(name).map_err(read_error),
            #[cfg(test)]
            Self::Simulated(disk) => Ok(disk.get(STATE, name.as_bytes())),
        }
    }

    /// Makes changes, all of them or none, and durably if `sync`. Blocks on disk.
    pub(super) fn write(&self, changes: impl IntoIterator<Item = LogChange>, sync: bool) -> Result<(), StorageError> {
        match self {
            Self::Database { db, log, state } => {
                let mut batch = db.batch().durability(sync.then_some(PersistMode::SyncData));
                for change in changes {
                    match change {
                        LogChange::Entry(index, value) => batch.insert(log, index.to_be_bytes(), value),
                        LogChange::Remove(index) => batch.remove(log, index.to_be_bytes()),
                        LogChange::State(name, value) => batch.insert(state, name, value),
                    }
                }
                batch.commit().map_err(write_error)
            }
            #[cfg(test)]
            Self::Simulated(disk) => {
                let key = |index: u64| (LOG, index.to_be_bytes().to_vec());
                let changes = changes.into_iter().map(|change| match change {
                    LogChange::Entry(index, value) => (key(index), Some(value.into())),
                    LogChange::Remove(index) => (key(index), None),
                    LogChange::State(name, value) => ((STATE, name.as_bytes().to_vec()), Some(value.into())),
                });
                disk.write(changes.collect(), sync);
                Ok(())
            }
        }
    }
}
