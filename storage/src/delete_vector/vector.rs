//! The delete vector of one immutable array of rows (a pack, a delta chunk).
//!
//! ```text
//!            commit_ts →   10   20   30 │C      40   50   60
//! row 3 deleted at 20           ●       │                        in checkpoint
//! row 7 deleted at 40                   │        ●               in tail
//! row 9 deleted at 60                   │                  ●     in tail
//!                                       │
//! deleted at T = 45:  checkpoint ∪ {tail entries with ts ≤ 45} = {3, 7}
//! deleted at T ≥ 60:  current                                  = {3, 7, 9}
//! ```
//!
//! * The **checkpoint** is a bitmap of every deletion at or below `checkpoint_ts` (C). It carries no
//!   timestamps: nobody may ask for a T below C, except about rows that no T ever shows
//!   (tombstones, rows that moved to a pack), which are in the checkpoint from the start.
//! * The **tail** holds the deletions after C with their timestamps.
//! * **current** is checkpoint ∪ tail. A reader whose T is not below the newest deletion takes it as
//!   it is; only a reader of the past has anything to compute.
//!
//! A vector is a value: changing it makes a new one that shares what did not change. C moves only
//! up to the safe point, so nothing is ever undone.

use std::borrow::Cow;
use std::sync::Arc;

use super::bitmap::RowBitmap;
use super::tail::{Deletion, Tail};
use crate::types::Timestamp;

/// See the module documentation. Invariants:
///
/// 1. Every member of `checkpoint` and every row of `tail` is in `current`, and nothing else is.
/// 2. No row is deleted twice: checkpoint and tail are disjoint, the tail has no duplicates.
/// 3. Every tail entry is after `checkpoint_ts`.
/// 4. Every row is below `rows`.
#[derive(Clone, Debug)]
pub(crate) struct DeleteVector {
    rows: u32,
    checkpoint_ts: Timestamp,
    checkpoint: Arc<RowBitmap>,
    tail: Tail,
    current: RowBitmap,
}

