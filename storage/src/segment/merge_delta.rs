//! Merge-delta, the slow part: reads a frozen segment and writes its new packs. Takes no lock.
//!
//! ```text
//! stable   [ 1..9 ]   [ 12..20 ]    [ 31..40 ]              a pack is rewritten if delta keys lie
//! delta               ≋ 14  15 ≋        ≋ 52 55 ≋           in its bounds, or if much of it is dead
//! becomes  [ 1..9 ]   [ 12 ... 20 ] [ 31..40 ] [ 52, 55 ]   the others are kept as they are
//! ```
//!
//! Of the rows that are read,
//! * those not deleted go to new packs (they have distinct keys: that is what apply's deletions are
//!   for), and a map remembers where each went;
//! * those deleted after the safe point go to *history*: some reader may still see them;
//! * those deleted at or before the safe point are dropped;
//! * tombstones are dropped once the durable replay position has passed them. Before, a replay could
//!   bring back an older version of the key, which nothing would then reject; so they stay in the
//!   delta.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{BooleanArray, UInt32Array};

use super::Segment;
use super::merge_output::{HistoryOutput, PackOutput};
use crate::delta::DeltaPart;
use crate::error::Result;
use crate::manifest::Files;
use crate::pack::{Pack, PackRows};
use crate::row_set::{RowSet, Rows, concat_rows, filter_rows, interleave_rows, key_order, take_keys, take_rows};
use crate::scan::merge_keys;
use crate::types::{KeyArray, KeyRef, RowKey, TableSchema, Timestamp};

/// A pack is rewritten for its dead rows alone when they are this share of it, in percent.
const DEAD_PERCENT: u64 = 20;
/// A row that went nowhere.
pub(super) const DROPPED: u32 = u32::MAX;

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
}

/// A piece of the new stable.
#[derive(Debug)]
pub(super) enum Piece {
    Kept(Rows),
    /// A new pack and the output number of its first row.
    New(Arc<Pack>, u32),
}

/// An array that was rewritten, as it was when that began.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) rows: Rows,
    /// Entries of its delete vector's tail that were taken into account.
    pub(super) tail_seen: usize,
    /// Output number of each row.
    pub(super) map: Vec<u32>,
}

impl Source {
    fn new(set: &RowSet) -> Self {
        Self { rows: set.rows.clone(), tail_seen: set.deletes.tail_len(), map: vec![DROPPED; set.len()] }
    }
}

/// A prepared merge: new files, and how to get from the old arrays to them.
#[derive(Debug)]
pub(crate) struct Merge {
    /// The schema that all rows here are laid out by.
    pub(super) schema: Arc<TableSchema>,
    /// Delta rows below this ordinal were merged.
    pub(super) upto: u64,
    pub(super) sources: Vec<Source>,
    pub(super) stable: Vec<Piece>,
    /// First keys of the segments that this one becomes, but the first.
    pub(super) cuts: Vec<RowKey>,
    /// Tombstones to be kept, with their ordinals.
    pub(super) tombstones: Option<(PackRows, Vec<u64>)>,
    /// New history of each segment that this one becomes.
    pub(super) history: Vec<Option<RowSet>>,
    /// Old history that was dropped or taken over into the new.
    pub(super) history_gone: Vec<Rows>,
    /// Bytes of the files written.
    pub(crate) bytes_written: u64,
}

/// The delta's rows that go into packs, in key order.
struct SortedDelta {
    rows: PackRows,
    /// Source (position in `Merge::sources`) and row of each.
    origin: Vec<(usize, u32)>,
}

