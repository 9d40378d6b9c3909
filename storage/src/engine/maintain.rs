//! Background work: chosen by [`super::background`], done here, one unit at a time.

use std::sync::Arc;

use super::background::{SegmentFacts, Work, choose, merge_all, plan_merge};
use super::engine::{Engine, Inner};
use super::table::Table;
use crate::error::Result;
use crate::row_set::RowSet;
use crate::segment::{Merge, MergeContext, Segment, droppable, join};
use crate::types::{SegmentId, TableId, Timestamp};

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
            Work::MergeDelta(table, segment) => {
                self.inner.merge_delta(self.inner.table(table)?.as_ref(), segment, Extent::WhatPays)?
            }
            Work::JoinSegments(table, left) => {
                self.inner.join_segments(self.inner.table(table)?.as_ref(), left);
                0
            }
            Work::Checkpoint(table) => {
                self.inner.checkpoint(self.inner.table(table)?.as_ref());
                0
            }
        };
        Ok(Some(MaintenanceReport { work, bytes_written }))
    }

    /// Merges every delta of a table into its packs, however small, and splits what is too large.
    pub fn compact(&self, table: TableId) -> Result<()> {
        let table = self.inner.table(table)?;
        table.version().check()?;
        let segments: Vec<SegmentId> = table.version().segments.iter().map(|s| s.id).collect();
        let all = |segment| self.inner.merge_delta(&table, segment, Extent::Everything).map(drop);
        segments.into_iter().try_for_each(all)
    }
}

/// How much of a segment is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// What is worth its bytes.
    WhatPays,
    Everything,
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
                facts.push((table.id, segment.id, self.segment_facts(segment, safe_point, replay_floor)));
            }
        }
        choose(&facts, memory, &self.config)
    }

    /// Merges the delta of a segment with its packs. Gives the bytes written.
    pub(super) fn merge_delta(&self, table: &Table, segment: SegmentId, extent: Extent) -> Result<u64> {
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
            pool: self.pool.as_deref(),
        };
        let plan = match extent {
            Extent::WhatPays => {
                let facts = self.segment_facts(&segment, context.safe_point, context.replay_floor);
                plan_merge(&facts, &self.config)
            }
            Extent::Everything => Some(merge_all(&segment.slot_facts(context.safe_point), &self.config)),
        };
        let Some(plan) = plan else { return Ok(0) };
        let merge = Merge::prepare(&segment, &plan, &context)?;
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

    /// Puts one segment in the place of two neighbours, if they are still there.
    fn join_segments(&self, table: &Table, left: SegmentId) {
        let _maintenance = table.maintenance.lock();
        let guard = table.update();
        let mut version = (*guard.version()).clone();
        let Some(at) = version.segments.iter().position(|s| s.id == left) else { return };
        let Some(right) = version.segments.get(at + 1) else { return };
        let joined = join(&version.segments[at], right, self.new_segment_id(), version.schema.key);
        if cfg!(debug_assertions) {
            joined.validate();
            joined.validate_index();
        }
        version.segments.splice(at..=at + 1, [Arc::new(joined)]);
        guard.publish(version);
    }

    fn segment_facts(&self, segment: &Segment, safe_point: Timestamp, replay_floor: Timestamp) -> SegmentFacts {
        let mut facts = SegmentFacts {
            stable_rows: segment.stable.rows(),
            delta_rows: segment.delta.rows(),
            ..SegmentFacts::default()
        };
        for part in segment.delta.parts() {
            let dead = droppable(part, safe_point, replay_floor);
            facts.delta_mergeable += part.set.live() + dead;
            if dead * 2 >= part.set.len() as u64 {
                facts.delta_dead += dead;
            }
            if part.set.rows.max_commit_ts() > replay_floor {
                facts.tombstones_kept += part.set.rows.tombstones();
            }
        }
        let stable_dead = segment.stable.rows() - segment.stable.packs.iter().map(RowSet::live).sum::<u64>();
        let many = facts.delta_rows.max(stable_dead) >= self.config.merge_rows_min;
        if many || facts.stable_rows > self.config.segment_rows_limit {
            facts.slots = segment.slot_facts(safe_point);
        }
        facts.absorbable = segment.sets().map(|s| s.deletes.absorbable(safe_point)).max().unwrap_or_default();
        facts.history_dead = segment.history.iter().any(|s| s.deletes.all_dead_at(safe_point));
        facts
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
