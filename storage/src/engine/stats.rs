//! Figures about tables and segments, for people and for back-pressure.

use std::sync::atomic::Ordering;

use super::engine::Engine;
use crate::error::Result;
use crate::manifest::WriteStats;
use crate::row_set::RowSet;
use crate::segment::Segment;
use crate::types::{FileId, KeyRange, SegmentId, TableId, Timestamp};

/// Figures of a table, as of its newest version.
#[derive(Clone, Debug)]
pub struct TableStats {
    /// The table.
    pub table: TableId,
    /// Rows that are neither deleted nor superseded.
    pub rows: u64,
    /// Latest commit applied.
    pub max_commit_ts: Timestamp,
    /// Versions that only snapshots before this need may be gone.
    pub collected: Timestamp,
    /// In key order.
    pub segments: Vec<SegmentStats>,
}

/// Figures of a segment.
#[derive(Clone, Debug)]
pub struct SegmentStats {
    /// The segment.
    pub segment: SegmentId,
    /// Its keys.
    pub range: KeyRange,
    /// Rows that are neither deleted nor superseded.
    pub rows: u64,
    /// Rows of the packs, deleted or not.
    pub stable_rows: u64,
    /// Rows of the packs that are deleted or superseded.
    pub stable_deleted_rows: u64,
    /// Bytes of the packs.
    pub stable_bytes: u64,
    /// The packs.
    pub packs: Vec<ArrayStats>,
    /// Rows of the delta, deleted or not.
    pub delta_rows: u64,
    /// Bytes of the delta in memory.
    pub delta_memory_bytes: u64,
    /// Bytes of the delta's chunk files.
    pub delta_disk_bytes: u64,
    /// Parts of the delta, oldest first.
    pub chunks: Vec<ArrayStats>,
    /// Keys in the delta index.
    pub index_keys: u64,
    /// Bytes of the delta index, in memory.
    pub index_bytes: u64,
    /// Superseded rows kept for readers of the past.
    pub history_rows: u64,
    /// Bytes of their files.
    pub history_bytes: u64,
    /// Bytes of the delete vectors, in memory.
    pub delete_vector_bytes: u64,
}

/// Figures of one array of rows.
#[derive(Clone, Copy, Debug)]
pub struct ArrayStats {
    /// Its file; none if it is in memory.
    pub file: Option<FileId>,
    /// Rows, deleted or not.
    pub rows: u64,
    /// Rows that are deleted or superseded.
    pub deleted_rows: u64,
    /// Deletions of those that are not below a checkpoint yet.
    pub tail_entries: u64,
    /// Size of the file, or in memory.
    pub bytes: u64,
}

impl TableStats {
    /// Rows kept, deleted and superseded ones among them, for each row that is neither.
    pub fn space_amplification(&self) -> f64 {
        let kept: u64 = self.segments.iter().map(|s| s.stable_rows + s.delta_rows + s.history_rows).sum();
        kept as f64 / self.rows.max(1) as f64
    }
}

/// How far the engine is behind with making deltas durable and small.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Backpressure {
    /// Bytes of the rows of all deltas in memory.
    pub delta_memory_bytes: u64,
    /// The configured limit, in bytes.
    pub delta_memory_limit: u64,
    /// Rows of the largest delta of a segment, as a share of the configured limit.
    pub delta_rows_share: f64,
}

impl Backpressure {
    /// How much a writer should slow down: 0 below the limits, growing evenly to 1 at twice the
    /// limits, where it should stop until maintenance has caught up.
    pub fn slowdown(&self) -> f64 {
        let memory = self.delta_memory_bytes as f64 / self.delta_memory_limit.max(1) as f64;
        (memory.max(self.delta_rows_share) - 1.0).clamp(0.0, 1.0)
    }
}

impl Engine {
    /// Figures of a table. Fails if it is unknown or damaged.
    pub fn stats(&self, table: TableId) -> Result<TableStats> {
        let table = self.inner.table(table)?;
        let version = table.version();
        version.check()?;
        let segments: Vec<SegmentStats> = version.segments.iter().map(|s| segment_stats(s)).collect();
        Ok(TableStats {
            table: table.id,
            rows: segments.iter().map(|s| s.rows).sum(),
            max_commit_ts: version.max_commit_ts,
            collected: Timestamp(table.collected.load(Ordering::SeqCst)),
            segments,
        })
    }

    /// What was put in and what was written, in all tables, since the directory was new.
    pub fn write_stats(&self) -> WriteStats {
        self.inner.files.written.stats()
    }

    /// What a feeder should know to slow down in time. Cheap: from counters.
    pub fn backpressure(&self) -> Backpressure {
        let config = &self.inner.config;
        let mut out = Backpressure { delta_memory_limit: config.delta_memory_limit, ..Backpressure::default() };
        for table in self.inner.tables.read().values() {
            for segment in &table.version().segments {
                out.delta_memory_bytes += segment.delta.bytes().0;
                let share = segment.delta.rows() as f64 / config.delta_rows_limit as f64;
                out.delta_rows_share = out.delta_rows_share.max(share);
            }
        }
        out
    }
}

fn segment_stats(segment: &Segment) -> SegmentStats {
    let array = |set: &RowSet| ArrayStats {
        file: set.rows.file(),
        rows: set.len() as u64,
        deleted_rows: set.len() as u64 - set.live(),
        tail_entries: set.deletes.tail_len() as u64,
        bytes: set.rows.memory_bytes() + set.rows.disk_bytes(),
    };
    let packs: Vec<ArrayStats> = segment.stable.packs.iter().map(array).collect();
    let chunks: Vec<ArrayStats> = segment.delta.parts().iter().map(|p| array(&p.set)).collect();
    let history: Vec<ArrayStats> = segment.history.iter().map(array).collect();
    let (delta_memory_bytes, delta_disk_bytes) = segment.delta.bytes();
    // One guard: a second one beside it would wait for a writer that waits for the first.
    let index = segment.index.read();
    let (index_keys, index_bytes) = (index.len() as u64, index.memory_bytes() as u64);
    drop(index);
    SegmentStats {
        segment: segment.id,
        range: segment.range.clone(),
        rows: segment.live_rows(),
        stable_rows: segment.stable.rows(),
        stable_deleted_rows: packs.iter().map(|p| p.deleted_rows).sum(),
        stable_bytes: packs.iter().map(|p| p.bytes).sum(),
        packs,
        delta_rows: segment.delta.rows(),
        delta_memory_bytes,
        delta_disk_bytes,
        chunks,
        index_keys,
        index_bytes,
        history_rows: history.iter().map(|h| h.rows).sum(),
        history_bytes: history.iter().map(|h| h.bytes).sum(),
        delete_vector_bytes: segment.sets().map(|s| s.deletes.memory_bytes() as u64).sum(),
    }
}
