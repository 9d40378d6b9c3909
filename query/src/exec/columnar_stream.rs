//! One partition of a columnar scan, as a stream.
//!
//! The storage engine works when it is pulled, and joins what selective filters leave of several zones
//! into one batch. A poll therefore does the work of some zones, and the stream yields after each batch.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::DynamicFilterPhysicalExpr;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use deltatree_learner::columnar::TableScanWorker;
use futures::{StreamExt, TryStreamExt};

use super::columnar_scan::ColumnarScanExec;
use super::scan_shape::renamed;
use crate::error::SqlError;

/// A filter that has not come by then is done without. Only its speed is lost.
const FILTER_WAIT_LIMIT: Duration = Duration::from_secs(20);

/// Starts partition `partition` of `scan`.
pub(super) fn start(
    scan: ColumnarScanExec,
    partition: usize,
    metrics: &ExecutionPlanMetricsSet,
) -> SendableRecordBatchStream {
    let baseline = BaselineMetrics::new(metrics, partition);
    let wait = MetricBuilder::new(metrics).subset_time("filter_wait_time", partition);
    let schema = Arc::clone(&scan.read.shape.schema);
    let opened = async move {
        if !scan.awaited.is_empty() {
            let _waiting = wait.timer();
            let _ = tokio::time::timeout(FILTER_WAIT_LIMIT, wait_for_filters(&scan)).await;
        }
        let batches = ScanBatches::open(&scan, partition == 0, baseline)?;
        Ok::<_, datafusion::error::DataFusionError>(futures::stream::iter(batches))
    };
    let stream = futures::stream::once(opened).try_flatten().boxed();
    Box::pin(RecordBatchStreamAdapter::new(schema, stream))
}

async fn wait_for_filters(scan: &ColumnarScanExec) {
    for filter in scan.dynamic.iter().flat_map(|expr| awaited_in(expr, &scan.awaited)) {
        if let Some(filter) = filter.downcast_ref::<DynamicFilterPhysicalExpr>() {
            filter.wait_complete().await;
        }
    }
}

/// The dynamic filters within `expr` that have one of the ids.
fn awaited_in(expr: &Arc<dyn PhysicalExpr>, ids: &[u64]) -> Vec<Arc<dyn PhysicalExpr>> {
    let mut found = Vec::new();
    let _ = expr.apply(|node| {
        if node.expression_id().is_some_and(|id| ids.contains(&id)) {
            found.push(Arc::clone(node));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

/// Batches of one partition.
struct ScanBatches {
    worker: TableScanWorker,
    schema: SchemaRef,
    /// The transaction's own rows, given out first.
    own: Option<RecordBatch>,
    /// Rows still to return.
    left: usize,
    baseline: BaselineMetrics,
}

impl ScanBatches {
    fn open(exec: &ColumnarScanExec, with_own: bool, baseline: BaselineMetrics) -> Result<Self> {
        let shape = &exec.read.shape;
        let own = match &exec.read.own {
            Some(own) if with_own => Some(exec.filters.apply(own.rows.clone())?.project(&shape.projection)?),
            Some(_) | None => None,
        };
        Ok(Self {
            worker: exec.storage_scan()?.worker(),
            schema: Arc::clone(&shape.schema),
            own: own.filter(|rows| rows.num_rows() > 0),
            left: exec.fetch.unwrap_or(usize::MAX),
            baseline,
        })
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        if self.left == 0 {
            return Ok(None);
        }
        let batch = match self.own.take() {
            Some(own) => own,
            None => match self.worker.next_batch().map_err(SqlError::from)? {
                Some(batch) => batch,
                None => return Ok(None),
            },
        };
        let batch = if batch.num_rows() > self.left { batch.slice(0, self.left) } else { batch };
        self.left -= batch.num_rows();
        Ok(Some(renamed(batch, &self.schema)?))
    }
}

impl Iterator for ScanBatches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let busy = self.baseline.elapsed_compute().clone();
        let timer = busy.timer();
        let next = self.next_batch();
        timer.done();
        if let Ok(Some(batch)) = &next {
            self.baseline.record_output(batch.num_rows());
        }
        next.transpose()
    }
}
