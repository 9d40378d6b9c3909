//! Key → newest row of that key in a segment's delta.
//!
//! The delta itself is in arrival order; this index is what orders it. It serves the writer (who
//! overwrites which row?) and point lookups. Plain scans need neither: the answer to "is this row
//! still valid" was written into the delete vectors when the overwrite was applied.
//!
//! Rows are named by their *ordinal*: their number in the segment's delta, counted from the
//! segment's beginning and never reassigned. Joining small batches or sealing them into a chunk file
//! moves rows about, but leaves ordinals, and so the index, alone.
//!
//! ```text
//!            arrival order            index (key order)
//! ordinal     0   1   2   3   4       2 → 1    5 → 4    7 → 2    9 → 3
//! key         5   2   7   9   5
//! commit_ts  10  10  11  12  13       (row 0 is superseded: it is in the delete vector, not here)
//! ```

use super::tree::Tree;
use crate::types::{KeyKind, KeyRange, KeyRef, RowKey, Timestamp};

/// Where the newest version of a key is. It may be a tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) ordinal: u64,
    pub(crate) commit_ts: Timestamp,
}

/// See the module documentation. Integer keys are held in the tree by value; others are owned
/// copies.
#[derive(Clone, Debug)]
pub(crate) enum DeltaIndex {
    Int(Tree<i64>),
    Bytes(Tree<Box<[u8]>>),
}

impl DeltaIndex {
    /// An empty index.
    pub(crate) fn new(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Int => Self::Int(Tree::new()),
            KeyKind::Bytes => Self::Bytes(Tree::new()),
        }
    }

    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Int(tree) => tree.len(),
            Self::Bytes(tree) => tree.len(),
        }
    }

    /// The newest row of `key`.
    pub(crate) fn get(&self, key: KeyRef<'_>) -> Option<IndexEntry> {
        match (self, key) {
            (Self::Int(tree), KeyRef::Int(key)) => tree.get(&key),
            (Self::Bytes(tree), KeyRef::Bytes(key)) => tree.get(key),
            (Self::Int(_), KeyRef::Bytes(_)) | (Self::Bytes(_), KeyRef::Int(_)) => None,
        }
    }

    /// Makes `entry` the newest row of `key`, which must be of the index's kind.
    pub(crate) fn insert(&mut self, key: KeyRef<'_>, entry: IndexEntry) {
        match (self, key) {
            (Self::Int(tree), KeyRef::Int(key)) => tree.insert(key, entry),
            (Self::Bytes(tree), KeyRef::Bytes(key)) => tree.insert(key.into(), entry),
            (Self::Int(_), KeyRef::Bytes(_)) | (Self::Bytes(_), KeyRef::Int(_)) => {
                debug_assert!(false, "key of the wrong kind");
            }
        }
    }

    /// Keeps what `keep` accepts. It sees the entries in key order and may change them.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(KeyRef<'_>, &mut IndexEntry) -> bool) {
        match self {
            Self::Int(tree) => tree.retain(|k, e| keep(KeyRef::Int(*k), e)),
            Self::Bytes(tree) => tree.retain(|k, e| keep(KeyRef::Bytes(k), e)),
        }
    }

    /// Calls `visit` with the entries whose keys lie in `range`, in key order.
    pub(crate) fn for_each_in(&self, range: &KeyRange, mut visit: impl FnMut(KeyRef<'_>, IndexEntry)) {
        let start = range.start.as_ref();
        let inside = |key: KeyRef<'_>| range.end.as_ref().is_none_or(|end| key < end.as_ref());
        match self {
            Self::Int(tree) => {
                let from = start.and_then(|k| if let RowKey::Int(k) = k { Some(*k) } else { None });
                for (key, entry) in tree.iter_from(from.as_ref()).take_while(|(k, _)| inside(KeyRef::Int(**k))) {
                    visit(KeyRef::Int(*key), entry);
                }
            }
            Self::Bytes(tree) => {
                let from = start.and_then(|k| if let RowKey::Bytes(k) = k { Some(k.as_ref()) } else { None });
                for (key, entry) in tree.iter_from(from).take_while(|(k, _)| inside(KeyRef::Bytes(k))) {
                    visit(KeyRef::Bytes(key), entry);
                }
            }
        }
    }

    /// Bytes held in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Int(tree) => tree.memory_bytes(),
            Self::Bytes(tree) => tree.memory_bytes() + tree.iter_from(None::<&[u8]>).map(|(k, _)| k.len()).sum::<usize>(),
        }
    }

    /// Panics if the tree's structure is broken.
    pub(crate) fn validate(&self) {
        match self {
            Self::Int(tree) => tree.validate(),
            Self::Bytes(tree) => tree.validate(),
        }
    }
}
