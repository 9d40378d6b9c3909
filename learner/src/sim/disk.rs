//! A database on a disk that can lose what was not synced.
//!
//! It stands under the row store and under a voter's log in place of the key-value library, and makes
//! the same promises: batches are atomic, they become durable in order, and a sync makes all earlier
//! ones durable. A crash keeps what was synced and, of what was not, as many batches as it is told to.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use fjall::Slice;
use parking_lot::Mutex;

/// Pairs by key space and key.
pub(crate) type Pairs = BTreeMap<(u8, Vec<u8>), Slice>;

/// A pair's new value, or none.
pub(crate) type Change = ((u8, Vec<u8>), Option<Slice>);

/// Clones share the disk, also over crashes.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimDisk(Arc<Mutex<Disk>>);

#[derive(Debug, Default)]
struct Disk {
    /// What the process sees. Shared with snapshots.
    seen: Arc<Pairs>,
    durable: Pairs,
    /// Batches since the last sync.
    unsynced: Vec<Vec<Change>>,
}

impl SimDisk {
    /// The value of `key`.
    pub(crate) fn get(&self, space: u8, key: &[u8]) -> Option<Slice> {
        self.0.lock().seen.get(&(space, key.to_vec())).cloned()
    }

    /// The pairs of a space between two bounds, in key order.
    pub(crate) fn range(&self, space: u8, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Vec<(Slice, Slice)> {
        range(&self.0.lock().seen, space, from, to)
    }

    /// Everything, as of now.
    pub(crate) fn snapshot(&self) -> Arc<Pairs> {
        self.0.lock().seen.clone()
    }

    /// Makes changes, all of them or none.
    pub(crate) fn write(&self, changes: Vec<Change>, sync: bool) {
        let mut disk = self.0.lock();
        apply(Arc::make_mut(&mut disk.seen), &changes);
        disk.unsynced.push(changes);
        drop(disk);
        if sync {
            self.sync();
        }
    }

    /// Makes everything written so far durable.
    pub(crate) fn sync(&self) {
        let disk = &mut *self.0.lock();
        for batch in disk.unsynced.drain(..) {
            apply(&mut disk.durable, &batch);
        }
    }

    /// Batches that a crash could lose.
    pub(crate) fn unsynced(&self) -> usize {
        self.0.lock().unsynced.len()
    }

    /// The process is gone, and with it all but the first `kept` batches since the last sync.
    pub(crate) fn crash(&self, kept: usize) {
        let disk = &mut *self.0.lock();
        disk.unsynced.truncate(kept);
        for batch in disk.unsynced.drain(..) {
            apply(&mut disk.durable, &batch);
        }
        disk.seen = Arc::new(disk.durable.clone());
    }

    /// The value that `key` surely has after a crash.
    pub(crate) fn durable(&self, space: u8, key: &[u8]) -> Option<Slice> {
        self.0.lock().durable.get(&(space, key.to_vec())).cloned()
    }
}

/// The pairs of a space between two bounds, in key order; none if the bounds are inverted.
pub(crate) fn range(pairs: &Pairs, space: u8, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Vec<(Slice, Slice)> {
    let after = |key: &[u8]| match from {
        Bound::Included(start) => key >= start,
        Bound::Excluded(start) => key > start,
        Bound::Unbounded => true,
    };
    let before = |key: &[u8]| match to {
        Bound::Included(end) => key <= end,
        Bound::Excluded(end) => key < end,
        Bound::Unbounded => true,
    };
    let first = match from {
        Bound::Included(start) | Bound::Excluded(start) => start.to_vec(),
        Bound::Unbounded => Vec::new(),
    };
    let of_space = pairs.range((space, first)..).take_while(|((s, key), _)| *s == space && before(key));
    of_space.filter(|((_, key), _)| after(key)).map(|((_, key), v)| (Slice::from(key.as_slice()), v.clone())).collect()
}

fn apply(pairs: &mut Pairs, changes: &[Change]) {
    for (key, value) in changes {
        match value {
            Some(value) => pairs.insert(key.clone(), value.clone()),
            None => pairs.remove(key),
        };
    }
}
