//! What to do next in the background: pure functions of a few numbers.
//!
//! A merge of one slot (see `segment/merge_plan.rs`) writes rows and takes changes in. It is worth its
//! bytes when it writes few rows for each change: with [`Config::merge_delta_percent`] at 50, at most
//! two. As each change was written once before, when its delta was flushed, scattered updates are
//! written three times in all, whatever the table's size.

use crate::config::Config;
use crate::segment::{MergePlan, SlotFacts};
use crate::types::{SegmentId, TableId};

/// One unit of background work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Deltas to chunk files, and a manifest.
    Flush,
    /// Parts of delta and stable to new packs; splits the segment if it has grown too large.
    MergeDelta(TableId, SegmentId),
    /// A segment and the next one, which are small, become one.
    JoinSegments(TableId, SegmentId),
    /// Delete vector checkpoints up to the safe point, and history that nobody needs any more.
    Checkpoint(TableId),
}

/// What is known of a segment without reading it.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct SegmentFacts {
    pub(in crate::engine) stable_rows: u64,
    /// Rows of the delta, deleted or not.
    pub(in crate::engine) delta_rows: u64,
    /// Rows of the delta that merging everything would put into packs or drop.
    pub(in crate::engine) delta_mergeable: u64,
    /// Rows that writing the mostly dead parts of the delta anew would drop.
    pub(in crate::engine) delta_dead: u64,
    /// Tombstones that a replay may meet: no merge takes them out of the delta.
    pub(in crate::engine) tombstones_kept: u64,
    /// Cost and gain of each slot; empty if there is too little to be gained by any.
    pub(in crate::engine) slots: Vec<SlotFacts>,
    /// Tail entries at or below the safe point, in the array that has most of them.
    pub(in crate::engine) absorbable: usize,
    /// Whether some history array is needed by nobody.
    pub(in crate::engine) history_dead: bool,
}

/// Chooses among: a flush when memory is short, the merge that takes in most, a join, a checkpoint.
/// Segments of a table come in key order.
pub(in crate::engine) fn choose(
    segments: &[(TableId, SegmentId, SegmentFacts)],
    delta_memory: u64,
    config: &Config,
) -> Option<Work> {
    if delta_memory > config.delta_memory_limit {
        return Some(Work::Flush);
    }
    let gain = |f: &SegmentFacts| {
        let merged: u64 =
            plan_merge(f, config)?.slots.iter().zip(&f.slots).filter(|(m, _)| **m).map(|(_, s)| s.changes()).sum();
        Some(merged + f.delta_dead)
    };
    if let Some((_, table, segment)) = segments.iter().filter_map(|(t, s, f)| Some((gain(f)?, *t, *s))).max() {
        return Some(Work::MergeDelta(table, segment));
    }
    let rows = |f: &SegmentFacts| f.stable_rows + f.delta_rows;
    let small = |pair: &&[(TableId, SegmentId, SegmentFacts)]| {
        pair[0].0 == pair[1].0 && rows(&pair[0].2) + rows(&pair[1].2) <= config.segment_rows_limit / 4
    };
    if let Some(pair) = segments.windows(2).find(small) {
        return Some(Work::JoinSegments(pair[0].0, pair[0].1));
    }
    let checkpoint = segments.iter().find(|(_, _, f)| f.absorbable > config.tail_entries_limit || f.history_dead);
    checkpoint.map(|(table, _, _)| Work::Checkpoint(*table))
}

