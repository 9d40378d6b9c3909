//! The row store's key spaces in a database of the key-value library: the only file of the row store
//! that deals with it.
//!
//! The data spaces exist in *generations*. A raft snapshot is written into the next one, which becomes
//! current in the same batch that sets the applied position; so a crash leaves either the old content
//! or the new.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Slice};

use super::backend::Space;
use crate::error::{Error, Result};

const GENERATION: &[u8] = b"generation";

/// The data spaces of one generation, and the meta space.
#[derive(Clone)]
struct Spaces {
    generation: u64,
    spaces: [Keyspace; 4],
}

impl Spaces {
    fn open(db: &Database, meta: &Keyspace, generation: u64) -> Result<Self> {
        let open = |space: Space| {
            db.keyspace(&format!("{}.{generation}", space.name()), KeyspaceCreateOptions::default)
                .map_err(Error::io("open the row store"))
        };
        let spaces = [open(Space::Rows)?, open(Space::History)?, open(Space::Garbage)?, meta.clone()];
        Ok(Self { generation, spaces })
    }

    fn get(&self, space: Space) -> &Keyspace {
        &self.spaces[space as usize]
    }
}

/// An open database.
#[derive(Clone)]
pub(super) struct DiskBackend {
    db: Database,
    meta: Keyspace,
    current: Arc<ArcSwap<Spaces>>,
}

impl DiskBackend {
    /// Opens or creates the database in `path`. Blocks on disk.
    pub(super) fn open(path: &Path, cache_bytes: u64) -> Result<Self> {
        let db = Database::builder(path)
            .cache_size(cache_bytes)
            .worker_threads(2)
            .open()
            .map_err(|e| open_error(path, e))?;
        let meta =
            db.keyspace(Space::Meta.name(), KeyspaceCreateOptions::default).map_err(Error::io("open the row store"))?;
        let generation = match meta.get(GENERATION).map_err(Error::io("read the row store"))? {
            Some(bytes) => u64::from_be_bytes(bytes.as_ref().try_into().map_err(|_| Error::Corrupt {
                what: "generation of the row store",
                reason: format!("{} bytes, expected 8", bytes.len()),
            })?),
            None => 0,
        };
        let spaces = Spaces::open(&db, &meta, generation)?;
        Ok(Self { db, meta, current: Arc::new(ArcSwap::from_pointee(spaces)) })
    }

    /// The newest value of `key`.
    pub(super) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Slice>> {
        self.current.load().get(space).get(key).map_err(Error::io("read the row store"))
    }

    /// Pairs with keys in `start..end`, as of now.
    pub(super) fn range(&self, space: Space, start: &[u8], end: &[u8]) -> fjall::Iter {
        self.current.load().get(space).range(start..end)
    }

    /// A view that later batches do not change.
    pub(super) fn snapshot(&self) -> DiskSnapshot {
        DiskSnapshot { snapshot: self.db.snapshot(), spaces: self.current.load_full() }
    }

    /// An empty batch.
    pub(super) fn batch(&self) -> DiskBatch {
        DiskBatch { inner: self.db.batch(), spaces: self.current.load_full() }
    }

    /// Begins a new memory table for a space; the former one is written to disk in the background.
    pub(super) fn rotate(&self, space: Space) -> Result<()> {
        self.current.load().get(space).rotate_memtable().map(drop).map_err(Error::io("write to the row store"))
    }

    /// Writes pairs of ascending keys as files of their own. They are there, durably, when this returns, after
    /// every earlier batch; if `fill` fails, none of them is. `exclusively` keeps others from writing.
    pub(super) fn ingest<T, G>(
        &self,
        space: Space,
        fill: impl FnOnce(&mut dyn FnMut(Slice, Slice) -> Result<()>) -> Result<T>,
        exclusively: impl FnOnce() -> G,
    ) -> Result<T> {
        let failed = || Error::io("write a run to the row store");
        let spaces = self.current.load_full();
        let keyspace = spaces.get(space);
        let mut run = keyspace.start_ingestion().map_err(failed())?;
        let filled = fill(&mut |key, value| run.write(key, value).map_err(failed()))?;
        // What would be flushed under the lock is flushed before it.
        keyspace.rotate_memtable_and_wait().map_err(failed())?;
        let _nobody_writes = exclusively();
        // A run takes the key space's memory table with it to the disk. What other spaces have of the same
        // batches must be there, too, or a crash would leave parts of them.
        self.persist()?;
        run.finish().map_err(failed())?;
        Ok(filled)
    }