impl Merge {
    /// Merges the sealed delta of `segment` into its stable. Blocks for as long as reading and
    /// writing take.
    pub(crate) fn prepare(segment: &Segment, context: &MergeContext<'_>) -> Result<Self> {
        let mut merge = Self {
            schema: context.schema.clone(),
            upto: segment.delta.sealed(),
            sources: Vec::new(),
            stable: Vec::new(),
            cuts: Vec::new(),
            tombstones: None,
            history: Vec::new(),
            history_gone: Vec::new(),
            bytes_written: 0,
        };
        let mut history = HistoryOutput::default();
        let delta = merge.read_delta(segment, context, &mut history)?;
        merge.write_packs(segment, context, delta, &mut history)?;
        merge.choose_cuts(context);
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

    fn read_delta(
        &mut self,
        segment: &Segment,
        context: &MergeContext<'_>,
        history: &mut HistoryOutput,
    ) -> Result<Option<SortedDelta>> {
        let mut zones = Vec::new();
        let mut live = Vec::new();
        let mut origin = Vec::new();
        let mut kept_tombstones = Vec::new();
        let mut base = 0u32;
        for part in segment.delta.parts().iter().filter(|p| p.start < self.upto) {
            let source = self.sources.len();
            self.sources.push(Source::new(&part.set));
            let needed = needed_after(&part.set, context.safe_point);
            for zone in 0..part.set.rows.zone_count() {
                let rows = part.set.rows.read_zone(context.schema, zone)?;
                let start = part.set.rows.zone_rows(zone).start;
                history.add(&rows, &in_zone(&needed, start, rows.len()))?;
                for row in 0..rows.len() {
                    let in_set = (start + row) as u32;
                    if !part.set.deletes.is_deleted(in_set) {
                        live.push(base + row as u32);
                        origin.push((source, in_set));
                    } else if is_needed_tombstone(segment, part, &rows, row, in_set, context) {
                        kept_tombstones.push((base + row as u32, part.start + u64::from(in_set)));
                    }
                }
                base += rows.len() as u32;
                zones.push(rows);
            }
        }
        if zones.is_empty() {
            return Ok(None);
        }
        let all = concat_rows(&zones)?;
        drop(zones);
        if !kept_tombstones.is_empty() {
            let (rows, ordinals): (Vec<u32>, Vec<u64>) = kept_tombstones.into_iter().unzip();
            self.tombstones = Some((take_rows(&all, &rows.into())?, ordinals));
        }
        let order = key_order(&take_keys(&all.keys, &UInt32Array::from(live.clone()))?);
        let sorted: Vec<u32> = order.iter().map(|i| live[*i as usize]).collect();
        let mut rows = take_rows(&all, &sorted.into())?;
        rows.tombstones = None;
        Ok(Some(SortedDelta { rows, origin: order.iter().map(|i| origin[*i as usize]).collect() }))
    }

    /// Goes through packs and sorted delta in key order: kept packs as they are, between them runs of
    /// packs and delta rows that are merged into new packs.
    fn write_packs(
        &mut self,
        segment: &Segment,
        context: &MergeContext<'_>,
        delta: Option<SortedDelta>,
        history: &mut HistoryOutput,
    ) -> Result<()> {
        let keys = delta.as_ref().map(|d| &d.rows.keys);
        let rewritten = packs_to_rewrite(segment, keys, context);
        let mut output = PackOutput::new(context.files, context.schema);
        let mut at = 0;
        let mut run = Vec::new();
        for (i, set) in segment.stable.packs.iter().enumerate() {
            if rewritten[i] {
                run.push(i);
                continue;
            }
            let border = segment.stable.bounds(i).map(|(first, _)| first);
            let end = border.map_or(at, |first| at + before(keys, at, first));
            self.merge_run(segment, &run, delta.as_ref(), at..end, &mut output, context, history)?;
            self.stable.push(Piece::Kept(set.rows.clone()));
            run.clear();
            at = end;
        }
        let end = keys.map_or(0, KeyArray::len);
        self.merge_run(segment, &run, delta.as_ref(), at..end, &mut output, context, history)
    }

    #[expect(clippy::too_many_arguments, reason = "one step of `write_packs`, which owns all of this")]
    fn merge_run(
        &mut self,
        segment: &Segment,
        packs: &[usize],
        delta: Option<&SortedDelta>,
        delta_rows: std::ops::Range<usize>,
        output: &mut PackOutput<'_>,
        context: &MergeContext<'_>,
        history: &mut HistoryOutput,
    ) -> Result<()> {
        let live: u64 = packs.iter().map(|i| segment.stable.packs[*i].live()).sum();
        output.begin(live as usize + delta_rows.len(), context.pack_rows);
        let loose = delta.map(|d| d.rows.slice(delta_rows.start, delta_rows.len()));
        let mut at = 0;
        for i in packs {
            let set = &segment.stable.packs[*i];
            let source = self.sources.len();
            self.sources.push(Source::new(set));
            let needed = needed_after(set, context.safe_point);
            for zone in 0..set.rows.zone_count() {
                let range = set.rows.zone_rows(zone);
                let mut rows = set.rows.read_zone(context.schema, zone)?;
                rows.tombstones = None;
                history.add(&rows, &in_zone(&needed, range.start, rows.len()))?;
                let mut origin: Vec<u32> = (range.start as u32..range.end as u32).collect();
                if let Some(mask) = set.deletes.current().mask(range.start, range.len()) {
                    origin = mask.set_indices().map(|row| (range.start + row) as u32).collect();
                    rows = filter_rows(&rows, &BooleanArray::new(mask, None))?;
                }
                let Some(loose) = &loose else {
                    self.emit(output, &rows, origin.iter().map(|row| (source, *row)))?;
                    continue;
                };
                let (places, reached) = merge_keys(&rows.keys, &loose.keys, at, false);
                let merged = if reached == at { rows } else { interleave_rows(&[rows, loose.clone()], &places)? };
                at = reached;
                let of_delta = |row: usize| delta.map_or((0, 0), |d| d.origin[delta_rows.start + row]);
                let from = places.iter().map(|(side, row)| match side {
                    0 => (source, origin[*row]),
                    _ => of_delta(*row),
                });
                self.emit(output, &merged, from)?;
            }
        }
        if let (Some(loose), Some(delta)) = (&loose, delta) {
            let rest = loose.slice(at, loose.len() - at);
            let from = &delta.origin[delta_rows.start + at..delta_rows.end];
            self.emit(output, &rest, from.iter().copied())?;
        }
        let last = output.end()?;
        self.push_packs(last);
        Ok(())
    }

    fn emit(
        &mut self,
        output: &mut PackOutput<'_>,
        rows: &PackRows,
        from: impl Iterator<Item = (usize, u32)>,
    ) -> Result<()> {
        for (number, (source, row)) in (output.next..).zip(from) {
            self.sources[source].map[row as usize] = number;
        }
        let full = output.write(rows)?;
        self.push_packs(full);
        Ok(())
    }

    fn push_packs(&mut self, packs: impl IntoIterator<Item = (Arc<Pack>, u32)>) {
        for (pack, first) in packs {
            self.bytes_written += pack.bytes_on_disk();
            self.stable.push(Piece::New(pack, first));
        }
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
                let needed = needed_after(set, context.safe_point);
                for zone in 0..set.rows.zone_count() {
                    let rows = set.rows.read_zone(context.schema, zone)?;
                    let start = set.rows.zone_rows(zone).start;
                    history.add(&rows, &in_zone(&needed, start, rows.len()))?;
                }
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

/// Rows deleted after the safe point, by row.
fn needed_after(set: &RowSet, safe_point: Timestamp) -> HashMap<u32, Timestamp> {
    set.deletes.tail().filter(|e| e.commit_ts > safe_point).map(|e| (e.row, e.commit_ts)).collect()
}

/// Those of `needed` that lie in a zone, numbered in the zone.
fn in_zone(needed: &HashMap<u32, Timestamp>, start: usize, len: usize) -> Vec<(u32, Timestamp)> {
    if needed.is_empty() {
        return Vec::new();
    }
    (0..len as u32).filter_map(|row| needed.get(&(start as u32 + row)).map(|ts| (row, *ts))).collect()
}

/// Whether a deleted delta row is the newest of its key, a tombstone, and may yet meet a replay.
fn is_needed_tombstone(
    segment: &Segment,
    part: &DeltaPart,
    rows: &PackRows,
    row: usize,
    in_set: u32,
    context: &MergeContext<'_>,
) -> bool {
    rows.tombstones.as_ref().is_some_and(|t| t.value(row))
        && rows.commit_ts.value(row) > context.replay_floor.0
        && segment.index.read().get(rows.keys.get(row)).is_some_and(|e| e.ordinal == part.start + u64::from(in_set))
}

/// How many keys from `from` on are before `border`.
fn before(keys: Option<&KeyArray>, from: usize, border: KeyRef<'_>) -> usize {
    let Some(keys) = keys else { return 0 };
    let (mut low, mut high) = (from, keys.len());
    while low < high {
        let mid = low + (high - low) / 2;
        if keys.get(mid) < border { low = mid + 1 } else { high = mid }
    }
    low - from
}

/// Packs with delta keys within their bounds, packs with much to reclaim, and small packs next to
/// rows that will be written anyway or to each other.
fn packs_to_rewrite(segment: &Segment, keys: Option<&KeyArray>, context: &MergeContext<'_>) -> Vec<bool> {
    let packs = &segment.stable.packs;
    let mut rewrite = vec![false; packs.len()];
    let mut loose_before = vec![false; packs.len() + 1];
    let mut at = 0;
    for (i, set) in packs.iter().enumerate() {
        let Some((first, last)) = segment.stable.bounds(i) else { continue };
        let gap = before(keys, at, first);
        loose_before[i] = gap > 0;
        at += gap;
        let mut inside = before(keys, at, last);
        inside += usize::from(keys.is_some_and(|k| at + inside < k.len() && k.get(at + inside) == last));
        at += inside;
        let reclaimable = set.deletes.count_at(context.safe_point);
        rewrite[i] = inside > 0 || (reclaimable > 0 && reclaimable * 100 >= set.len() as u64 * DEAD_PERCENT);
    }
    loose_before[packs.len()] = keys.is_some_and(|k| at < k.len());
    let small = |i: usize| packs[i].len() * 2 < context.pack_rows;
    let touched = rewrite.clone();
    for i in 0..packs.len() {
        let beside = |j: usize| touched[j] || small(j);
        let neighbour = (i > 0 && beside(i - 1)) || (i + 1 < packs.len() && beside(i + 1));
        rewrite[i] |= small(i) && (loose_before[i] || loose_before[i + 1] || neighbour);
    }
    rewrite
}
