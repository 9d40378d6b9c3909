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

use super::tree::{LeafHint, Tree};
use crate::types::{KeyKind, KeyRange, KeyRef, RowKey, Timestamp};

/// Where the newest version of a key is. It may be a tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) ordinal: u64,
    pub(crate) commit_ts: Timestamp,
}

/// An entry in twelve bytes: the ordinal is relative to the index's base.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, packed(4))]
pub(super) struct Packed {
    commit_ts: u64,
    offset: u32,
}

/// See the module documentation. Integer keys are held in the tree by value; others are owned
/// copies.
#[derive(Clone, Debug)]
pub(crate) struct DeltaIndex {
    /// Ordinal from which the entries count.
    base: u64,
    tree: KeyTree,
}

#[derive(Clone, Debug)]
enum KeyTree {
    Int(Tree<i64>),
    Bytes(Tree<Box<[u8]>>),
}

impl DeltaIndex {
    /// An empty index for rows whose ordinals start at `base`.
    pub(crate) fn new(kind: KeyKind, base: u64) -> Self {
        let tree = match kind {
            KeyKind::Int => KeyTree::Int(Tree::new()),
            KeyKind::Bytes => KeyTree::Bytes(Tree::new()),
        };
        Self { base, tree }
    }

    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
        match &self.tree {
            KeyTree::Int(tree) => tree.len(),
            KeyTree::Bytes(tree) => tree.len(),
        }
    }

    fn pack(&self, entry: IndexEntry) -> Packed {
        let offset = entry.ordinal.checked_sub(self.base).and_then(|o| u32::try_from(o).ok());
        let offset = offset.expect("back-pressure keeps a delta far below 2^32 rows, and merge-delta moves the base");
        Packed { commit_ts: entry.commit_ts.0, offset }
    }

    /// The newest row of `key`.
    pub(crate) fn get(&self, key: KeyRef<'_>) -> Option<IndexEntry> {
        self.probe(key).0
    }

    /// The newest row of `key`, and a hint for [`DeltaIndex::insert_at`].
    pub(crate) fn probe(&self, key: KeyRef<'_>) -> (Option<IndexEntry>, LeafHint) {
        let (packed, hint) = match (&self.tree, key) {
            (KeyTree::Int(tree), KeyRef::Int(key)) => tree.probe(&key),
            (KeyTree::Bytes(tree), KeyRef::Bytes(key)) => tree.probe(key),
            (KeyTree::Int(_), KeyRef::Bytes(_)) | (KeyTree::Bytes(_), KeyRef::Int(_)) => (None, LeafHint::default()),
        };
        (packed.map(|p| unpack(self.base, p)), hint)
    }

    /// Makes `entry` the newest row of `key`, which must be of the index's kind.
    pub(crate) fn insert(&mut self, key: KeyRef<'_>, entry: IndexEntry) {
        let packed = self.pack(entry);
        match (&mut self.tree, key) {
            (KeyTree::Int(tree), KeyRef::Int(key)) => tree.insert(key, packed),
            (KeyTree::Bytes(tree), KeyRef::Bytes(key)) => tree.insert(key.into(), packed),
            (KeyTree::Int(_), KeyRef::Bytes(_)) | (KeyTree::Bytes(_), KeyRef::Int(_)) => {
                debug_assert!(false, "key of the wrong kind");
            }
        }
    }

    /// Like [`DeltaIndex::insert`], with what probing this index for the key gave.
    pub(crate) fn insert_at(&mut self, hint: LeafHint, key: KeyRef<'_>, entry: IndexEntry) {
        let packed = self.pack(entry);
        match (&mut self.tree, key) {
            (KeyTree::Int(tree), KeyRef::Int(key)) => tree.insert_at(hint, key, packed),
            (KeyTree::Bytes(tree), KeyRef::Bytes(key)) => tree.insert_at(hint, key.into(), packed),
            (KeyTree::Int(_), KeyRef::Bytes(_)) | (KeyTree::Bytes(_), KeyRef::Int(_)) => {
                debug_assert!(false, "key of the wrong kind");
            }
        }
    }

    /// How many keys are before each of `borders`, which ascend and are of the index's kind.
    pub(crate) fn ranks(&self, borders: &[KeyRef<'_>]) -> Vec<usize> {
        match &self.tree {
            KeyTree::Int(tree) => {
                let ints: Vec<i64> = borders.iter().filter_map(|b| b.int()).collect();
                tree.ranks(&ints.iter().collect::<Vec<_>>())
            }
            KeyTree::Bytes(tree) => tree.ranks(&borders.iter().filter_map(|b| b.bytes()).collect::<Vec<_>>()),
        }
    }

    /// The entries to which `keep` gives an ordinal, at or above `base`, in a new index.
    pub(crate) fn rebased(&self, base: u64, keep: impl Fn(IndexEntry) -> Option<u64>) -> Self {
        let move_entry = |packed: Packed| {
            let entry = unpack(self.base, packed);
            let offset = keep(entry)?.checked_sub(base).and_then(|o| u32::try_from(o).ok())?;
            Some(Packed { offset, ..packed })
        };
        let tree = match &self.tree {
            KeyTree::Int(tree) => KeyTree::Int(tree.filtered(move_entry)),
            KeyTree::Bytes(tree) => KeyTree::Bytes(tree.filtered(move_entry)),
        };
        Self { base, tree }
    }

    /// Calls `visit` with the entries whose keys lie in `range`, in key order.
    pub(crate) fn for_each_in(&self, range: &KeyRange, mut visit: impl FnMut(KeyRef<'_>, IndexEntry)) {
        let start = range.start.as_ref();
        let inside = |key: KeyRef<'_>| range.end.as_ref().is_none_or(|end| key < end.as_ref());
        match &self.tree {
            KeyTree::Int(tree) => {
                let from = start.and_then(|k| if let RowKey::Int(k) = k { Some(*k) } else { None });
                for (key, entry) in tree.iter_from(from.as_ref()).take_while(|(k, _)| inside(KeyRef::Int(**k))) {
                    visit(KeyRef::Int(*key), unpack(self.base, entry));
                }
            }
            KeyTree::Bytes(tree) => {
                let from = start.and_then(|k| if let RowKey::Bytes(k) = k { Some(k.as_ref()) } else { None });
                for (key, entry) in tree.iter_from(from).take_while(|(k, _)| inside(KeyRef::Bytes(k))) {
                    visit(KeyRef::Bytes(key), unpack(self.base, entry));
                }
            }
        }
    }

    /// Bytes held in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        match &self.tree {
            KeyTree::Int(tree) => tree.memory_bytes(),
            KeyTree::Bytes(tree) => {
                tree.memory_bytes() + tree.iter_from(None::<&[u8]>).map(|(k, _)| k.len()).sum::<usize>()
            }
        }
    }

    /// Panics if the tree's structure is broken.
    pub(crate) fn validate(&self) {
        match &self.tree {
            KeyTree::Int(tree) => tree.validate(),
            KeyTree::Bytes(tree) => tree.validate(),
        }
    }
}

fn unpack(base: u64, packed: Packed) -> IndexEntry {
    IndexEntry { ordinal: base + u64::from(packed.offset), commit_ts: Timestamp(packed.commit_ts) }
}
