//! Merge-delta, the short part: the new packs take the place of what they were made from.
//!
//! Between preparing and applying, the writer may have deleted rows that were rewritten. Those
//! deletions are the entries that the sources' tails have gained since; each is carried to where its
//! row went. Rows that stay in the delta keep theirs anyway.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::BooleanArray;
use parking_lot::RwLock;

use super::Segment;
use super::merge_delta::{DROPPED, Merge, Piece, STAYS};
use super::merge_sources::DeltaSource;
use crate::delete_vector::{DeleteVector, Deletion};
use crate::delta::{Delta, DeltaPart};
use crate::delta_index::{DeltaIndex, IndexEntry};
use crate::engine::UpdateGuard;
use crate::error::{Error, Result};
use crate::pack::{concat_rows, filter_rows};
use crate::row_set::{MemoryRows, RowSet, Rows};
use crate::stable::Stable;
use crate::types::{KeyRange, SegmentId, TableSchema};

impl Merge {
    /// The segments that take the place of `segment`, which is the newest version of the one that
    /// this merge was prepared from; the guard proves that it stays the newest.
    pub(crate) fn apply(
        self,
        _guard: &UpdateGuard<'_>,
        segment: &Segment,
        mut new_id: impl FnMut() -> SegmentId,
    ) -> Result<Vec<Segment>> {
        let stable = self.new_stable(segment)?;
        let mut merged = segment.clone();
        merged.history.retain(|set| !self.history_gone.iter().any(|gone| gone.same(&set.rows)));
        self.take_from_delta(segment, &mut merged.delta)?;
        if self.cuts.is_empty() {
            merged.stable = Stable::new(stable);
            let index = self.new_index(&segment.index.read(), merged.delta.first());
            merged.index = Arc::new(RwLock::new(index));
            merged.history.extend(self.history.into_iter().flatten());
            return Ok(vec![merged]);
        }
        self.split(merged, stable, &mut new_id)
    }

    /// Kept packs as they are now, new ones with the deletions that have come since.
    fn new_stable(&self, segment: &Segment) -> Result<Vec<RowSet>> {
        let mut carried = Carried::new(&self.stable);
        for source in &self.packs {
            let now = segment.stable.packs.iter().find(|set| set.rows.same(&source.rows));
            let now = now.ok_or_else(|| lost(segment))?;
            carried.add(&source.map, &now.deletes, source.tail_seen).ok_or_else(|| lost(segment))?;
        }
        for source in &self.delta {
            let now = source.now(&segment.delta).ok_or_else(|| lost(segment))?;
            let seen = source.set.deletes.tail_len();
            carried.add(&source.map, &now.deletes, seen).ok_or_else(|| lost(segment))?;
        }
        let mut kept = segment.stable.packs.iter();
        let mut out = Vec::with_capacity(self.stable.len());
        for (i, piece) in self.stable.iter().enumerate() {
            out.push(match piece {
                // Both lists are in key order.
                Piece::Kept(rows) => kept.find(|set| set.rows.same(rows)).cloned().ok_or_else(|| lost(segment))?,
                Piece::New(pack, _) => {
                    let mut deletes = DeleteVector::new(pack.rows() as usize);
                    deletes.append(carried.entries.get(&i).map_or(&[], Vec::as_slice));
                    RowSet::file(pack.clone(), deletes)?
                }
            });
        }
        Ok(out)
    }

    /// Hides what has gone from parts that stay, and puts what stays of the others in their place.
    fn take_from_delta(&self, segment: &Segment, delta: &mut Delta) -> Result<()> {
        for source in self.delta.iter().filter(|source| !source.anew) {
            let gone = source.map.iter().zip(0..).filter(|(fate, _)| **fate != STAYS).map(|(_, row)| row);
            delta.hide(source.start, gone);
        }
        for rest in &self.rest {
            let mut parts = Vec::new();
            if let Some(rows) = &rest.rows {
                let mut vectors = Vec::new();
                for source in &self.delta[rest.sources.clone()] {
                    let now = source.now(&segment.delta).ok_or_else(|| lost(segment))?;
                    vectors.push(now.deletes.select(&source.staying()));
                }
                let deletes = Arc::new(DeleteVector::concat(&vectors));
                parts.push(DeltaPart { start: rest.start, set: RowSet { rows: Rows::Memory(rows.clone()), deletes } });
            }
            delta.replace(rest.ordinals.start, rest.ordinals.end, parts);
        }
        Ok(())
    }

    /// The index without the keys whose newest row has left the delta.
    fn new_index(&self, index: &DeltaIndex, base: u64) -> DeltaIndex {
        index.rebased(base, |entry| self.new_ordinal(entry))
    }