    /// Makes all earlier batches durable. Blocks on disk.
    pub(super) fn persist(&self) -> Result<()> {
        self.db.persist(PersistMode::SyncData).map_err(Error::io("sync the row store"))
    }

    /// Bytes on disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.db.disk_space().unwrap_or(0)
    }

    /// An empty next generation to fill.
    pub(super) fn next_generation(&self) -> Result<DiskGeneration> {
        let generation = self.current.load().generation + 1;
        // Left over from an attempt that a crash ended.
        self.delete(&Spaces::open(&self.db, &self.meta, generation)?)?;
        let spaces = Arc::new(Spaces::open(&self.db, &self.meta, generation)?);
        Ok(DiskGeneration { backend: self.clone(), spaces })
    }

    fn delete(&self, spaces: &Spaces) -> Result<()> {
        for space in Space::DATA {
            self.db.delete_keyspace(spaces.get(space).clone()).map_err(Error::io("delete from the row store"))?;
        }
        Ok(())
    }
}

/// Data spaces that are not yet current.
pub(super) struct DiskGeneration {
    backend: DiskBackend,
    spaces: Arc<Spaces>,
}

impl DiskGeneration {
    /// A batch into them.
    pub(super) fn batch(&self) -> DiskBatch {
        DiskBatch { inner: self.backend.db.batch(), spaces: self.spaces.clone() }
    }

    /// Makes them current together with `last`, durably, and deletes the former ones.
    pub(super) fn switch(self, mut last: DiskBatch) -> Result<()> {
        last.put(Space::Meta, GENERATION, self.spaces.generation.to_be_bytes());
        last.commit()?;
        self.backend.persist()?;
        let former = self.backend.current.swap(self.spaces);
        self.backend.delete(&former)
    }
}

/// A fixed view of all key spaces.
#[derive(Clone)]
pub(super) struct DiskSnapshot {
    snapshot: fjall::Snapshot,
    spaces: Arc<Spaces>,
}

impl DiskSnapshot {
    /// The value of `key` in this view.
    pub(super) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Slice>> {
        self.snapshot.get(self.spaces.get(space), key).map_err(Error::io("read the row store"))
    }

    /// All pairs of a space in this view, in key order.
    pub(super) fn iter(&self, space: Space) -> fjall::Iter {
        self.snapshot.iter(self.spaces.get(space))
    }
}

/// Changes that take effect together.
pub(super) struct DiskBatch {
    inner: fjall::OwnedWriteBatch,
    spaces: Arc<Spaces>,
}

impl DiskBatch {
    /// Sets `key`.
    pub(super) fn put(&mut self, space: Space, key: impl Into<Slice>, value: impl Into<Slice>) {
        self.inner.insert(self.spaces.get(space), key, value);
    }

    /// Removes `key`.
    pub(super) fn remove(&mut self, space: Space, key: impl Into<Slice>) {
        self.inner.remove(self.spaces.get(space), key);
    }

    /// Number of changes.
    pub(super) fn len(&self) -> usize {
        self.inner.len()
    }

    /// Takes effect: atomically, and after every earlier batch, but durable only at the next
    /// [`DiskBackend::persist`].
    pub(super) fn commit(self) -> Result<()> {
        self.inner.commit().map_err(Error::io("write to the row store"))
    }
}

/// Tells a locked directory from a broken one.
fn open_error(path: &Path, e: fjall::Error) -> Error {
    match e {
        fjall::Error::Locked => Error::Locked(path.to_owned()),
        fjall::Error::Io(e) => Error::Io { action: "open the database", reason: format!("{}: {e}", path.display()) },
        other => Error::Corrupt { what: "database", reason: format!("{}: {other}", path.display()) },
    }
}
