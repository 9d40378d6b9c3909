//! Merge-delta, the slow part: reads a frozen segment and writes what its rewritten part becomes.
//! Takes no lock.
//!
//! ```text
//! stable   [ 1..9 ]   [ 12..20 ]    [ 31..40 ]              rewritten are the slots that the plan
//! delta               ≋ 14  15 ≋        ≋ 33 52 55 ≋        names, here those of 12..20 and above 40
//! becomes  [ 1..9 ]   [ 12 ... 20 ] [ 31..40 ] [ 52, 55 ]
//! delta                                 ≋ 33 ≋
//! ```
//!
//! Of the rows in these slots,
//! * those not deleted go to new packs (they have distinct keys: that is what apply's deletions are
//!   for), and a map remembers where each went;
//! * those deleted after the safe point go to *history*: some reader may still see them;
//! * those deleted at or before the safe point are dropped;
//! * tombstones are dropped once the durable replay position has passed them. Before, a replay could
//!   bring back an older version of the key, which nothing would then reject; so they stay in the
//!   delta.
//!
//! What stays in the delta stays in its place, and what has gone from there is hidden, until half of
//! a part is dead; then its other half is written anew.

use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::Segment;
use super::merge_group::{Group, GroupOutput, divide_into_groups};
use super::merge_output::HistoryOutput;
use super::merge_plan::MergePlan;
use super::merge_sources::{DeltaSource, Rest, SortedDelta};
use crate::error::Result;
use crate::manifest::Files;
use crate::pack::Pack;
use crate::row_set::{RowSet, Rows};
use crate::types::{KeyRef, RowKey, TableSchema, Timestamp};

/// A row that went nowhere.
pub(super) const DROPPED: u32 = u32::MAX;
/// A row that stays in the delta.
pub(super) const STAYS: u32 = u32::MAX - 1;

/// What merge-delta depends on besides the segment.
pub(crate) struct MergeContext<'a> {
    pub(crate) files: &'a Files,
    pub(crate) schema: &'a Arc<TableSchema>,
    /// Rows deleted at or before this are needed by nobody.
    pub(crate) safe_point: Timestamp,
    /// No row at or before this will be replayed, even after a crash.
    pub(crate) replay_floor: Timestamp,
    pub(crate) pack_rows: usize,
    pub(crate) segment_rows_limit: u64,
    /// Who shares the work; if none, the caller does it alone.
    pub(crate) pool: Option<&'a ThreadPool>,
}

/// A piece of the new stable.
#[derive(Debug)]
pub(super) enum Piece {
    Kept(Rows),
    /// A new pack and the output number of its first row.
    New(Arc<Pack>, u32),
}

/// A pack that was rewritten, as it was when that began.
#[derive(Debug)]
pub(super) struct PackSource {
    pub(super) rows: Rows,
    /// Entries of its delete vector's tail that were taken into account.
    pub(super) tail_seen: usize,
    /// Output number of each row.
    pub(super) map: Vec<u32>,
}

/// A prepared merge: new files, and how to get from the old arrays to them.
#[derive(Debug)]
pub(crate) struct Merge {
    /// The schema that all rows here are laid out by.
    pub(super) schema: Arc<TableSchema>,
    /// Delta rows from this ordinal on are newer than the merge.
    pub(super) upto: u64,
    pub(super) packs: Vec<PackSource>,
    /// Parts of the delta that lose rows, in the delta's order.
    pub(super) delta: Vec<DeltaSource>,
    /// What stays of those that are written anew.
    pub(super) rest: Vec<Rest>,
    pub(super) stable: Vec<Piece>,
    /// First keys of the segments that this one becomes, but the first.
    pub(super) cuts: Vec<RowKey>,
    /// New history of each segment that this one becomes.
    pub(super) history: Vec<Option<RowSet>>,
    /// Old history that was dropped or taken over into the new.
    pub(super) history_gone: Vec<Rows>,
    /// Bytes of the files written.
    pub(crate) bytes_written: u64,
}

impl Merge {
    /// Merges what the plan names of the sealed `segment`. Blocks for as long as reading and writing
    /// take.
    pub(crate) fn prepare(segment: &Segment, plan: &MergePlan, context: &MergeContext<'_>) -> Result<Self> {
        let mut history = HistoryOutput::default();
        let mut delta = DeltaSource::of(segment, plan, context)?;
        let sorted = SortedDelta::read(&delta, context, &mut history)?;
        let mut merge = Self {
            schema: context.schema.clone(),
            upto: segment.delta.sealed(),
            packs: Vec::new(),
            delta: Vec::new(),
            rest: Vec::new(),
            stable: Vec::new(),
            cuts: Vec::new(),
            history: Vec::new(),
            history_gone: Vec::new(),
            bytes_written: 0,
        };
        merge.write_packs(segment, plan, context, &sorted, &mut delta, &mut history)?;
        merge.rest = Rest::of(&delta, context)?;
        merge.delta = delta;
        if plan.whole_delta {
            merge.choose_cuts(context);
        }
        merge.collect_history(segment, context, &mut history)?;
        for side in 0..=merge.cuts.len() {
            let set = history.write(context.files, context.schema, |key| merge.side(key) == side)?;
            merge.bytes_written += set.as_ref().map_or(0, |s| s.rows.disk_bytes());
            merge.history.push(set);
        }
        Ok(merge)
    }

