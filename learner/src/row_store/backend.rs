//! The only file of the row store that names the key-value library.
//!
//! What the row store asks of a library is little: ordered key spaces, atomic batches over several of
//! them, snapshots, and one durable sync. Everything else about versions is built above it.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Slice};

use crate::error::{Error, Result};

/// The key spaces of the row store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Space {
    /// key → newest version.
    Rows = 0,
    /// key ++ !timestamp → overwritten version.
    History = 1,
    /// timestamp ++ what may go once the safe point has reached it.
    Garbage = 2,
    /// name → the replica's own state: applied position, membership.
    Meta = 3,
}

impl Space {
    /// All of them, by number.
    pub(crate) const ALL: [Self; 4] = [Self::Rows, Self::History, Self::Garbage, Self::Meta];

    fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::History => "history",
            Self::Garbage => "garbage",
            Self::Meta => "meta",
        }
    }
}

/// An open database.
#[derive(Clone)]
pub(crate) struct Backend {
    db: Database,
    spaces: [Keyspace; 4],
}

impl Backend {
    /// Opens or creates the database in `path`. Blocks on disk.
    pub(crate) fn open(path: &Path, cache_bytes: u64) -> Result<Self> {
        let db = Database::builder(path)
            .cache_size(cache_bytes)
            .worker_threads(2)
            .open()
            .map_err(|e| open_error(path, e))?;
        let open = |space: Space| {
            db.keyspace(space.name(), KeyspaceCreateOptions::default).map_err(Error::io("open the row store"))
        };
        let spaces =
            [open(Space::Rows)?, open(Space::History)?, open(Space::Garbage)?, open(Space::Meta)?];
        Ok(Self { db, spaces })
    }

    /// The newest value of `key`.
    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Slice>> {
        self.space(space).get(key).map_err(Error::io("read the row store"))
    }

    /// Pairs with keys in `start..end`, as of now.
    pub(crate) fn range(&self, space: Space, start: &[u8], end: &[u8]) -> fjall::Iter {
        self.space(space).range(start..end)
    }

    /// A view that later batches do not change.
    pub(crate) fn snapshot(&self) -> SpaceSnapshot {
        SpaceSnapshot { snapshot: self.db.snapshot(), spaces: self.spaces.clone() }
    }

    /// An empty batch.
    pub(crate) fn batch(&self) -> Batch {
        Batch { inner: self.db.batch(), spaces: self.spaces.clone() }
    }

    /// Makes all earlier batches durable. Blocks on disk.
    pub(crate) fn persist(&self) -> Result<()> {
        self.db.persist(PersistMode::SyncData).map_err(Error::io("sync the row store"))
    }

    /// Bytes on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.db.disk_space().unwrap_or(0)
    }

    fn space(&self, space: Space) -> &Keyspace {
        &self.spaces[space as usize]
    }
}

/// A fixed view of all key spaces.
#[derive(Clone)]
pub(crate) struct SpaceSnapshot {
    snapshot: fjall::Snapshot,
    spaces: [Keyspace; 4],
}

impl SpaceSnapshot {
    /// The value of `key` in this view.
    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Slice>> {
        self.snapshot.get(&self.spaces[space as usize], key).map_err(Error::io("read the row store"))
    }

    /// All pairs of a space in this view, in key order.
    pub(crate) fn iter(&self, space: Space) -> fjall::Iter {
        self.snapshot.iter(&self.spaces[space as usize])
    }
}

/// Changes that take effect together.
pub(crate) struct Batch {
    inner: fjall::OwnedWriteBatch,
    spaces: [Keyspace; 4],
}

impl Batch {
    /// Sets `key`.
    pub(crate) fn put(&mut self, space: Space, key: impl Into<Slice>, value: impl Into<Slice>) {
        self.inner.insert(&self.spaces[space as usize], key, value);
    }

    /// Removes `key`.
    pub(crate) fn remove(&mut self, space: Space, key: impl Into<Slice>) {
        self.inner.remove(&self.spaces[space as usize], key);
    }

    /// Number of changes.
    pub(crate) fn len(&self) -> usize {
        self.inner.len()
    }

    /// Takes effect: atomically, and after every earlier batch, but durable only at the next
    /// [`Backend::persist`].
    pub(crate) fn commit(self) -> Result<()> {
        self.inner.commit().map_err(Error::io("write to the row store"))
    }
}

/// Tells a locked directory from a broken one.
pub(crate) fn open_error(path: &Path, e: fjall::Error) -> Error {
    match e {
        fjall::Error::Locked => Error::Locked(path.to_owned()),
        fjall::Error::Io(e) => Error::Io { action: "open the database", reason: format!("{}: {e}", path.display()) },
        other => Error::Corrupt { what: "database", reason: format!("{}: {other}", path.display()) },
    }
}
