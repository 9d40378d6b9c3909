//! A table as it was at one timestamp.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use super::get::get;
use super::ordered::OrderedScan;
use super::plan::Plan;
use super::scan::Scan;
use super::statistics::statistics;
use crate::api::{ScanEstimate, ScanRequest, SnapshotStatistics};
use crate::engine::{ActiveSnapshot, TableVersion};
use crate::error::Result;
use crate::predicate::Predicate;
use crate::types::{RowKey, TableSchema, Timestamp};

/// A published version of a table, seen at a timestamp. Never changes, keeps nobody waiting, and
/// keeps the rows, files and versions that it shows from being dropped. Clones are the same
/// snapshot.
#[derive(Clone, Debug)]
pub struct Snapshot {
    view: Arc<View>,
}

/// What a snapshot and everything that reads it share.
#[derive(Debug)]
pub(super) struct View {
    pub(super) version: Arc<TableVersion>,
    pub(super) ts: Timestamp,
    _active: ActiveSnapshot,
}

impl View {
    /// Visible rows, and whether that number is exact.
    pub(super) fn rows(&self) -> (u64, bool) {
        let mut exact = true;
        let mut rows = 0;
        for set in self.version.segments.iter().flat_map(|s| s.sets()) {
            rows += set.visible_at(self.ts).unwrap_or_else(|| {
                exact = false;
                set.len() as u64 - set.deletes.count_at(self.ts)
            });
        }
        (rows, exact)
    }
}

impl Snapshot {
    pub(crate) fn new(version: Arc<TableVersion>, ts: Timestamp, active: ActiveSnapshot) -> Self {
        Self { view: Arc::new(View { version, ts, _active: active }) }
    }

    /// The table's schema, in whose order scans number the columns.
    pub fn schema(&self) -> &Arc<TableSchema> {
        &self.view.version.schema
    }

    /// The timestamp.
    pub fn timestamp(&self) -> Timestamp {
        self.view.ts
    }

    /// Row count, bounds, NULL counts and distinct counts, from metadata. Computed once for all
    /// snapshots that show the newest rows of one version of the table.
    pub fn statistics(&self) -> Result<Arc<SnapshotStatistics>> {
        statistics(&self.view)
    }

    /// What a scan would touch. Reads no blocks, except those that hold the ends of the key range
    /// and the keys to leave out.
    pub fn estimate(&self, request: &ScanRequest) -> Result<ScanEstimate> {
        let predicate = Predicate::And(request.predicates.clone());
        Ok(Plan::new(&self.view, request, &predicate)?.estimate(&self.view, request))
    }

    /// Starts a scan, to be read by any number of [`Scan::worker`]s. Rows come in no particular
    /// order. Fails if the request names columns that are not there, or damage is found in what
    /// planning reads.
    pub fn scan(&self, request: ScanRequest) -> Result<Arc<Scan>> {
        Scan::new(self.view.clone(), request).map(Arc::new)
    }

    /// Starts a scan whose rows come in key order, with their keys. One thread reads it.
    pub fn scan_ordered(&self, request: ScanRequest) -> Result<OrderedScan> {
        OrderedScan::new(self.view.clone(), request)
    }

    /// The row of `key`, as a batch of one row with the columns at `projection`, or none.
    pub fn get(&self, key: &RowKey, projection: &[usize]) -> Result<Option<RecordBatch>> {
        get(&self.view, key, projection)
    }
}
