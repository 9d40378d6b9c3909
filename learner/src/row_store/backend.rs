//! What the row store asks of a key-value library.
//!
//! It is little: ordered key spaces, atomic batches over several of them, snapshots, and one durable
//! sync. Everything else about versions is built above it. The product keeps the spaces in a database
//! ([`super::disk`]), a simulation in memory ([`super::memory`]), where a crash can be had at will.

use std::path::Path;

use fjall::Slice;

use super::disk::{DiskBackend, DiskBatch, DiskGeneration, DiskSnapshot};
#[cfg(test)]
use super::memory::{MemoryBackend, MemoryBatch, MemoryGeneration, MemorySnapshot};
use crate::error::Result;
#[cfg(test)]
use crate::sim::SimDisk;

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
    /// Those that belong to the data and not to the replica.
    pub(crate) const DATA: [Self; 3] = [Self::Rows, Self::History, Self::Garbage];

    /// By number.
    pub(crate) fn data(number: u8) -> Option<Self> {
        Self::DATA.get(usize::from(number)).copied()
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::History => "history",
            Self::Garbage => "garbage",
            Self::Meta => "meta",
        }
    }
}

/// Pairs in key order, from either end.
#[cfg(not(test))]
pub(crate) type Pairs = fjall::Iter;
#[cfg(test)]
pub(crate) use super::memory::Pairs;

/// Open key spaces. Clones share them.
#[derive(Clone)]
pub(crate) enum Backend {
    /// In a database.
    Disk(DiskBackend),
    /// On a simulated disk.
    #[cfg(test)]
    Memory(MemoryBackend),
}

/// Calls a method on whichever variant there is.
macro_rules! on_variant {
    ($kind:ident, $this:expr, $inner:ident => $call:expr) => {
        match $this {
            $kind::Disk($inner) => $call,
            #[cfg(test)]
            $kind::Memory($inner) => $call,
        }
    };
}

impl Backend {
    /// Opens or creates the database in `path`. Blocks on disk.
    pub(crate) fn open(path: &Path, cache_bytes: u64) -> Result<Self> {
        Ok(Self::Disk(DiskBackend::open(path, cache_bytes)?))
    }

    /// The spaces on a simulated disk.
    #[cfg(test)]
    pub(crate) fn simulated(disk: SimDisk) -> Self {
        Self::Memory(MemoryBackend::new(disk))
    }

    /// The newest value of `key`.
    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Slice>> {
        on_variant!(Self, self, b => b.get(space, key))
    }

    /// Pairs with keys in `start..end`, as of now.
    #[cfg_attr(not(test), expect(clippy::useless_conversion, reason = "a simulation has pairs of its own"))]
    pub(crate) fn range(&self, space: Space, start: &[u8], end: &[u8]) -> Pairs {
        on_variant!(Self, self, b => b.range(space, start, end).into())
    }

    /// A view that later batches do not change.
    pub(crate) fn snapshot(&self) -> SpaceSnapshot {
        match self {
            Self::Disk(b) => SpaceSnapshot::Disk(b.snapshot()),
            #[cfg(test)]
            Self::Memory(b) => SpaceSnapshot::Memory(b.snapshot()),
        }
    }

    /// An empty batch.
    pub(crate) fn batch(&self) -> Batch {
        match self {
            Self::Disk(b) => Batch::Disk(b.batch()),
            #[cfg(test)]
            Self::Memory(b) => Batch::Memory(b.batch()),
        }
    }

    /// Begins a new memory table for a space; the former one is written to disk in the background.
    pub(crate) fn rotate(&self, space: Space) -> Result<()> {
        match self {
            Self::Disk(b) => b.rotate(space),
            #[cfg(test)]
            Self::Memory(_) => Ok(()),
        }
    }

    /// Writes pairs of ascending keys as files of their own. They are there, durably, when this returns, after
    /// every earlier batch; if `fill` fails, none of them is. `exclusively` keeps others from writing.
    pub(crate) fn ingest<T, G>(
        &self,
        space: Space,
        fill: impl FnOnce(&mut dyn FnMut(Slice, Slice) -> Result<()>) -> Result<T>,
        exclusively: impl FnOnce() -> G,
    ) -> Result<T> {
        on_variant!(Self, self, b => b.ingest(space, fill, exclusively))
    }

    /// Makes all earlier batches durable. Blocks on disk.
    pub(crate) fn persist(&self) -> Result<()> {
        on_variant!(Self, self, b => b.persist())
    }

    /// Bytes on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        match self {
            Self::Disk(b) => b.disk_bytes(),
            #[cfg(test)]
            Self::Memory(_) => 0,
        }
    }

    /// An empty next generation to fill.
    pub(crate) fn next_generation(&self) -> Result<NextGeneration> {
        Ok(match self {
            Self::Disk(b) => NextGeneration::Disk(b.next_generation()?),
            #[cfg(test)]
            Self::Memory(b) => NextGeneration::Memory(b.next_generation()),
        })
    }
}

/// Data spaces that are not yet current.
pub(crate) enum NextGeneration {
    /// In a database.
    Disk(DiskGeneration),
    /// On a simulated disk.
    #[cfg(test)]
    Memory(MemoryGeneration),
}

impl NextGeneration {
    /// A batch into them.
    pub(crate) fn batch(&self) -> Batch {
        match self {
            Self::Disk(g) => Batch::Disk(g.batch()),
            #[cfg(test)]
            Self::Memory(g) => Batch::Memory(g.batch()),
        }
    }

    /// Makes them current together with `last`, durably, and deletes the former ones.
    pub(crate) fn switch(self, last: Batch) -> Result<()> {
        match (self, last) {
            (Self::Disk(g), Batch::Disk(last)) => g.switch(last),
            #[cfg(test)]
            (Self::Memory(g), Batch::Memory(last)) => g.switch(last),
            #[cfg(test)]
            _ => unreachable!("a generation and its batches are of one kind"),
        }
    }
}

/// A fixed view of all key spaces.
#[derive(Clone)]
pub(crate) enum SpaceSnapshot {
    /// Of a database.
    Disk(DiskSnapshot),
    /// Of a simulated disk.
    #[cfg(test)]
    Memory(MemorySnapshot),
}

impl SpaceSnapshot {
    /// The value of `key` in this view.
    pub(crate) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Slice>> {
        on_variant!(Self, self, s => s.get(space, key))
    }

    /// All pairs of a space in this view, in key order.
    #[cfg_attr(not(test), expect(clippy::useless_conversion, reason = "a simulation has pairs of its own"))]
    pub(crate) fn iter(&self, space: Space) -> Pairs {
        on_variant!(Self, self, s => s.iter(space).into())
    }
}

/// Changes that take effect together.
pub(crate) enum Batch {
    /// In a database.
    Disk(DiskBatch),
    /// On a simulated disk.
    #[cfg(test)]
    Memory(MemoryBatch),
}

impl Batch {
    /// Sets `key`.
    pub(crate) fn put(&mut self, space: Space, key: impl Into<Slice>, value: impl Into<Slice>) {
        on_variant!(Self, self, b => b.put(space, key, value))
    }

    /// Removes `key`.
    pub(crate) fn remove(&mut self, space: Space, key: impl Into<Slice>) {
        on_variant!(Self, self, b => b.remove(space, key))
    }

    /// Number of changes.
    pub(crate) fn len(&self) -> usize {
        on_variant!(Self, self, b => b.len())
    }

    /// Takes effect: atomically, and after every earlier batch, but durable only at the next
    /// [`Backend::persist`].
    pub(crate) fn commit(self) -> Result<()> {
        on_variant!(Self, self, b => b.commit())
    }
}
