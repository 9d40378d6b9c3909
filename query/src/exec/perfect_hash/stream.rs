//! One partition of a perfect hash aggregation, as a stream.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};
use datafusion::physical_plan::metrics::BaselineMetrics;
use datafusion::physical_plan::stream::{EmptyRecordBatchStream, RecordBatchStreamAdapter};
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::stream::{self, StreamExt, TryStreamExt};
use parking_lot::Mutex;

use super::aggregates::Aggregates;
use super::group_table::GroupTable;

/// Aggregates one partition of `plan`'s input into `table`.
pub(super) fn start(
    plan: Arc<AggregateExec>,
    table: GroupTable,
    partition: usize,
    context: Arc<TaskContext>,
    baseline: BaselineMetrics,
) -> Result<SendableRecordBatchStream> {
    let schema = plan.schema();
    let input = plan.input().execute(partition, Arc::clone(&context))?;
    let output = stream::once(aggregate(plan, table, input, context, baseline)).try_flatten();
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, output.boxed())))
}

/// Reads the input until its end or until the table is full, and returns the groups' batches.
async fn aggregate(
    plan: Arc<AggregateExec>,
    mut table: GroupTable,
    mut input: SendableRecordBatchStream,
    context: Arc<TaskContext>,
    baseline: BaselineMetrics,
) -> Result<SendableRecordBatchStream> {
    let busy = baseline.elapsed_compute().clone();
    let mut aggregates = Aggregates::new(&plan)?;
    let mut left = None;
    while let Some(batch) = input.try_next().await? {
        let _busy = busy.timer();
        let keys = plan.group_expr().expr().iter().map(|(expr, _)| expr.evaluate(&batch)?.into_array(batch.num_rows()));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        if table.add(&keys, batch.num_rows()).is_none() {
            left = Some(batch);
            break;
        }
        aggregates.update(&batch, table.rows(), table.len())?;
    }
    let _busy = busy.timer();
    let schema = plan.schema();
    let mut columns = table.values();
    columns.extend(aggregates.into_states()?);
    let groups = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    baseline.record_output(groups.num_rows());
    let size = context.session_config().batch_size();
    let slices = (0..groups.num_rows())
        .step_by(size)
        .map(move |at| Ok::<_, DataFusionError>(groups.slice(at, size.min(groups.num_rows() - at))));
    let rest = match left {
        None => Box::pin(EmptyRecordBatchStream::new(Arc::clone(&schema))),
        Some(batch) => by_hash(plan, batch, input, context)?,
    };
    let output = stream::iter(slices.collect::<Vec<_>>()).chain(rest);
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, output)))
}

/// DataFusion's aggregation of `first` and what follows it.
fn by_hash(
    plan: Arc<AggregateExec>,
    first: RecordBatch,
    input: SendableRecordBatchStream,
    context: Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let schema = input.schema();
    let input = stream::iter([Ok(first)]).chain(input);
    let rest = Rest {
        stream: Mutex::new(Some(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), input)))),
        schema: Arc::clone(&schema),
    };
    let leaf = StreamingTableExec::try_new(schema, vec![Arc::new(rest)], None, [], false, None)?;
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    plan.replace_children(vec![Arc::new(leaf)], options)?.execute(0, context)
}

/// A stream that has begun, as a plan's leaf.
struct Rest {
    stream: Mutex<Option<SendableRecordBatchStream>>,
    schema: SchemaRef,
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rest")
    }
}

impl PartitionStream for Rest {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let empty = || Box::pin(EmptyRecordBatchStream::new(Arc::clone(&self.schema))) as SendableRecordBatchStream;
        self.stream.lock().take().unwrap_or_else(empty)
    }
}
