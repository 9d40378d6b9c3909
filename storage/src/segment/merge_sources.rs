//! What merge-delta takes out of the delta: which rows go where, and those for packs in key order.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::UInt32Array;

use super::Segment;
use super::merge_delta::{DROPPED, MergeContext, STAYS};
use super::merge_output::HistoryOutput;
use super::merge_plan::{MergePlan, Slots, droppable};
use crate::delta::DeltaPart;
use crate::error::Result;
use crate::pack::{PackRows, concat_keys, concat_rows, interleave_rows, key_order, take_keys, take_rows};
use crate::row_set::{MemoryRows, RowSet};
use crate::types::{KeyArray, Timestamp};

/// A row that goes to a pack, and has no number there yet.
const GOES: u32 = u32::MAX - 2;

/// A part of the delta that loses rows to a merge, as it was when that began.
#[derive(Debug)]
pub(super) struct DeltaSource {
    /// Its place among the parts.
    part: usize,
    pub(super) start: u64,
    pub(super) set: RowSet,
    /// For each row: its output number in the packs, [`STAYS`] or [`DROPPED`].
    pub(super) map: Vec<u32>,
    /// Rows that go to history, with the timestamps of their deletion.
    superseded: Vec<(u32, Timestamp)>,
    /// Whether what stays is written anew. Otherwise what goes is hidden.
    pub(super) anew: bool,
}

impl DeltaSource {
    /// The sealed parts that lose rows.
    pub(super) fn of(segment: &Segment, plan: &MergePlan, context: &MergeContext<'_>) -> Result<Vec<Self>> {
        let slots = Slots::of(segment);
        let mut sources = Vec::new();
        for (i, part) in segment.delta.parts().iter().enumerate() {
            if part.start >= segment.delta.sealed() {
                break;
            }
            let mostly_dead = || droppable(part, context.safe_point, context.replay_floor) * 2 >= part.set.len() as u64;
            if !plan.any() && !mostly_dead() {
                continue;
            }
            let source = Self::classify(segment, i, part, plan, &slots, context)?;
            sources.extend(source);
        }
        Ok(sources)
    }

    /// Decides each row's fate; `None` if all stay.
    fn classify(
        segment: &Segment,
        number: usize,
        part: &DeltaPart,
        plan: &MergePlan,
        slots: &Slots<'_>,
        context: &MergeContext<'_>,
    ) -> Result<Option<Self>> {
        let set = &part.set;
        let needed = needed_after(set, context.safe_point);
        let mut map = vec![STAYS; set.len()];
        let mut superseded = Vec::new();
        let mut stay = 0;
        for zone in 0..set.rows.zone_count() {
            let keys = set.rows.read_keys(zone)?;
            let commit_ts = set.rows.read_commit_ts(zone)?;
            let tombstones = set.rows.read_tombstones(zone)?;
            for (at, row) in set.rows.zone_rows(zone).enumerate() {
                let merged = plan.any() && plan.slots[slots.find(keys.get(at))];
                let in_set = row as u32;
                let fate = if !set.deletes.is_deleted(in_set) {
                    if merged { GOES } else { STAYS }
                } else if tombstones.as_ref().is_some_and(|t| t.value(at)) {
                    // Of a key that is not merged, readers may need the version that the tombstone
                    // hides, and find it by the tombstone.
                    let passed =
                        if merged { context.replay_floor } else { context.replay_floor.min(context.safe_point) };
                    let needed = commit_ts.value(at) > passed.0 && {
                        let newest = segment.index.read().get(keys.get(at));
                        newest.is_some_and(|e| e.ordinal == part.start + u64::from(in_set))
                    };
                    if needed { STAYS } else { DROPPED }
                } else if let Some(deleted_at) = needed.get(&in_set) {
                    if merged {
                        superseded.push((in_set, *deleted_at));
                    }
                    if merged { DROPPED } else { STAYS }
                } else {
                    DROPPED
                };
                map[row] = fate;
                stay += usize::from(fate == STAYS);
            }
        }
        let anew = plan.whole_delta || stay * 2 <= set.len();
        let source = Self { part: number, start: part.start, set: set.clone(), map, superseded, anew };
        Ok((stay < set.len()).then_some(source))
    }

    fn end(&self) -> u64 {
        self.start + self.set.len() as u64
    }

    /// The rows of a zone that have this fate, numbered in the zone.
    fn rows_of(&self, zone: Range<usize>, fate: u32) -> Vec<u32> {
        self.map[zone].iter().zip(0..).filter(|(f, _)| **f == fate).map(|(_, row)| row).collect()
    }
}

/// Rows deleted after the safe point, by row.
pub(super) fn needed_after(set: &RowSet, safe_point: Timestamp) -> HashMap<u32, Timestamp> {
    set.deletes.tail().filter(|e| e.commit_ts > safe_point).map(|e| (e.row, e.commit_ts)).collect()
}

