//! Which part of a segment a merge rewrites.
//!
//! The packs of a segment divide its keys into *slots*, numbered in key order: those within the bounds
//! of pack i are slot 2i + 1, those between packs the even slots.
//!
//! ```text
//! keys →        [ pack 0 ]        [ pack 1 ]
//! slot      0       1         2       3         4
//! ```
//!
//! Slots are what is chosen for a merge: a pack and the delta rows that belong into it are rewritten
//! together or not at all.

use super::Segment;
use crate::delta::DeltaPart;
use crate::types::{KeyRef, Timestamp};

/// What a merge of one slot would cost and gain, in rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SlotFacts {
    /// Rows of the pack that are not deleted.
    pub(crate) live: u64,
    /// Rows of the pack that are deleted, and that no reader needs any more.
    pub(crate) reclaimable: u64,
    /// Rows of the pack that are deleted, and that a reader of the past may need: they go to history.
    pub(crate) superseded: u64,
    /// Keys of the slot that the delta has.
    pub(crate) delta_keys: u64,
}

impl SlotFacts {
    /// Rows that the merge would write.
    pub(crate) fn rows_written(&self) -> u64 {
        self.live + self.superseded + self.delta_keys
    }

    /// Changes that it would take in. An update is a dead row in the pack and a row in the delta, and
    /// counts once.
    pub(crate) fn changes(&self) -> u64 {
        self.delta_keys.max(self.reclaimable + self.superseded)
    }
}

/// The slots to be merged. If there is none, only parts of the delta that are mostly dead are written
/// anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MergePlan {
    /// For each slot, whether it is merged.
    pub(crate) slots: Vec<bool>,
    /// Whether nothing will be left of the delta but tombstones that a replay may meet. Only then can
    /// the segment be split.
    pub(crate) whole_delta: bool,
}

impl MergePlan {
    /// Whether any slot is merged.
    pub(crate) fn any(&self) -> bool {
        self.slots.contains(&true)
    }

    /// Whether pack `i` is rewritten.
    pub(super) fn pack(&self, i: usize) -> bool {
        self.slots.get(2 * i + 1) == Some(&true)
    }
}

/// The bounds of a segment's packs, by which keys find their slot.
pub(super) struct Slots<'a> {
    bounds: Vec<(KeyRef<'a>, KeyRef<'a>)>,
}

impl<'a> Slots<'a> {
    pub(super) fn of(segment: &'a Segment) -> Self {
        Self { bounds: (0..segment.stable.packs.len()).filter_map(|i| segment.stable.bounds(i)).collect() }
    }

    /// The slot of a key.
    pub(super) fn find(&self, key: KeyRef<'_>) -> usize {
        let pack = self.bounds.partition_point(|(_, last)| *last < key);
        2 * pack + usize::from(self.bounds.get(pack).is_some_and(|(first, _)| *first <= key))
    }

    /// For each slot but the last, whether a key lies in it or before.
    pub(super) fn ends(&self) -> impl Iterator<Item = impl Fn(KeyRef<'_>) -> bool> {
        self.bounds
            .iter()
            .flat_map(|(first, last)| [(*first, false), (*last, true)])
            .map(|(border, inclusive)| move |key: KeyRef<'_>| if inclusive { key <= border } else { key < border })
    }
}

impl Segment {
    /// Cost and gain of merging each slot. Reads no block; walks the leaves of the delta index.
    pub(crate) fn slot_facts(&self, safe_point: Timestamp) -> Vec<SlotFacts> {
        let slots = Slots::of(self);
        let mut facts = vec![SlotFacts::default(); 2 * self.stable.packs.len() + 1];
        for (set, slot) in self.stable.packs.iter().zip(facts.iter_mut().skip(1).step_by(2)) {
            slot.live = set.live();
            slot.reclaimable = set.deletes.count_at(safe_point);
            slot.superseded = set.len() as u64 - slot.live - slot.reclaimable;
        }
        let index = self.index.read();
        let borders: Vec<KeyRef<'_>> = slots.bounds.iter().flat_map(|(first, last)| [*first, *last]).collect();
        let mut ranks = index.ranks(&borders);
        for (rank, last) in ranks.iter_mut().skip(1).step_by(2).zip(borders.iter().skip(1).step_by(2)) {
            *rank += usize::from(index.get(*last).is_some());
        }
        let mut before = 0;
        for (slot, rank) in facts.iter_mut().zip(ranks.into_iter().chain([index.len()])) {
            slot.delta_keys = (rank - before) as u64;
            before = rank;
        }
        facts
    }
}

/// Rows of a part of the delta that nobody needs: at least so many are gone when it is written anew.
pub(crate) fn droppable(part: &DeltaPart, safe_point: Timestamp, replay_floor: Timestamp) -> u64 {
    let rows = &part.set.rows;
    let tombstones = rows.tombstones();
    let passed = rows.max_commit_ts() <= replay_floor.min(safe_point);
    let kept = if passed { 0 } else { tombstones };
    part.set.deletes.count_at(safe_point).saturating_sub(kept)
}
