//! The delta: rows in the order of their arrival, never sorted in place.
//!
//! ```text
//! ordinals   0 ........... 81920 ......... 90112 .. 94208 . 94464 94480 94481
//! parts      [ chunk file        ][ chunk file   ][ memory ][ mem ][ m ][1]
//!            └───────── sealed: immutable ────────┘└── tail: small parts are joined ──┘
//! ```
//!
//! Each applied batch becomes a part. Parts of the tail are joined when [`FAN_IN`] of like size have
//! gathered, so a stream of single-row transactions costs each row O(log n) copies and the tail has
//! O(log n) parts. *Sealing* fixes the boundary below which parts are no longer joined; flushing
//! writes the sealed memory parts to a chunk file. Neither changes an ordinal.

use std::sync::Arc;

use crate::delete_vector::{DeleteVector, Deletion};
use crate::error::Result;
use crate::row_set::{BlockList, MemoryRows, RowSet, Rows};
use crate::types::TableSchema;

/// Parts of like size that are joined into one.
const FAN_IN: usize = 8;
/// Parts of this many rows are not joined further.
const JOIN_ROWS_LIMIT: usize = 65_536;

/// Rows `start..start + len` of the delta.
#[derive(Clone, Debug)]
pub(crate) struct DeltaPart {
    pub(crate) start: u64,
    pub(crate) set: RowSet,
}

impl DeltaPart {
    /// First ordinal after the part.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.set.len() as u64
    }
}

/// See the module documentation. Invariants:
///
/// 1. Parts are ordered by ordinal and do not overlap (gaps are rows that were merged away).
/// 2. `sealed ≤ next`, and no part crosses `sealed`.
/// 3. Every part is at or after 0 and before `next`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delta {
    parts: BlockList<DeltaPart>,
    next: u64,
    sealed: u64,
}

impl Delta {
    /// From parts that were read back.
    pub(crate) fn restore(parts: Vec<DeltaPart>, next: u64) -> Self {
        Self { parts: parts.into_iter().collect(), next, sealed: next }
    }

    /// The parts in order of arrival.
    pub(crate) fn parts(&self) -> &BlockList<DeltaPart> {
        &self.parts
    }

    /// The ordinal that the next row will get.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Smallest ordinal present, or `next`.
    pub(crate) fn first(&self) -> u64 {
        self.parts.first().map_or(self.next, |p| p.start)
    }

    /// Number of rows, deleted or not.
    pub(crate) fn rows(&self) -> u64 {
        self.parts.iter().map(|p| p.set.len() as u64).sum()
    }

