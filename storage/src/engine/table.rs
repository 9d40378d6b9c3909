//! A table: its published version, the guard under which the next one is made, and apply.
//!
//! Readers take the published version by one atomic load and keep it as long as they like. The
//! writer and the short final steps of background work make the next version under the *update
//! guard*; the long preparations of background work run under the *maintenance lock*, which
//! neither readers nor the writer ever take.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arc_swap::ArcSwap;
use arrow::array::{Array, UInt32Array};
use parking_lot::{Mutex, MutexGuard};

use crate::api::TableBatch;
use crate::error::{Error, Result};
use crate::manifest::{SegmentRecord, TableRecord};
use crate::pack::{PackRows, take_rows};
use crate::row_set::RowSet;
use crate::scan::StatisticsMemo;
use crate::segment::{Prepared, Segment};
use crate::types::{KeyRef, TableId, TableSchema, Timestamp};

/// What an [`crate::engine::Engine::apply`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApplyStats {
    /// Rows added.
    pub applied: usize,
    /// Rows dropped because they had been applied before.
    pub replayed: usize,
    /// Older rows that the added ones replace.
    pub replaced: usize,
    /// Bytes of the added rows, not encoded.
    pub bytes: usize,
}

/// Why a table cannot be read: the first damage found, as it will be reported.
#[derive(Debug)]
pub(crate) struct Damage {
    pub(crate) path: PathBuf,
    pub(crate) offset: Option<u64>,
    pub(crate) reason: String,
    /// What the manifest says of the table, kept so that nothing is lost.
    pub(crate) record: TableRecord,
}

/// All of a table at one moment. Immutable.
#[derive(Clone, Debug)]
pub(crate) struct TableVersion {
    pub(crate) schema: Arc<TableSchema>,
    /// In key order; they cover every key.
    pub(crate) segments: Vec<Arc<Segment>>,
    /// Latest commit applied.
    pub(crate) max_commit_ts: Timestamp,
    /// Timestamp of the last bulk build.
    pub(crate) floor: Timestamp,
    pub(crate) damage: Option<Arc<Damage>>,
    /// Figures of the version's newest snapshots, once somebody has asked for them.
    pub(crate) statistics: StatisticsMemo,
}

impl TableVersion {
    /// A first version. Rows at or below `floor` count as applied.
    pub(crate) fn new(schema: TableSchema, segments: Vec<Arc<Segment>>, floor: Timestamp) -> Self {
        Self {
            schema: Arc::new(schema),
            segments,
            max_commit_ts: floor,
            floor,
            damage: None,
            statistics: StatisticsMemo::default(),
        }
    }

    /// Fails if the table is damaged.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.damage {
            Some(d) => Err(Error::corrupt(&d.path, d.offset, d.reason.clone())),
            None => Ok(()),
        }
    }

    /// Which segment holds `key`.
    pub(crate) fn route(&self, key: KeyRef<'_>) -> usize {
        self.segments.partition_point(|s| s.range.end.as_ref().is_some_and(|end| end.as_ref() <= key))
    }

    /// Panics if an invariant is broken.
    pub(crate) fn validate(&self) {
        let mut expected = None;
        for (i, segment) in self.segments.iter().enumerate() {
            assert!(segment.range.start == expected && (i == 0 || expected.is_some()), "segments leave a gap");
            expected.clone_from(&segment.range.end);
            segment.validate();
            assert!(segment.max_commit_ts() <= self.max_commit_ts.max(self.floor), "a row newer than its table");
        }
        assert!(expected.is_none() && (self.damage.is_some() || !self.segments.is_empty()), "segments leave a gap");
    }
}

/// See the module documentation. Lock order: maintenance, then update.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) id: TableId,
    version: ArcSwap<TableVersion>,
    update: Mutex<()>,
    /// Held by whoever prepares a change of the table's files; at most one at a time.
    pub(crate) maintenance: Mutex<()>,
    /// Versions that only readers before this timestamp need may be gone.
    pub(crate) collected: AtomicU64,
    /// What was last described for a manifest, segment by segment, so that a segment that has not
    /// changed needs no new delete vector file.
    pub(crate) persisted: Mutex<Vec<(Vec<RowSet>, SegmentRecord)>>,
}

/// Proof that nobody else changes the table's published version.
pub(crate) struct UpdateGuard<'a> {
    table: &'a Table,
    _lock: MutexGuard<'a, ()>,
}

impl UpdateGuard<'_> {
    /// Makes `version` what readers get from now on.
    pub(crate) fn publish(&self, version: TableVersion) -> Arc<TableVersion> {
        let version = Arc::new(version);
        self.table.version.store(version.clone());
        version
    }

    /// The version that the next one starts from.
    pub(crate) fn version(&self) -> Arc<TableVersion> {
        self.table.version()
    }
}