impl DeleteVector {
    /// No deletions in an array of `rows` rows.
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            rows: rows as u32,
            checkpoint_ts: Timestamp::ZERO,
            checkpoint: Arc::default(),
            tail: Tail::default(),
            current: RowBitmap::default(),
        }
    }

    /// From parts that were read from a file. `None` if they break an invariant.
    pub(super) fn from_parts(
        rows: u32,
        checkpoint_ts: Timestamp,
        checkpoint: RowBitmap,
        tail: &[Deletion],
    ) -> Option<Self> {
        let mut current = checkpoint.clone();
        if checkpoint.last().is_some_and(|last| last >= rows) {
            return None;
        }
        for entry in tail {
            if entry.commit_ts <= checkpoint_ts || entry.row >= rows || !current.insert(entry.row) {
                return None;
            }
        }
        let mut list = Tail::default();
        list.append(tail);
        Some(Self { rows, checkpoint_ts, checkpoint: Arc::new(checkpoint), tail: list, current })
    }

    /// Rows of the array, deleted or not.
    pub(crate) fn rows(&self) -> u32 {
        self.rows
    }

    /// Where the checkpoint stands.
    pub(crate) fn checkpoint_ts(&self) -> Timestamp {
        self.checkpoint_ts
    }

    /// The checkpoint's bitmap.
    pub(crate) fn checkpoint(&self) -> &RowBitmap {
        &self.checkpoint
    }

    /// All deletions known, whatever their timestamp.
    pub(crate) fn current(&self) -> &RowBitmap {
        &self.current
    }

    /// Whether the row is deleted at any timestamp.
    pub(crate) fn is_deleted(&self, row: u32) -> bool {
        self.current.contains(row)
    }

    /// Deletions after the checkpoint, oldest application first.
    pub(crate) fn tail(&self) -> impl Iterator<Item = Deletion> + '_ {
        self.tail.iter()
    }

    /// Number of deletions after the checkpoint.
    pub(crate) fn tail_len(&self) -> usize {
        self.tail.len()
    }

    /// The tail after its first `skip` entries: what was appended since it had that length.
    pub(crate) fn tail_from(&self, skip: usize) -> impl Iterator<Item = Deletion> + '_ {
        self.tail.iter_from(skip)
    }

    /// The rows deleted at or before `ts`. Borrowed unless `ts` lies within the tail.
    pub(crate) fn at(&self, ts: Timestamp) -> Cow<'_, RowBitmap> {
        if self.tail.newest() <= ts {
            return Cow::Borrowed(&self.current);
        }
        let mut bitmap = (*self.checkpoint).clone();
        for entry in self.tail.iter().filter(|e| e.commit_ts <= ts) {
            bitmap.insert(entry.row);
        }
        Cow::Owned(bitmap)
    }

    /// How many rows are deleted at `ts`.
    pub(crate) fn count_at(&self, ts: Timestamp) -> u64 {
        if self.tail.newest() <= ts {
            return u64::from(self.current.count());
        }
        let in_tail = self.tail.iter().filter(|e| e.commit_ts <= ts).count();
        u64::from(self.checkpoint.count()) + in_tail as u64
    }

    /// Whether every row is gone for every reader at or after `safe_point`.
    pub(crate) fn all_dead_at(&self, safe_point: Timestamp) -> bool {
        self.count_at(safe_point) == u64::from(self.rows)
    }

    /// Records deletions. The rows must not be deleted yet, and their timestamps must be after the
    /// checkpoint.
    pub(crate) fn append(&mut self, entries: &[Deletion]) {
        for entry in entries {
            let fresh = self.current.insert(entry.row);
            debug_assert!(fresh, "row {} is deleted twice", entry.row);
        }
        self.tail.append(entries);
    }

    /// Makes rows invisible at every timestamp: tombstones, and rows that were moved elsewhere.
    pub(crate) fn hide(&mut self, rows: impl IntoIterator<Item = u32>) {
        let mut in_tail = false;
        let checkpoint = Arc::make_mut(&mut self.checkpoint);
        for row in rows {
            in_tail |= !self.current.insert(row) && !checkpoint.contains(row);
            checkpoint.insert(row);
        }
        if in_tail {
            let rest: Vec<_> = self.tail.iter().filter(|e| !self.checkpoint.contains(e.row)).collect();
            self.tail = Tail::default();
            self.tail.append(&rest);
        }
    }

    /// Moves the checkpoint up to `to`, which must not be above the safe point. False if nothing
    /// changed.
    pub(crate) fn advance_checkpoint(&mut self, to: Timestamp) -> bool {
        if to <= self.checkpoint_ts || !self.tail.iter().any(|e| e.commit_ts <= to) {
            return false;
        }
        self.checkpoint_ts = to;
        let mut rest = Vec::new();
        let checkpoint = Arc::make_mut(&mut self.checkpoint);
        for entry in self.tail.iter() {
            if entry.commit_ts <= to {
                checkpoint.insert(entry.row);
            } else {
                rest.push(entry);
            }
        }
        self.tail = Tail::default();
        self.tail.append(&rest);
        true
    }

    /// How many tail entries a checkpoint at `to` would absorb.
    pub(crate) fn absorbable(&self, to: Timestamp) -> usize {
        self.tail.iter().filter(|e| e.commit_ts <= to).count()
    }

    /// The vector of the arrays' concatenation.
    pub(crate) fn concat<'a>(vectors: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut out = Self::new(0);
        let mut checkpoint = RowBitmap::default();
        let mut tail = Vec::new();
        for vector in vectors {
            let base = out.rows;
            out.rows += vector.rows;
            for row in vector.checkpoint.iter() {
                checkpoint.insert(base + row);
                out.current.insert(base + row);
            }
            for entry in vector.tail.iter() {
                out.current.insert(base + entry.row);
                tail.push(Deletion { row: base + entry.row, ..entry });
            }
        }
        out.checkpoint = Arc::new(checkpoint);
        out.tail.append(&tail);
        out
    }

    /// The vector of the kept rows, numbered anew.
    pub(crate) fn select(&self, kept: &[bool]) -> Self {
        let mut numbers = Vec::with_capacity(kept.len());
        let mut next = 0;
        for kept in kept {
            numbers.push(next);
            next += u32::from(*kept);
        }
        let keep = |row: u32| kept[row as usize].then_some(numbers[row as usize]);
        let mut out = Self::new(next as usize);
        out.hide(self.checkpoint.iter().filter_map(keep));
        let tail: Vec<_> = self.tail.iter().filter_map(|e| Some(Deletion { row: keep(e.row)?, ..e })).collect();
        out.append(&tail);
        out
    }

    /// Bytes held in memory, whether shared with other versions or not.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.checkpoint.memory_bytes() + self.current.memory_bytes() + self.tail.memory_bytes()
    }

    /// Panics if an invariant is broken.
    pub(crate) fn validate(&self) {
        self.checkpoint.validate();
        self.current.validate();
        self.tail.validate();
        let mut union = (*self.checkpoint).clone();
        for entry in self.tail.iter() {
            assert!(entry.commit_ts > self.checkpoint_ts, "tail entry at or below the checkpoint");
            assert!(union.insert(entry.row), "row {} is deleted twice", entry.row);
        }
        assert!(union == self.current, "current is not checkpoint and tail together");
        assert!(self.current.last().is_none_or(|last| last < self.rows), "deleted row beyond the array");
    }
}