    fn new_ordinal(&self, entry: IndexEntry) -> Option<u64> {
        if entry.ordinal >= self.upto {
            return Some(entry.ordinal);
        }
        let source = self.delta.partition_point(|source| source.start <= entry.ordinal);
        let fate = source.checked_sub(1).and_then(|i| {
            let source = &self.delta[i];
            source.map.get((entry.ordinal - source.start) as usize).map(|fate| (i, *fate))
        });
        let Some((source, fate)) = fate else {
            // Of a part from which nothing was taken.
            return Some(entry.ordinal);
        };
        match fate {
            STAYS if self.delta[source].anew => {
                self.rest.iter().find(|rest| rest.sources.contains(&source))?.ordinal(entry.ordinal)
            }
            STAYS => Some(entry.ordinal),
            _ => None,
        }
    }

    /// Divides the segment at the cuts. What is left of the delta is little: it is divided in memory.
    fn split(
        self,
        merged: Segment,
        stable: Vec<RowSet>,
        new_id: &mut impl FnMut() -> SegmentId,
    ) -> Result<Vec<Segment>> {
        let schema = &self.schema;
        let mut out: Vec<Segment> = Vec::new();
        let mut rest = merged.range.clone();
        for cut in &self.cuts {
            let (left, right) = rest.split(cut.clone());
            out.push(Segment::new(new_id(), left, schema.key));
            rest = right;
        }
        out.push(Segment::new(new_id(), rest, schema.key));
        for set in stable {
            let first = set.rows.zone_keys(0).map(|(first, _)| first);
            let side = first.map_or(0, |key| self.side(key));
            out[side].stable.packs.push(set);
        }
        for (side, history) in out.iter_mut().zip(&self.history) {
            side.history.extend(history.clone());
        }
        for segment in &mut out {
            segment.delta = divide(&merged.delta, &segment.range, schema)?;
            segment.rebuild_index(schema.key)?;
        }
        Ok(out)
    }
}

/// Deletions on their way to the new packs.
struct Carried<'a> {
    pieces: &'a [Piece],
    /// Number of the first row of each new pack, and its place among the pieces.
    starts: Vec<(u32, usize)>,
    entries: BTreeMap<usize, Vec<Deletion>>,
}

impl<'a> Carried<'a> {
    fn new(pieces: &'a [Piece]) -> Self {
        let start = |(i, piece): (usize, &Piece)| match piece {
            Piece::New(_, first) => Some((*first, i)),
            Piece::Kept(_) => None,
        };
        let starts = pieces.iter().enumerate().filter_map(start).collect();
        Self { pieces, starts, entries: BTreeMap::new() }
    }

    /// Adds the entries that a vector has gained since its tail had `seen`. `None` if a row that went
    /// nowhere was deleted, which cannot be.
    fn add(&mut self, map: &[u32], now: &DeleteVector, seen: usize) -> Option<()> {
        for entry in now.tail_from(seen) {
            let number = map[entry.row as usize];
            if number == STAYS {
                continue;
            }
            let at = self.starts.partition_point(|(first, _)| *first <= number).checked_sub(1)?;
            let (first, piece) = self.starts[at];
            let within = matches!(&self.pieces[piece], Piece::New(pack, _) if number - first < pack.rows());
            if number == DROPPED || !within {
                return None;
            }
            self.entries.entry(piece).or_default().push(Deletion { row: number - first, ..entry });
        }
        Some(())
    }
}

impl DeltaSource {
    /// The source's rows as they are now.
    fn now<'a>(&self, delta: &'a Delta) -> Option<&'a RowSet> {
        let (part, _) = delta.locate(self.start)?;
        Some(&delta.parts()[part].set).filter(|set| set.rows.same(&self.set.rows))
    }

    /// Which rows stay in the delta.
    fn staying(&self) -> Vec<bool> {
        self.map.iter().map(|fate| *fate == STAYS).collect()
    }
}

/// The rows of a delta whose keys lie in the range, in memory, numbered anew.
fn divide(delta: &Delta, range: &KeyRange, schema: &Arc<TableSchema>) -> Result<Delta> {
    let mut out = Delta::default();
    for part in delta.parts() {
        let zones = 0..part.set.rows.zone_count();
        let zones: Vec<_> = zones.map(|zone| part.set.rows.read_zone(schema, zone)).collect::<Result<_>>()?;
        let rows = concat_rows(&zones)?;
        let inside: Vec<bool> = (0..rows.len()).map(|row| range.contains(rows.keys.get(row))).collect();
        if !inside.contains(&true) {
            continue;
        }
        let deletes = part.set.deletes.select(&inside);
        let rows = filter_rows(&rows, &BooleanArray::from(inside))?;
        let rows = Rows::Memory(Arc::new(MemoryRows::new(schema.clone(), rows)));
        out.append(RowSet { rows, deletes: Arc::new(deletes) });
    }
    Ok(out)
}

fn lost(segment: &Segment) -> Error {
    Error::Internal(format!("segment {} changed under merge-delta", segment.id))
}
