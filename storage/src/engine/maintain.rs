//! Background work: chosen by [`super::background`], done here, one unit at a time.

use std::sync::Arc;

use super::background::{SegmentFacts, Work, choose};
use super::engine::{Engine, Inner};
use super::table::Table;
use crate::error::Result;
use crate::row_set::RowSet;
use crate::segment::{Merge, MergeContext, Segment};
use crate::types::{SegmentId, Timestamp};

/// What a unit of background work did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaintenanceReport {
    /// Which work.
    pub work: Work,
    /// Bytes of packs written by it.
    pub bytes_written: u64,
}

impl Engine {
    /// Does the most urgent unit of background work, if any is due, on the caller's thread. Blocks
    /// for as long as that takes (a merge-delta of a full segment: seconds); apply and scans go on
    /// meanwhile, and other threads may do the same for other tables. `None` if nothing is due.
    pub fn maintain(&self) -> Result<Option<MaintenanceReport>> {
        let Some(work) = self.inner.next_work() else { return Ok(None) };
        let bytes_written = match work {
            Work::Flush => {
                self.inner.flush()?;
                0
            }
            Work::MergeDelta(table, segment) => self.inner.merge_delta(self.inner.table(table)?.as_ref(), segment)?,
            Work::Checkpoint(table) => {
                self.inner.checkpoint(self.inner.table(table)?.as_ref());
                0
            }
        };
        Ok(Some(MaintenanceReport { work, bytes_written }))
    }

    /// Merges every delta of a table into its packs, however small, and splits what is too large.
    pub fn compact(&self, table: crate::types::TableId) -> Result<()> {
        let table = self.inner.table(table)?;
        table.version().check()?;
        let segments: Vec<SegmentId> = table.version().segments.iter().map(|s| s.id).collect();
        segments.into_iter().try_for_each(|segment| self.inner.merge_delta(&table, segment).map(drop))
    }
}

impl Inner {
    fn next_work(&self) -> Option<Work> {
        let safe_point = self.snapshots.safe_point();
        let replay_floor = self.durable.read().replay_floor;
        let mut facts = Vec::new();
        let mut memory = 0;
        for table in self.tables.read().values() {
            // A table that someone works on has its turn later.
            if table.maintenance.is_locked() {
                continue;
            }
            for segment in &table.version().segments {
                memory += segment.delta.bytes().0;
                facts.push((table.id, segment.id, segment_facts(segment, safe_point, replay_floor)));
            }
        }
        choose(&facts, memory, &self.config)
    }

    /// Merges one segment's delta. Gives the bytes written.
    pub(super) fn merge_delta(&self, table: &Table, segment: SegmentId) -> Result<u64> {
        let _maintenance = table.maintenance.lock();
        let Some(segment) = seal_segment(table, segment) else { return Ok(0) };
        let schema = table.version().schema.clone();
        let context = MergeContext {
            files: &self.files,
            schema: &schema,
            safe_point: self.snapshots.collect(&table.collected),
            replay_floor: self.durable.read().replay_floor,
            pack_rows: self.config.pack_rows,
            segment_rows_limit: self.config.segment_rows_limit,
        };
        let merge = Merge::prepare(&segment, &context)?;
        let bytes_written = merge.bytes_written;

        let guard = table.update();
        let mut version = (*guard.version()).clone();
        let Some(at) = version.segments.iter().position(|s| s.id == segment.id) else { return Ok(0) };
        let merged = merge.apply(&guard, &version.segments[at], || self.new_segment_id())?;
        if cfg!(debug_assertions) {
            merged.iter().for_each(|s| {
                s.validate();
                s.validate_index();
            });
        }
        version.segments.splice(at..=at, merged.into_iter().map(Arc::new));
        guard.publish(version);
        Ok(bytes_written)
    }

    /// Moves the checkpoints of a table's delete vectors up to the safe point and forgets history
    /// that no reader needs.
    fn checkpoint(&self, table: &Table) {
        let _maintenance = table.maintenance.lock();
        let safe_point = self.snapshots.collect(&table.collected);
        let limit = self.config.tail_entries_limit;
        let guard = table.update();
        let mut version = (*guard.version()).clone();
        for segment in &mut version.segments {
            let due = |set: &RowSet| set.deletes.absorbable(safe_point) > limit;
            let dead = |set: &RowSet| set.deletes.all_dead_at(safe_point);
            if !segment.sets().any(due) && !segment.history.iter().any(dead) {
                continue;
            }
            let segment = Arc::make_mut(segment);
            segment.history.retain(|set| !dead(set));
            segment.for_each_set(|set| {
                if due(set) {
                    Arc::make_mut(&mut set.deletes).advance_checkpoint(safe_point);
                }
            });
            if cfg!(debug_assertions) {
                segment.validate();
            }
        }
        guard.publish(version);
    }
}

/// Seals the delta of a segment and gives the segment; `None` if it is gone.
fn seal_segment(table: &Table, id: SegmentId) -> Option<Arc<Segment>> {
    let guard = table.update();
    let mut version = (*guard.version()).clone();
    let at = version.segments.iter().position(|s| s.id == id)?;
    Arc::make_mut(&mut version.segments[at]).delta.seal();
    let segment = version.segments[at].clone();
    guard.publish(version);
    Some(segment)
}

fn segment_facts(segment: &Segment, safe_point: Timestamp, replay_floor: Timestamp) -> SegmentFacts {
    let mut facts = SegmentFacts { stable_rows: segment.stable.rows(), ..SegmentFacts::default() };
    for set in &segment.stable.packs {
        facts.stable_dead += set.deletes.count_at(safe_point);
    }
    for part in segment.delta.parts() {
        let tombstones = part.set.rows.tombstones();
        let droppable = part.set.deletes.count_at(safe_point).saturating_sub(tombstones);
        let passed = if part.set.rows.max_commit_ts() <= replay_floor { tombstones } else { 0 };
        facts.delta_mergeable += part.set.live() + droppable + passed;
    }
    facts.absorbable = segment.sets().map(|s| s.deletes.absorbable(safe_point)).max().unwrap_or_default();
    facts.history_dead = segment.history.iter().any(|s| s.deletes.all_dead_at(safe_point));
    facts
}
