//! What to do next in the background: a pure function of a few numbers.

use crate::config::Config;
use crate::types::{SegmentId, TableId};

/// One unit of background work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Deltas to chunk files, and a manifest.
    Flush,
    /// Delta and stable to new packs; splits the segment if it has grown too large.
    MergeDelta(TableId, SegmentId),
    /// Delete vector checkpoints up to the safe point, and history that nobody needs any more.
    Checkpoint(TableId),
}

/// What is known of a segment without reading it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SegmentFacts {
    pub(super) stable_rows: u64,
    /// Rows of the delta that merge-delta would put into packs or drop.
    pub(super) delta_mergeable: u64,
    /// Rows of the stable that merge-delta would drop.
    pub(super) stable_dead: u64,
    /// Tail entries at or below the safe point, in the array that has most of them.
    pub(super) absorbable: usize,
    /// Whether some history array is needed by nobody.
    pub(super) history_dead: bool,
}

/// Chooses among: a flush when memory is short, the merge that is most overdue, a checkpoint.
pub(super) fn choose(
    segments: &[(TableId, SegmentId, SegmentFacts)],
    delta_memory: u64,
    config: &Config,
) -> Option<Work> {
    if delta_memory > config.delta_memory_limit {
        return Some(Work::Flush);
    }
    let urgency = |f: &SegmentFacts| {
        let by_delta = f.delta_mergeable >= config.merge_rows_min
            && (f.delta_mergeable * 100 >= f.stable_rows * config.merge_delta_percent
                || f.delta_mergeable >= config.delta_rows_limit);
        let by_dead = f.stable_dead >= config.merge_rows_min && f.stable_dead * 100 >= f.stable_rows * 30;
        let too_large = f.stable_rows > config.segment_rows_limit;
        (by_delta || by_dead || too_large).then_some(f.delta_mergeable + f.stable_dead)
    };
    let merge = segments.iter().filter_map(|(t, s, f)| Some((urgency(f)?, *t, *s))).max();
    if let Some((_, table, segment)) = merge {
        return Some(Work::MergeDelta(table, segment));
    }
    let checkpoint = segments.iter().find(|(_, _, f)| f.absorbable > config.tail_entries_limit || f.history_dead);
    checkpoint.map(|(table, _, _)| Work::Checkpoint(*table))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(facts: SegmentFacts) -> Option<Work> {
        choose(&[(TableId(1), SegmentId(2), facts)], 0, &Config::default())
    }

    #[test]
    fn small_deltas_are_left_alone() {
        assert_eq!(with(SegmentFacts { delta_mergeable: 60_000, ..Default::default() }), None);
        assert_eq!(with(SegmentFacts { delta_mergeable: 100_000, stable_rows: 10 << 20, ..Default::default() }), None);
    }

    #[test]
    fn a_delta_of_some_weight_is_merged() {
        let facts = SegmentFacts { delta_mergeable: 4 << 20, stable_rows: 10 << 20, ..Default::default() };
        assert_eq!(with(facts), Some(Work::MergeDelta(TableId(1), SegmentId(2))));
        let facts = SegmentFacts { stable_dead: 4 << 20, stable_rows: 10 << 20, ..Default::default() };
        assert_eq!(with(facts), Some(Work::MergeDelta(TableId(1), SegmentId(2))));
    }

    #[test]
    fn memory_comes_first_and_checkpoints_last() {
        let facts = SegmentFacts { history_dead: true, ..Default::default() };
        assert_eq!(with(facts), Some(Work::Checkpoint(TableId(1))));
        let segments = [(TableId(1), SegmentId(2), facts)];
        assert_eq!(choose(&segments, u64::MAX, &Config::default()), Some(Work::Flush));
    }
}
