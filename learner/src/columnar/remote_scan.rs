//! A scan of a columnar replica in another process.
//!
//! What the replica can evaluate it does; the bounds of all other filters, as they are when the scan starts,
//! it prunes by. The filters themselves are evaluated here, and their columns come with the rows for that.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{and_kleene, filter_record_batch};
use bytes::Bytes;
use deltatree_proto::v1::{ScanPart, TableScan};
use deltatree_storage::api::{CancelFlag, ScanMetrics, ScanRequest};
use deltatree_storage::predicate::RowFilter;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::remote_replica::{RemoteReplica, RemoteSnapshot};
use super::wire::{WireMetrics, WireRequest, decode, decode_rows};
use crate::error::{Error, Result};

/// Longest wait for the next rows: a replica may look at many that it does not return.
const NEXT_ROWS: Duration = Duration::from_secs(60);

/// See the module. Read by any number of threads.
pub(crate) struct RemoteScan {
    parts: Mutex<mpsc::Receiver<Result<Bytes>>>,
    filters: Vec<Filter>,
    /// Columns to return, by their places in what comes.
    output: Vec<usize>,
    cancel: CancelFlag,
    metrics: Arc<Mutex<ScanMetrics>>,
}

/// A filter that only its maker can evaluate.
#[derive(Debug)]
struct Filter {
    filter: Arc<dyn RowFilter>,
    /// Its columns, by their places in what comes.
    columns: Vec<usize>,
}

impl std::fmt::Debug for RemoteScan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteScan").field("filters", &self.filters).finish_non_exhaustive()
    }
}

impl RemoteScan {
    /// Starts to fetch ahead of the readers.
    pub(super) fn start(replica: Arc<RemoteReplica>, snapshot: &RemoteSnapshot, request: ScanRequest) -> Result<Self> {
        const PARTS_AHEAD: usize = 8;
        let mut columns = request.projection.clone();
        let mut place = |column: usize| match columns.iter().position(|&c| c == column) {
            Some(place) => place,
            None => {
                columns.push(column);
                columns.len() - 1
            }
        };
        let filters = request.filters.iter().map(|filter| Filter {
            columns: filter.columns().iter().map(|&column| place(column)).collect(),
            filter: filter.clone(),
        });
        let filters: Vec<_> = filters.collect();
        let mut predicates = request.predicates.clone();
        predicates.extend(request.filters.iter().filter_map(|filter| filter.bounds()));
        let call = snapshot.call(&WireRequest::new(&request, columns, &predicates))?;
        let (sender, parts) = mpsc::channel(PARTS_AHEAD);
        let metrics = Arc::new(Mutex::new(ScanMetrics::default()));
        let done = metrics.clone();
        let fetching = replica.clone();
        replica.runtime().spawn(async move {
            if let Err(e) = fetch(&fetching, call, &sender, &done).await {
                // Nobody listens if the scan was dropped.
                let _ = sender.send(Err(e)).await;
            }
        })?;
        let output = (0..request.projection.len()).collect();
        Ok(Self { parts: Mutex::new(parts), filters, output, cancel: request.cancel, metrics })
    }

    /// What the replica has done, once it is done.
    pub(super) fn metrics(&self) -> ScanMetrics {
        *self.metrics.lock()
    }

    /// The next rows, never none; `None` at the end. Blocks.
    pub(super) fn next_batch(&self) -> Result<Option<RecordBatch>> {
        loop {
            self.cancel.check()?;
            let part = crate::runtime::blocking(|| futures::executor::block_on(self.parts.lock().recv()));
            let Some(part) = part else { return Ok(None) };
            let batch = self.filtered(decode_rows(&part?)?)?;
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
    }

    fn filtered(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let failed = |e: arrow::error::ArrowError| Error::Internal(format!("cannot filter rows: {e}"));
        let mut kept: Option<BooleanArray> = None;
        for Filter { filter, columns } in self.filters.iter().filter(|f| f.filter.is_active()) {
            let verdict = filter.evaluate(&batch.project(columns).map_err(failed)?)?;
            kept = Some(match kept {
                Some(kept) => and_kleene(&kept, &verdict).map_err(failed)?,
                None => verdict,
            });
        }
        let batch = match kept {
            Some(kept) => filter_record_batch(&batch, &kept).map_err(failed)?,
            None => batch,
        };
        batch.project(&self.output).map_err(failed)
    }
}

/// Receives parts and hands them on, until all are there or nobody wants them.
async fn fetch(
    replica: &RemoteReplica,
    call: TableScan,
    parts: &mpsc::Sender<Result<Bytes>>,
    done: &Mutex<ScanMetrics>,
) -> Result<()> {
    let mut stream = match replica.client().scan_table(call).await {
        Ok(stream) => stream.into_inner(),
        Err(status) => return Err(replica.failed(&status)),
    };
    loop {
        let part = match tokio::time::timeout(NEXT_ROWS, stream.message()).await {
            Ok(Ok(Some(part))) => part,
            Ok(Ok(None)) => return Err(replica.unreachable("the scan was cut off".into())),
            Ok(Err(status)) => return Err(replica.failed(&status)),
            Err(_) => return Err(replica.unreachable(format!("no rows within {} s", NEXT_ROWS.as_secs()))),
        };
        match part {
            ScanPart { done: Some(figures), .. } => {
                *done.lock() = decode::<WireMetrics>(&figures.figures)?.into_metrics();
                return Ok(());
            }
            ScanPart { rows, done: None } => {
                if parts.send(Ok(rows)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}
