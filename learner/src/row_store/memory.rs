//! The row store's key spaces on a simulated disk.

use std::ops::Bound;
use std::sync::Arc;

use fjall::Slice;
use parking_lot::Mutex;

use super::backend::Space;
use crate::error::{Error, Result};
use crate::sim::{Change, SimDisk, SimPairs, pairs_in_range};

/// See the module. Clones share the spaces.
#[derive(Clone)]
pub(crate) struct MemoryBackend(SimDisk);

impl MemoryBackend {
    pub(super) fn new(disk: SimDisk) -> Self {
        Self(disk)
    }

    pub(super) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Slice>> {
        Ok(self.0.get(space as u8, key))
    }

    pub(super) fn range(&self, space: Space, start: &[u8], end: &[u8]) -> Vec<(Slice, Slice)> {
        self.0.range(space as u8, Bound::Included(start), Bound::Excluded(end))
    }

    pub(super) fn snapshot(&self) -> MemorySnapshot {
        MemorySnapshot(self.0.snapshot())
    }

    pub(super) fn batch(&self) -> MemoryBatch {
        MemoryBatch { into: Target::Disk(self.0.clone()), changes: Vec::new() }
    }

    pub(super) fn ingest<T, G>(
        &self,
        space: Space,
        fill: impl FnOnce(&mut dyn FnMut(Slice, Slice) -> Result<()>) -> Result<T>,
        exclusively: impl FnOnce() -> G,
    ) -> Result<T> {
        let mut run: Vec<Change> = Vec::new();
        let filled = fill(&mut |key, value| {
            run.push(((space as u8, key.to_vec()), Some(value)));
            Ok(())
        })?;
        let _nobody_writes = exclusively();
        self.0.write(run, true);
        Ok(filled)
    }

    pub(super) fn persist(&self) -> Result<()> {
        self.0.sync();
        Ok(())
    }

    pub(super) fn next_generation(&self) -> MemoryGeneration {
        MemoryGeneration { disk: self.0.clone(), changes: Arc::default() }
    }
}

/// Data that is not yet current.
pub(crate) struct MemoryGeneration {
    disk: SimDisk,
    changes: Arc<Mutex<Vec<Change>>>,
}

impl MemoryGeneration {
    pub(super) fn batch(&self) -> MemoryBatch {
        MemoryBatch { into: Target::Next(self.changes.clone()), changes: Vec::new() }
    }

    pub(super) fn switch(self, last: MemoryBatch) -> Result<()> {
        let is_data = |space: u8| Space::data(space).is_some();
        let old = self.disk.snapshot();
        let mut changes: Vec<Change> =
            old.keys().filter(|(space, _)| is_data(*space)).map(|key| (key.clone(), None)).collect();
        changes.append(&mut self.changes.lock());
        changes.extend(last.changes);
        self.disk.write(changes, true);
        Ok(())
    }
}

/// A fixed view of all spaces.
#[derive(Clone)]
pub(crate) struct MemorySnapshot(Arc<SimPairs>);

impl MemorySnapshot {
    pub(super) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Slice>> {
        Ok(self.0.get(&(space as u8, key.to_vec())).cloned())
    }

    pub(super) fn iter(&self, space: Space) -> Vec<(Slice, Slice)> {
        pairs_in_range(&self.0, space as u8, Bound::Unbounded, Bound::Unbounded)
    }
}

enum Target {
    Disk(SimDisk),
    Next(Arc<Mutex<Vec<Change>>>),
}

/// Changes that take effect together.
pub(crate) struct MemoryBatch {
    into: Target,
    changes: Vec<Change>,
}

impl MemoryBatch {
    pub(super) fn put(&mut self, space: Space, key: impl Into<Slice>, value: impl Into<Slice>) {
        self.changes.push(((space as u8, key.into().to_vec()), Some(value.into())));
    }

    pub(super) fn remove(&mut self, space: Space, key: impl Into<Slice>) {
        self.changes.push(((space as u8, key.into().to_vec()), None));
    }

    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn commit(self) -> Result<()> {
        match self.into {
            Target::Disk(disk) => disk.write(self.changes, false),
            Target::Next(changes) => changes.lock().extend(self.changes),
        }
        Ok(())
    }
}

/// Pairs of either backend.
pub(crate) enum Pairs {
    Disk(fjall::Iter),
    Memory(std::vec::IntoIter<(Slice, Slice)>),
}

impl From<fjall::Iter> for Pairs {
    fn from(pairs: fjall::Iter) -> Self {
        Self::Disk(pairs)
    }
}

impl From<Vec<(Slice, Slice)>> for Pairs {
    fn from(pairs: Vec<(Slice, Slice)>) -> Self {
        Self::Memory(pairs.into_iter())
    }
}

/// One of [`Pairs`], with the methods of the library's.
pub(crate) struct Pair(Result<(Slice, Slice)>);

impl Pair {
    pub(crate) fn into_inner(self) -> Result<(Slice, Slice)> {
        self.0
    }

    pub(crate) fn key(self) -> Result<Slice> {
        self.0.map(|(key, _)| key)
    }
}

fn read(pair: fjall::Guard) -> Pair {
    Pair(pair.into_inner().map_err(Error::io("read the row store")))
}

impl Iterator for Pairs {
    type Item = Pair;

    fn next(&mut self) -> Option<Pair> {
        match self {
            Self::Disk(pairs) => pairs.next().map(read),
            Self::Memory(pairs) => pairs.next().map(|pair| Pair(Ok(pair))),
        }
    }
}

impl DoubleEndedIterator for Pairs {
    fn next_back(&mut self) -> Option<Pair> {
        match self {
            Self::Disk(pairs) => pairs.next_back().map(read),
            Self::Memory(pairs) => pairs.next_back().map(|pair| Pair(Ok(pair))),
        }
    }
}