/// Rows of the delta that go to packs, in key order.
pub(super) struct SortedDelta {
    zones: Vec<PackRows>,
    /// Zone and row of each.
    places: Vec<(usize, usize)>,
    /// Source and row of each.
    pub(super) origin: Vec<(usize, u32)>,
    pub(super) keys: KeyArray,
}

impl SortedDelta {
    /// Reads the rows that go, and hands those that readers of the past need to `history`.
    pub(super) fn read(
        sources: &[DeltaSource],
        context: &MergeContext<'_>,
        history: &mut HistoryOutput,
    ) -> Result<Self> {
        let (mut zones, mut places, mut origin) = (Vec::new(), Vec::new(), Vec::new());
        for (number, source) in sources.iter().enumerate() {
            for zone in 0..source.set.rows.zone_count() {
                let range = source.set.rows.zone_rows(zone);
                let goes = source.rows_of(range.clone(), GOES);
                let superseded: Vec<(u32, Timestamp)> = source
                    .superseded
                    .iter()
                    .filter(|(row, _)| range.contains(&(*row as usize)))
                    .map(|(row, ts)| (row - range.start as u32, *ts))
                    .collect();
                if goes.is_empty() && superseded.is_empty() {
                    continue;
                }
                let mut rows = source.set.rows.read_zone(context.schema, zone)?;
                history.add(&rows, &superseded)?;
                places.extend((0..goes.len()).map(|row| (zones.len(), row)));
                origin.extend(goes.iter().map(|row| (number, range.start as u32 + row)));
                if goes.len() < rows.len() {
                    rows = take_rows(&rows, &goes.into())?;
                }
                rows.tombstones = None;
                zones.push(rows);
            }
        }
        let keys: Vec<KeyArray> = zones.iter().map(|rows| rows.keys.clone()).collect();
        let keys = concat_keys(&keys, context.schema.key)?;
        let order = key_order(&keys);
        Ok(Self {
            zones,
            places: order.iter().map(|i| places[*i as usize]).collect(),
            origin: order.iter().map(|i| origin[*i as usize]).collect(),
            keys: take_keys(&keys, &UInt32Array::from(order))?,
        })
    }

    /// Some of the rows; `None` if there are none.
    pub(super) fn rows(&self, range: Range<usize>) -> Result<Option<PackRows>> {
        if range.is_empty() {
            return Ok(None);
        }
        interleave_rows(&self.zones, &self.places[range]).map(Some)
    }
}

/// What stays of neighbouring parts that are written anew, as one part.
#[derive(Debug)]
pub(super) struct Rest {
    /// The sources.
    pub(super) sources: Range<usize>,
    /// Ordinals that are replaced.
    pub(super) ordinals: Range<u64>,
    /// Ordinal of the first row; they are the last of those replaced.
    pub(super) start: u64,
    /// Old ordinals of the rows, ascending.
    old: Vec<u64>,
    /// None if nothing stays.
    pub(super) rows: Option<Arc<MemoryRows>>,
}

impl Rest {
    /// What stays of all sources that are written anew.
    pub(super) fn of(sources: &[DeltaSource], context: &MergeContext<'_>) -> Result<Vec<Self>> {
        let mut out = Vec::new();
        let mut from = 0;
        while from < sources.len() {
            if !sources[from].anew {
                from += 1;
                continue;
            }
            let next = |i: &usize| sources[*i].anew && sources[*i].part == sources[*i - 1].part + 1;
            let to = (from + 1..sources.len()).find(|i| !next(i)).unwrap_or(sources.len());
            out.push(Self::of_run(sources, from..to, context)?);
            from = to;
        }
        Ok(out)
    }

    fn of_run(sources: &[DeltaSource], run: Range<usize>, context: &MergeContext<'_>) -> Result<Self> {
        let mut pieces = Vec::new();
        let mut old = Vec::new();
        for source in &sources[run.clone()] {
            for zone in 0..source.set.rows.zone_count() {
                let range = source.set.rows.zone_rows(zone);
                let stay = source.rows_of(range.clone(), STAYS);
                if !stay.is_empty() {
                    let first = source.start + range.start as u64;
                    old.extend(stay.iter().map(|row| first + u64::from(*row)));
                    pieces.push(take_rows(&source.set.rows.read_zone(context.schema, zone)?, &stay.into())?);
                }
            }
        }
        let ordinals = sources[run.start].start..sources[run.end - 1].end();
        let rows = match pieces.as_slice() {
            [] => None,
            pieces => Some(Arc::new(MemoryRows::new(context.schema.clone(), concat_rows(pieces)?))),
        };
        Ok(Self { sources: run, start: ordinals.end - old.len() as u64, ordinals, old, rows })
    }

    /// The new ordinal of a row that stays.
    pub(super) fn ordinal(&self, old: u64) -> Option<u64> {
        self.old.binary_search(&old).ok().map(|at| self.start + at as u64)
    }
}
