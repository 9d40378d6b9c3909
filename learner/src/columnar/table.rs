//! A table of a columnar replica, and scans of it, here or there.

use std::sync::Arc;

use arrow::array::RecordBatch;
use deltatree_storage::api::{ScanEstimate, ScanMetrics, ScanRequest, SnapshotStatistics};
use deltatree_storage::scan::{Scan, ScanWorker, Snapshot};

use super::remote_replica::RemoteSnapshot;
use super::remote_scan::RemoteScan;
use crate::error::Result;

/// A table at one timestamp. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TableSnapshot(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Here(Snapshot),
    There(RemoteSnapshot),
}

impl TableSnapshot {
    pub(super) fn here(snapshot: Snapshot) -> Self {
        Self(Kind::Here(snapshot))
    }

    pub(super) fn there(snapshot: RemoteSnapshot) -> Self {
        Self(Kind::There(snapshot))
    }

    /// The definition by which its columns are laid out.
    pub fn schema_version(&self) -> u64 {
        match &self.0 {
            Kind::Here(snapshot) => snapshot.schema().version,
            Kind::There(snapshot) => snapshot.schema_version(),
        }
    }

    /// Figures of all its rows.
    pub fn statistics(&self) -> Result<Arc<SnapshotStatistics>> {
        match &self.0 {
            Kind::Here(snapshot) => Ok(snapshot.statistics()?),
            Kind::There(snapshot) => Ok(snapshot.statistics()),
        }
    }

    /// What a scan would touch.
    pub fn estimate(&self, request: &ScanRequest) -> Result<ScanEstimate> {
        match &self.0 {
            Kind::Here(snapshot) => Ok(snapshot.estimate(request)?),
            Kind::There(snapshot) => snapshot.estimate(request),
        }
    }

    /// Starts a scan, to be shared by any number of workers.
    pub fn scan(&self, request: ScanRequest) -> Result<TableScan> {
        Ok(TableScan(match &self.0 {
            Kind::Here(snapshot) => Running::Here(snapshot.scan(request)?),
            Kind::There(snapshot) => Running::There(Arc::new(snapshot.scan(request)?)),
        }))
    }
}

/// A scan under way. Clones share it.
#[derive(Clone, Debug)]
pub struct TableScan(Running);

#[derive(Clone, Debug)]
enum Running {
    Here(Arc<Scan>),
    There(Arc<RemoteScan>),
}

impl TableScan {
    /// One more reader of its rows.
    pub fn worker(&self) -> TableScanWorker {
        TableScanWorker(match &self.0 {
            Running::Here(scan) => Worker::Here(scan.worker()),
            Running::There(scan) => Worker::There(scan.clone()),
        })
    }

    /// What it has done so far; of a replica elsewhere, known at the end.
    pub fn metrics(&self) -> ScanMetrics {
        match &self.0 {
            Running::Here(scan) => scan.metrics(),
            Running::There(scan) => scan.metrics(),
        }
    }
}

/// One thread's reader of a [`TableScan`].
#[derive(Debug)]
pub struct TableScanWorker(Worker);

#[derive(Debug)]
enum Worker {
    Here(ScanWorker),
    There(Arc<RemoteScan>),
}

impl TableScanWorker {
    /// The next rows, never none; `None` when there are no more. Blocks.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        match &mut self.0 {
            Worker::Here(worker) => Ok(worker.next_batch()?),
            Worker::There(scan) => scan.next_batch(),
        }
    }
}