impl Table {
    /// A table at a first version.
    pub(crate) fn new(id: TableId, version: TableVersion, collected: Timestamp) -> Self {
        Self {
            id,
            version: ArcSwap::from_pointee(version),
            update: Mutex::default(),
            maintenance: Mutex::default(),
            collected: collected.0.into(),
            persisted: Mutex::default(),
        }
    }

    /// The published version.
    pub(crate) fn version(&self) -> Arc<TableVersion> {
        self.version.load_full()
    }

    /// Waits for the update guard.
    pub(crate) fn update(&self) -> UpdateGuard<'_> {
        UpdateGuard { table: self, _lock: self.update.lock() }
    }

    /// Puts a batch in: all of its new rows and all deletions of what they replace become visible
    /// in one step.
    pub(crate) fn apply(&self, batch: TableBatch) -> Result<ApplyStats> {
        let guard = self.update();
        let version = guard.version();
        version.check()?;
        let rows = checked_rows(batch, &version.schema)?;
        let total = rows.len();
        let mut prepared = Vec::new();
        for (i, rows) in route(&version, rows)? {
            prepared.push((i, Prepared::new(&version.segments[i], &rows, version.floor)?));
        }
        let mut stats = ApplyStats::default();
        let mut applied = Vec::new();
        for (i, batch) in prepared {
            stats.applied += batch.accepted();
            stats.replaced += batch.replaced();
            if let Some(segment) = batch.apply(&version.segments[i], &version.schema)? {
                stats.bytes += segment.bytes;
                applied.push((i, segment));
            }
        }
        stats.replayed = total - stats.applied;
        if applied.is_empty() {
            return Ok(stats);
        }
        let mut next = (*version).clone();
        for (i, segment) in applied {
            let segment = segment.finish();
            if let Some(last) = segment.delta.parts().last() {
                next.max_commit_ts = next.max_commit_ts.max(last.set.rows.max_commit_ts());
            }
            if cfg!(debug_assertions) {
                segment.delta.parts().iter().rev().take(2).for_each(|p| p.set.validate());
            }
            next.segments[i] = Arc::new(segment);
        }
        guard.publish(next);
        Ok(stats)
    }
}

/// The rows of a batch, once they are known to fit the schema.
fn checked_rows(batch: TableBatch, schema: &TableSchema) -> Result<PackRows> {
    let table = schema.table;
    let wrong = |what: String| Err(Error::Invalid(format!("batch for table {table}: {what}")));
    let rows = batch.keys.len();
    if batch.schema_version != schema.version {
        return wrong(format!("schema version {}, but the table has {}", batch.schema_version, schema.version));
    }
    if batch.keys.kind() != schema.key {
        return wrong(format!("keys are {:?}, not {:?}", batch.keys.kind(), schema.key));
    }
    if rows > u32::MAX as usize / 2 || batch.commit_ts.len() != rows || batch.deleted.len() != rows {
        return wrong("its arrays differ in length".into());
    }
    if batch.keys.as_array().null_count() + batch.commit_ts.null_count() + batch.deleted.null_count() > 0 {
        return wrong("NULL among keys, timestamps or deletion marks".into());
    }
    if batch.columns.len() != schema.columns.len() {
        return wrong(format!("{} columns, not {}", batch.columns.len(), schema.columns.len()));
    }
    for (array, column) in batch.columns.iter().zip(&schema.columns) {
        if array.len() != rows || *array.data_type() != column.data_type.arrow() {
            let (is, want) = (array.data_type(), column.data_type.arrow());
            return wrong(format!("column {} is {is} with {} rows, not {want} with {rows}", column.name, array.len()));
        }
    }
    Ok(PackRows {
        keys: batch.keys,
        commit_ts: batch.commit_ts,
        tombstones: (batch.deleted.true_count() > 0).then_some(batch.deleted),
        columns: batch.columns,
    })
}

/// The rows of each segment, in their order.
fn route(version: &TableVersion, rows: PackRows) -> Result<Vec<(usize, PackRows)>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    if version.segments.len() == 1 || rows.len() == 1 {
        return Ok(vec![(version.route(rows.keys.get(0)), rows)]);
    }
    let mut by_segment: Vec<Vec<u32>> = vec![Vec::new(); version.segments.len()];
    let mut segment = 0;
    for row in 0..rows.len() {
        let key = rows.keys.get(row);
        if !version.segments[segment].contains(key) {
            segment = version.route(key);
        }
        by_segment[segment].push(row as u32);
    }
    let mut out = Vec::new();
    for (i, indices) in by_segment.into_iter().enumerate() {
        if indices.len() == rows.len() {
            return Ok(vec![(i, rows)]);
        }
        if !indices.is_empty() {
            out.push((i, take_rows(&rows, &UInt32Array::from(indices))?));
        }
    }
    Ok(out)
}
