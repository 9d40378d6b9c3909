//! Rows that are written again and again.
//!
//! The key-value library keeps every value that a key has had in its memory table, and a scan steps over all
//! of them. So a row that changes all the time is written there only now and then. Meanwhile its newest
//! versions are here, and stand in front of what the key spaces say:
//!
//! ```text
//!          hot rows                      key spaces
//! k        @40, @30, @20                 rows: k → @20     history: k!30, k!20, k!10
//! ```
//!
//! Nothing is lost in a crash, since the log has what is only here: the applied position is written together
//! with these rows, when they are *settled*, and entries after it are applied again. That changes nothing
//! where it finds its work done.
//!
//! Settling puts another, empty object in the place of this one. Whoever reads takes hold of it before
//! looking into the key spaces: then what was settled meanwhile is found here, and what was settled before
//! is found there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use deltatree_storage::types::Timestamp;
use fjall::Slice;
use parking_lot::RwLock;
use xxhash_rust::xxh3::{Xxh3Builder, xxh3_64};

use super::record;
use crate::error::Result;

/// Bits of the filter.
const PLACES: u64 = 1 << 16;
/// Versions of a row that are kept, at most; the history has the others.
const VERSIONS: usize = 16;
/// Rows and bytes beyond which they are settled: nothing is applied meanwhile, some ten milliseconds.
const ROWS: usize = 8 << 10;
const BYTES: u64 = 16 << 20;

/// Newest versions of rows, from one settling to the next.
pub(super) struct HotRows {
    /// A bit for each hash that a key here may have: most keys of most scans are not here.
    filter: Box<[AtomicU64]>,
    any: AtomicBool,
    rows: RwLock<HashMap<Slice, HotRow, Xxh3Builder>>,
    bytes: AtomicU64,
}

struct HotRow {
    /// The newest last.
    versions: Vec<Slice>,
    /// Whether the rows' key space has the newest.
    written: bool,
}

/// What is known of a key at a timestamp.
#[derive(Debug)]
pub(super) enum Recent {
    /// The newest version at or below it.
    Version(Slice),
    /// If there is one it is in the history.
    Older,
    /// Nothing.
    Unknown,
}

impl Default for HotRows {
    fn default() -> Self {
        let filter = (0..PLACES / 64).map(|_| AtomicU64::new(0)).collect();
        Self { filter, any: AtomicBool::default(), rows: RwLock::default(), bytes: AtomicU64::default() }
    }
}

impl HotRows {
    /// The version of a key at `ts`. Errors: `Corrupt`.
    pub(super) fn at(&self, key: &[u8], ts: Timestamp) -> Result<Recent> {
        if !self.may_have(key) {
            return Ok(Recent::Unknown);
        }
        let rows = self.rows.read();
        let Some(row) = rows.get(key) else { return Ok(Recent::Unknown) };
        for version in row.versions.iter().rev() {
            if record::header(version)?.commit_ts <= ts {
                return Ok(Recent::Version(version.clone()));
            }
        }
        Ok(Recent::Older)
    }

    /// The newest version of a key.
    pub(super) fn newest(&self, key: &[u8]) -> Option<Slice> {
        if !self.may_have(key) {
            return None;
        }
        self.rows.read().get(key)?.versions.last().cloned()
    }

    /// Adds a version after `former`, which was the newest.
    pub(super) fn put(&self, key: Slice, former: Slice, version: Slice) {
        let (word, bit) = place(&key);
        let mut bytes = version.len();
        let mut rows = self.rows.write();
        let row = rows.entry(key.clone()).or_insert_with(|| {
            bytes += key.len() + former.len();
            HotRow { versions: vec![former], written: true }
        });
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if row.versions.len() == VERSIONS {
            let dropped: usize = row.versions.drain(..VERSIONS / 2).map(|version| version.len()).sum();
            self.bytes.fetch_sub(dropped as u64, Ordering::Relaxed);
        }
        row.versions.push(version);
        row.written = false;
        self.filter[word].fetch_or(bit, Ordering::Release);
        self.any.store(true, Ordering::Release);
    }

    /// Whether nothing is here.
    pub(super) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// Whether it is time to settle them.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) >= BYTES || self.rows.read().len() >= ROWS
    }

    /// The newest versions that the rows' key space has not, by key.
    pub(super) fn unwritten(&self) -> HashMap<Slice, Slice, Xxh3Builder> {
        let rows = self.rows.read();
        let unwritten = rows.iter().filter(|(_, row)| !row.written);
        unwritten.filter_map(|(key, row)| Some((key.clone(), row.versions.last()?.clone()))).collect()
    }

    /// The rows' key space has the newest versions of these keys now.
    pub(super) fn mark_written(&self, keys: &[Slice]) {
        let mut rows = self.rows.write();
        for key in keys {
            if let Some(row) = rows.get_mut(key) {
                row.written = true;
            }
        }
    }

    fn may_have(&self, key: &[u8]) -> bool {
        if self.is_empty() {
            return false;
        }
        let (word, bit) = place(key);
        self.filter[word].load(Ordering::Acquire) & bit != 0
    }
}

fn place(key: &[u8]) -> (usize, u64) {
    let place = xxh3_64(key) % PLACES;
    ((place / 64) as usize, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(ts: u64) -> Slice {
        let mut out = Vec::new();
        record::encode(&mut out, Timestamp(ts), Some(b"row"));
        out.into()
    }

    #[test]
    fn the_last_versions_of_a_key_are_found_and_those_before_are_in_the_history() {
        let hot = HotRows::default();
        let key = || Slice::from(b"k".as_slice());
        assert!(hot.is_empty() && matches!(hot.at(b"k", Timestamp::MAX).unwrap(), Recent::Unknown));
        hot.put(key(), version(1), version(2));
        assert!(matches!(hot.at(b"k", Timestamp(1)).unwrap(), Recent::Version(v) if v == version(1)));
        (2..100).for_each(|ts| hot.put(key(), version(ts), version(ts + 1)));
        assert_eq!(hot.newest(b"k"), Some(version(100)));
        assert!(matches!(hot.at(b"k", Timestamp(99)).unwrap(), Recent::Version(v) if v == version(99)));
        assert!(matches!(hot.at(b"k", Timestamp(1)).unwrap(), Recent::Older));
        assert!(matches!(hot.at(b"l", Timestamp(99)).unwrap(), Recent::Unknown));
        assert_eq!(hot.unwritten().into_iter().collect::<Vec<_>>(), [(key(), version(100))]);
        hot.mark_written(&[key()]);
        assert!(hot.unwritten().is_empty());
        hot.put(key(), version(100), version(101));
        assert_eq!(hot.unwritten().into_iter().collect::<Vec<_>>(), [(key(), version(101))]);
    }
}