    /// Bytes in memory and in chunk files.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        self.parts
            .iter()
            .fold((0, 0), |(memory, disk), p| (memory + p.set.rows.memory_bytes(), disk + p.set.rows.disk_bytes()))
    }

    /// The part that holds `ordinal` and the row's number in it.
    pub(crate) fn locate(&self, ordinal: u64) -> Option<(usize, u32)> {
        let part = self.parts.partition_point(|p| p.start <= ordinal).checked_sub(1)?;
        let row = ordinal - self.parts[part].start;
        (row < self.parts[part].set.len() as u64).then_some((part, row as u32))
    }

    /// Adds rows at the end.
    pub(crate) fn append(&mut self, set: RowSet) {
        let start = self.next;
        self.next += set.len() as u64;
        self.parts.push(DeltaPart { start, set });
    }

    /// Adds the parts of another delta, and seals all. Its first ordinal becomes what is given.
    pub(crate) fn extend(&mut self, other: &Self) -> u64 {
        let (from, to) = (other.first(), self.next);
        for part in &other.parts {
            self.parts.push(DeltaPart { start: part.start - from + to, set: part.set.clone() });
        }
        self.next += other.next - from;
        self.seal();
        to
    }

    /// Records deletions in a part.
    pub(crate) fn delete(&mut self, part: usize, entries: &[Deletion]) {
        self.parts.get_mut(part).set.delete(entries);
    }

    /// Joins parts at the end of the tail while [`FAN_IN`] of like size have gathered.
    pub(crate) fn join_tail(&mut self, schema: &Arc<TableSchema>) -> Result<()> {
        let tail = self.parts.partition_point(|p| p.start < self.sealed);
        while let Some(from) = joinable(&self.parts, tail) {
            let joined = self.join(from, schema)?;
            self.parts.truncate(from);
            self.parts.push(joined);
        }
        Ok(())
    }

    /// Where the parts begin at the end of the delta that should be joined into one, if any should.
    pub(crate) fn joinable(&self) -> Option<usize> {
        joinable(&self.parts, 0)
    }

    fn join(&self, from: usize, schema: &Arc<TableSchema>) -> Result<DeltaPart> {
        let parts = self.parts.iter_from(from);
        let rows: Vec<Arc<MemoryRows>> = parts
            .clone()
            .filter_map(|p| match &p.set.rows {
                Rows::Memory(rows) => Some(rows.clone()),
                Rows::File(_) => None,
            })
            .collect();
        let deletes = DeleteVector::concat(parts.map(|p| p.set.deletes.as_ref()));
        let rows = MemoryRows::concat(schema.clone(), &rows)?;
        let set = RowSet { rows: Rows::Memory(Arc::new(rows)), deletes: Arc::new(deletes) };
        Ok(DeltaPart { start: self.parts[from].start, set })
    }

    /// Fixes all present rows: their parts are joined no more.
    pub(crate) fn seal(&mut self) {
        self.sealed = self.next;
    }

    /// Where the tail begins.
    pub(crate) fn sealed(&self) -> u64 {
        self.sealed
    }

    /// Makes rows of the part that starts at `start` invisible at every timestamp: they are elsewhere
    /// now.
    pub(crate) fn hide(&mut self, start: u64, rows: impl Iterator<Item = u32>) {
        let part = self.parts.partition_point(|p| p.start < start);
        if self.parts.get(part).is_some_and(|p| p.start == start) {
            Arc::make_mut(&mut self.parts.get_mut(part).set.deletes).hide(rows);
        }
    }

    /// Replaces the parts within `start..end` by `parts`.
    pub(crate) fn replace(&mut self, start: u64, end: u64, parts: Vec<DeltaPart>) {
        let from = self.parts.partition_point(|p| p.start < start);
        let to = self.parts.partition_point(|p| p.start < end);
        self.parts.replace(from, to, parts);
    }

    /// Changes the deletions of every part.
    pub(crate) fn for_each_set(&mut self, mut change: impl FnMut(&mut RowSet)) {
        self.parts.for_each_mut(|p| change(&mut p.set));
    }

    /// Panics if an invariant is broken.
    pub(crate) fn validate(&self) {
        assert!(self.sealed <= self.next, "sealed beyond the end");
        let mut end = 0;
        for part in self.parts.iter() {
            part.set.validate();
            assert!(end <= part.start, "parts overlap");
            end = part.end();
            assert!(end <= self.sealed || part.start >= self.sealed, "a part crosses the seal");
        }
        assert!(end <= self.next, "a part lies beyond the end");
    }
}

/// Where the last parts begin, from `first` on, if there are [`FAN_IN`] of like size without a gap
/// between them.
fn joinable(parts: &BlockList<DeltaPart>, first: usize) -> Option<usize> {
    let class = |p: &DeltaPart| p.set.len().max(1).ilog(FAN_IN);
    let last = parts.last().filter(|p| parts.len() > first && p.set.len() < JOIN_ROWS_LIMIT)?;
    let limit = class(last);
    let mut from = parts.len() - 1;
    while from > first && class(&parts[from - 1]) <= limit && parts[from - 1].end() == parts[from].start {
        from -= 1;
    }
    (parts.len() - from >= FAN_IN).then_some(from)
}
