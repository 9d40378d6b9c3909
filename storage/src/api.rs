//! What goes into the engine and what is asked of it: plain data, no behaviour.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::predicate::{Predicate, RowFilter};
use crate::types::{KeyArray, KeyRange, TableId, Value};

/// How far the log that feeds the engine has been applied, in the feeder's own encoding. The engine
/// stores it and gives it back; it never looks inside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayPosition(pub Bytes);

/// Committed row changes of one table, in log order (so ascending by `commit_ts`).
///
/// Each row is a whole new version of the key: an upsert, or a tombstone. All arrays are of one
/// length.
#[derive(Clone, Debug)]
pub struct TableBatch {
    /// The table.
    pub table: TableId,
    /// The schema version by which `columns` are laid out. Must be the table's current one.
    pub schema_version: u64,
    /// Row keys.
    pub keys: KeyArray,
    /// Commit timestamps.
    pub commit_ts: UInt64Array,
    /// True where the row is deleted. No nulls.
    pub deleted: BooleanArray,
    /// One array a schema column, of its [`crate::types::StoredType::arrow`] type. What they hold in
    /// tombstones is ignored.
    pub columns: Vec<ArrayRef>,
}

/// What a scan should return.
#[derive(Clone, Debug)]
pub struct ScanRequest {
    /// Positions in the table's schema, in output order; may be empty (rows are counted only).
    pub projection: Vec<usize>,
    /// Keys to look at.
    pub key_range: KeyRange,
    /// Conjuncts that the engine evaluates and prunes by.
    pub predicates: Vec<Predicate>,
    /// Further conjuncts.
    pub filters: Vec<Arc<dyn RowFilter>>,
    /// Keys to leave out (those that the reading transaction itself has changed), ascending.
    pub exclude: Option<KeyArray>,
    /// Rows per batch, at most.
    pub batch_rows: usize,
    /// Checked at least once a zone.
    pub cancel: CancelFlag,
}

impl ScanRequest {
    /// All rows, the given columns.
    pub fn all(projection: Vec<usize>) -> Self {
        Self {
            projection,
            key_range: KeyRange::ALL,
            predicates: Vec::new(),
            filters: Vec::new(),
            exclude: None,
            batch_rows: 8192,
            cancel: CancelFlag::default(),
        }
    }
}

/// Shared between whoever runs a scan and whoever may stop it.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Asks the scan to stop. Takes effect within one zone.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Fails with [`Error::Cancelled`] once [`CancelFlag::cancel`] was called.
    pub fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }
}

/// What a scan would touch, known from zone maps without reading a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanEstimate {
    /// Zones in the key range: of packs and of delta chunks.
    pub zones_total: u64,
    /// Zones that the predicates leave.
    pub zones_kept: u64,
    /// Rows in the kept zones, visible or not.
    pub rows_kept: u64,
    /// Encoded bytes of the projected and filtered columns in the kept zones.
    pub bytes_kept: u64,
    /// Rows of the snapshot in all.
    pub rows_total: u64,
}

/// What a scan has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanMetrics {
    /// Zones in the key range.
    pub zones_total: u64,
    /// Zones skipped by zone map.
    pub zones_pruned: u64,
    /// Rows looked at.
    pub rows_scanned: u64,
    /// Rows returned.
    pub rows_returned: u64,
    /// Rows of those that came from the delta.
    pub delta_rows: u64,
    /// Packs with at least one zone read.
    pub packs_read: u64,
    /// Packs skipped whole.
    pub packs_pruned: u64,
}

/// Exact figures of one snapshot, from metadata.
#[derive(Clone, Debug, Default)]
pub struct SnapshotStatistics {
    /// Visible rows. Exact if `exact_rows`.
    pub rows: u64,
    /// False while a zone holds versions newer than the snapshot.
    pub exact_rows: bool,
    /// One for each schema column.
    pub columns: Vec<ColumnStatistics>,
}

/// Bounds and counts of one column. Bounds hold for every visible row; they are attained (so that
/// they are the minimum and maximum) only where `exact`.
#[derive(Clone, Debug, Default)]
pub struct ColumnStatistics {
    /// Smallest value.
    pub min: Option<Value>,
    /// Largest value.
    pub max: Option<Value>,
    /// NULLs, at most.
    pub null_count: u64,
    /// Whether bounds and counts are exact.
    pub exact: bool,
    /// Distinct values, estimated by sketch.
    pub distinct: Option<u64>,
    /// Encoded bytes on disk and in the delta.
    pub bytes: u64,
}