/// What to merge of a segment, if anything is worth it.
pub(in crate::engine) fn plan_merge(facts: &SegmentFacts, config: &Config) -> Option<MergePlan> {
    if facts.stable_rows > config.segment_rows_limit {
        return Some(merge_all(&facts.slots, config));
    }
    let mut slots = worthwhile(&facts.slots, config);
    if facts.delta_mergeable >= config.delta_rows_limit {
        add_cheapest(&mut slots, &facts.slots);
    }
    let changes = |slots: &[bool]| -> u64 {
        slots.iter().zip(&facts.slots).filter(|(chosen, _)| **chosen).map(|(_, f)| f.changes()).sum()
    };
    if changes(&slots) < facts.tombstones_kept + config.merge_rows_min.max(1) {
        let dead = facts.delta_dead >= config.merge_rows_min.max(1);
        return dead.then(|| MergePlan { slots: vec![false; facts.slots.len()], whole_delta: false });
    }
    add_neighbours(&mut slots, &facts.slots, config);
    let whole_delta = slots.iter().zip(&facts.slots).all(|(chosen, f)| *chosen || f.delta_keys == 0);
    Some(MergePlan { slots, whole_delta })
}

/// Everything that a merge would change, however dear.
pub(in crate::engine) fn merge_all(facts: &[SlotFacts], config: &Config) -> MergePlan {
    let mut slots: Vec<bool> = facts.iter().map(|f| f.changes() > 0).collect();
    add_neighbours(&mut slots, facts, config);
    MergePlan { slots, whole_delta: true }
}

fn is_pack(slot: usize) -> bool {
    slot % 2 == 1
}

/// Whether a merge writes few rows for each change, at `percent` of a change a row.
fn pays(facts: &SlotFacts, percent: u64) -> bool {
    facts.changes() > 0 && facts.rows_written() * percent <= facts.changes() * 100
}

/// Packs that pay, and those that will before long if some do now: together they empty the delta. New
/// keys beside packs cost no pack, and pay when they are many enough to be one.
fn worthwhile(facts: &[SlotFacts], config: &Config) -> Vec<bool> {
    let percent = config.merge_delta_percent;
    let beside = |f: &SlotFacts| f.delta_keys > 0 && f.delta_keys >= config.merge_rows_min;
    let some = facts.iter().skip(1).step_by(2).any(|f| pays(f, percent));
    let pack = |f: &SlotFacts| some && pays(f, percent * 3 / 4);
    facts.iter().enumerate().map(|(i, f)| if is_pack(i) { pack(f) } else { beside(f) }).collect()
}

/// Adds slots, the cheapest first, until half of the changes are taken in.
fn add_cheapest(slots: &mut [bool], facts: &[SlotFacts]) {
    let mut order: Vec<usize> = (0..facts.len()).filter(|i| facts[*i].changes() > 0).collect();
    let dearness = |i: &usize| facts[*i].rows_written() * 1000 / facts[*i].changes();
    order.sort_by_key(dearness);
    let mut left = facts.iter().map(SlotFacts::changes).sum::<u64>() / 2;
    for i in order {
        slots[i] = true;
        left = left.saturating_sub(facts[i].changes());
        if left == 0 {
            return;
        }
    }
}

/// Adds what is cheap because its neighbour is written: new keys beside a pack, and small packs.
fn add_neighbours(slots: &mut [bool], facts: &[SlotFacts], config: &Config) {
    let packs_beside = |slots: &[bool], gap: usize| (gap > 0 && slots[gap - 1]) || slots.get(gap + 1) == Some(&true);
    for gap in (0..slots.len()).step_by(2) {
        slots[gap] |= facts[gap].delta_keys > 0 && packs_beside(slots, gap);
    }
    let small = |i: usize| (facts[i].live + facts[i].delta_keys) * 2 < config.pack_rows as u64;
    let joins = |slots: &[bool], i: usize, pack: Option<usize>, gap: usize| {
        small(i) && (slots[gap] || pack.is_some_and(|pack| slots.get(pack) == Some(&true)))
    };
    // Once in each direction, so that a run of small packs is taken in from either end.
    for i in (1..slots.len()).step_by(2) {
        slots[i] |= joins(slots, i, i.checked_sub(2), i - 1);
    }
    for i in (1..slots.len()).step_by(2).rev() {
        slots[i] |= joins(slots, i, Some(i + 2), i + 1);
    }
}
