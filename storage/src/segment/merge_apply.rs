//! Merge-delta, the short part: the new packs take the place of what they were made from.
//!
//! Between preparing and applying, the writer may have deleted rows that were rewritten. Those
//! deletions are the entries that the sources' tails have gained since; each is carried to where its
//! row went.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::BooleanArray;
use parking_lot::RwLock;

use super::Segment;
use super::merge_delta::{DROPPED, Merge, Piece};
use crate::delete_vector::{DeleteVector, Deletion};
use crate::delta::{Delta, DeltaPart};
use crate::engine::UpdateGuard;
use crate::error::{Error, Result};
use crate::row_set::{MemoryRows, RowSet, Rows, concat_rows, filter_rows};
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
        let moved = self.keep_tombstones(&mut merged);
        if self.cuts.is_empty() {
            merged.stable = Stable::new(stable);
            merged.history.extend(self.history.into_iter().flatten());
            let mut index = segment.index.read().clone();
            let upto = self.upto;
            index.rebase(merged.delta.first(), |_, entry| {
                if entry.ordinal >= upto { Some(entry.ordinal) } else { moved.get(&entry.ordinal).copied() }
            });
            merged.index = Arc::new(RwLock::new(index));
            return Ok(vec![merged]);
        }
        self.split(merged, stable, &mut new_id)
    }

    /// Kept packs as they are now, new ones with the deletions that have come since.
    fn new_stable(&self, segment: &Segment) -> Result<Vec<RowSet>> {
        let mut carried: BTreeMap<usize, Vec<Deletion>> = BTreeMap::new();
        let starts: Vec<(u32, usize)> = self
            .stable
            .iter()
            .enumerate()
            .filter_map(|(i, piece)| match piece {
                Piece::New(_, first) => Some((*first, i)),
                Piece::Kept(_) => None,
            })
            .collect();
        for source in &self.sources {
            let now = segment.sets().find(|set| set.rows.same(&source.rows)).ok_or_else(|| lost(segment))?;
            for entry in now.deletes.tail_from(source.tail_seen) {
                let number = source.map[entry.row as usize];
                let at = starts.partition_point(|(first, _)| *first <= number).checked_sub(1);
                let Some((first, piece)) = at.map(|at| starts[at]).filter(|_| number != DROPPED) else {
                    return Err(lost(segment));
                };
                carried.entry(piece).or_default().push(Deletion { row: number - first, ..entry });
            }
        }
        let mut out = Vec::with_capacity(self.stable.len());
        for (i, piece) in self.stable.iter().enumerate() {
            out.push(match piece {
                Piece::Kept(rows) => {
                    let now = segment.stable.packs.iter().find(|set| set.rows.same(rows));
                    now.cloned().ok_or_else(|| lost(segment))?
                }
                Piece::New(pack, _) => {
                    let mut deletes = DeleteVector::new(pack.rows() as usize);
                    deletes.append(carried.get(&i).map_or(&[], Vec::as_slice));
                    RowSet::file(pack.clone(), deletes)?
                }
            });
        }
        Ok(out)
    }

    /// Takes the merged rows out of the delta, but for the tombstones to be kept, which get the last
    /// of the freed ordinals. Gives their old and new ordinals.
    fn keep_tombstones(&self, merged: &mut Segment) -> HashMap<u64, u64> {
        let mut kept = Vec::new();
        let mut moved = HashMap::new();
        if let Some((rows, ordinals)) = &self.tombstones {
            let start = self.upto - ordinals.len() as u64;
            moved = ordinals.iter().copied().zip(start..).collect();
            kept.push(DeltaPart { start, set: RowSet::memory(MemoryRows::new(self.schema.clone(), rows.clone())) });
        }
        merged.delta.replace(0, self.upto, kept);
        moved
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

/// The rows of a delta whose keys lie in the range, in memory, numbered anew.
fn divide(delta: &Delta, range: &KeyRange, schema: &Arc<TableSchema>) -> Result<Delta> {
    let mut out = Delta::default();
    for part in delta.parts() {
        let zones = 0..part.set.rows.zone_count();
        let zones: Vec<_> = zones.map(|zone| part.set.rows.read_zone(schema, zone)).collect::<Result<_>>()?;
        let rows = concat_rows(&zones)?;
        let inside: Vec<bool> = (0..rows.len()).map(|row| range.contains(rows.keys.get(row))).collect();
        let mut next = 0;
        let numbers: Vec<Option<u32>> = inside
            .iter()
            .map(|inside| {
                next += u32::from(*inside);
                inside.then_some(next.wrapping_sub(1))
            })
            .collect();
        if next == 0 {
            continue;
        }
        let rows = filter_rows(&rows, &BooleanArray::from(inside))?;
        let deletes = part.set.deletes.select(next as usize, |row| numbers[row as usize]);
        let rows = Rows::Memory(Arc::new(MemoryRows::new(schema.clone(), rows)));
        out.append(RowSet { rows, deletes: Arc::new(deletes) });
    }
    Ok(out)
}

fn lost(segment: &Segment) -> Error {
    Error::Internal(format!("segment {} changed under merge-delta", segment.id))
}