    /// Which of the segments-to-be holds `key`.
    pub(super) fn side(&self, key: KeyRef<'_>) -> usize {
        self.cuts.partition_point(|cut| cut.as_ref() <= key)
    }

    /// Goes through packs and sorted delta in key order: kept packs as they are, between them groups
    /// of packs and delta rows that become new packs.
    fn write_packs(
        &mut self,
        segment: &Segment,
        plan: &MergePlan,
        context: &MergeContext<'_>,
        sorted: &SortedDelta,
        delta: &mut [DeltaSource],
        history: &mut HistoryOutput,
    ) -> Result<()> {
        let groups = divide_into_groups(segment, plan, sorted, context.pack_rows);
        let mut outputs = write_groups(segment, context, sorted, &groups)?.into_iter().zip(&groups).peekable();
        let mut next = 0;
        for i in 0..=segment.stable.packs.len() {
            while let Some((output, group)) = outputs.next_if(|(_, group)| group.packs.start <= i) {
                next = self.take_output(segment, group, output, next, sorted, delta, history);
            }
            if i < segment.stable.packs.len() && !plan.pack(i) {
                self.stable.push(Piece::Kept(segment.stable.packs[i].rows.clone()));
            }
        }
        Ok(())
    }

    /// Numbers the rows of one group from `next` on; gives the number after the last.
    #[expect(clippy::too_many_arguments, reason = "one step of `write_packs`, which owns all of this")]
    fn take_output(
        &mut self,
        segment: &Segment,
        group: &Group,
        output: GroupOutput,
        mut next: u32,
        sorted: &SortedDelta,
        delta: &mut [DeltaSource],
        history: &mut HistoryOutput,
    ) -> u32 {
        let renumbered = |number: u32| if number == DROPPED { DROPPED } else { next + number };
        for (i, map) in group.packs.clone().zip(output.pack_maps) {
            let set = &segment.stable.packs[i];
            let map = map.into_iter().map(renumbered).collect();
            self.packs.push(PackSource { rows: set.rows.clone(), tail_seen: set.deletes.tail_len(), map });
        }
        for ((source, row), number) in sorted.origin[group.delta.clone()].iter().zip(output.delta_numbers) {
            delta[*source].map[*row as usize] = renumbered(number);
        }
        history.append(output.history);
        for pack in output.packs {
            let rows = pack.rows();
            self.bytes_written += pack.bytes_on_disk();
            self.stable.push(Piece::New(pack, next));
            next += rows;
        }
        next
    }

    /// If the stable has grown too large: cuts it, between packs, into halves of the limit.
    fn choose_cuts(&mut self, context: &MergeContext<'_>) {
        let packs: Vec<&Arc<Pack>> = self.stable.iter().filter_map(Piece::pack).collect();
        let total: u64 = packs.iter().map(|p| u64::from(p.rows())).sum();
        if total <= context.segment_rows_limit {
            return;
        }
        let each = context.segment_rows_limit / 2;
        let mut rows = 0;
        for pack in packs {
            if rows >= each && pack.zone_count() > 0 {
                self.cuts.push(pack.zone_first_key(0).to_owned());
                rows = 0;
            }
            rows += u64::from(pack.rows());
        }
    }

    /// Drops what nobody needs of the old history; takes over the rest if it must be divided.
    fn collect_history(
        &mut self,
        segment: &Segment,
        context: &MergeContext<'_>,
        history: &mut HistoryOutput,
    ) -> Result<()> {
        for set in &segment.history {
            if !set.deletes.all_dead_at(context.safe_point) {
                if self.cuts.is_empty() {
                    continue;
                }
                history.add_needed(set, context)?;
            }
            self.history_gone.push(set.rows.clone());
        }
        Ok(())
    }
}

impl Piece {
    fn pack(&self) -> Option<&Arc<Pack>> {
        match self {
            Self::Kept(rows) => rows.pack(),
            Self::New(pack, _) => Some(pack),
        }
    }
}

/// Writes the groups, which do not depend on each other.
fn write_groups(
    segment: &Segment,
    context: &MergeContext<'_>,
    sorted: &SortedDelta,
    groups: &[Group],
) -> Result<Vec<GroupOutput>> {
    let write = |group: &Group| group.write(segment, context, sorted);
    match context.pool {
        Some(pool) => pool.install(|| groups.par_iter().map(write).collect()),
        None => groups.iter().map(write).collect(),
    }
}
