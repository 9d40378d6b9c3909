//! The row store as a DataFusion scan: point gets, key ranges, index ranges and whole tables.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::execution_plan::{ReplaceChildrenOptions, apply_expression_roots};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use deltatree_learner::RowReader;
use deltatree_learner::codec::{RowsToArrow, decode_row_key};
use deltatree_storage::api::CancelFlag;
use deltatree_storage::types::{RowKey, Timestamp};

use super::filters::{ScanFilters, apply, display_all};
use super::row_source::{ReadRows, RowCursor, RowSource, RowWalk};
use super::scan_shape::{ScanShape, leaf_properties, renamed, renumber};
use crate::access_path::Choice;
use crate::error::SqlError;
use crate::planner::TransactionOverlay;

/// Rows decoded before filters run over them.
const BATCH_ROWS: usize = 8192;

/// Reads rows of the row store at one timestamp, one partition for each part of the source.
#[derive(Clone, Debug)]
pub struct RowReadExec {
    pub(crate) read: Arc<RowRead>,
    /// Rows to return at most, each partition.
    pub(crate) fetch: Option<usize>,
    statistics: Arc<Statistics>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// What a [`RowReadExec`] reads.
pub struct RowRead {
    /// Table and columns.
    pub shape: ScanShape,
    /// What rows must satisfy.
    pub filters: ScanFilters,
    /// One for each partition.
    pub parts: Vec<RowSource>,
    /// Why this path was taken.
    pub choice: Choice,
    /// The row store.
    pub reader: RowReader,
    /// When.
    pub ts: Timestamp,
    /// The reading transaction's own changes.
    pub overlay: Option<Arc<TransactionOverlay>>,
    /// Stops the scan.
    pub cancel: CancelFlag,
}

impl fmt::Debug for RowRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowRead")
            .field("table", &self.shape.table.name)
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

impl RowReadExec {
    /// A plan that reads `read`. `statistics` are about its output.
    pub fn new(read: RowRead, statistics: Statistics) -> Self {
        let properties = leaf_properties(&read.shape.schema, read.parts.len());
        Self {
            read: Arc::new(read),
            fetch: None,
            statistics: Arc::new(statistics),
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// The same scan of rows that have been read.
    pub(crate) fn of_rows(&self, rows: ReadRows, cancel: CancelFlag) -> Self {
        let read = &*self.read;
        let read = RowRead {
            shape: read.shape.clone(),
            filters: read.filters.clone(),
            parts: vec![RowSource::Read(rows)],
            choice: read.choice.clone(),
            reader: read.reader.clone(),
            ts: read.ts,
            overlay: None,
            cancel,
        };
        Self { read: Arc::new(read), metrics: ExecutionPlanMetricsSet::new(), ..self.clone() }
    }
}

impl DisplayAs for RowReadExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowReadExec: table={}, path={}", self.read.shape.table.name, self.read.choice.path)?;
        if !self.read.filters.exprs.is_empty() {
            write!(f, ", filters=[{}]", display_all(&self.read.filters.exprs))?;
        }
        self.fetch.map_or(Ok(()), |n| write!(f, ", fetch={n}"))
    }
}

impl ExecutionPlan for RowReadExec {
    fn name(&self) -> &str {
        "RowReadExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(&self.read.filters.exprs, f)
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let batches = RowBatches::new(Arc::clone(&self.read), partition, self.fetch)?;
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let counted = batches.inspect(move |batch| {
            if let Ok(batch) = batch {
                baseline.record_output(batch.num_rows());
            }
        });
        let schema = Arc::clone(&self.read.shape.schema);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter(counted))))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(&self, _: &[Arc<Statistics>], args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        match args.partition() {
            None => Ok(Arc::clone(&self.statistics)),
            Some(_) => Ok(Arc::new(Statistics::new_unknown(&self.read.shape.schema))),
        }
    }

    fn supports_limit_pushdown(&self) -> bool {
        false
    }

    fn with_fetch(&self, fetch: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        Some(Arc::new(Self { fetch, ..self.clone() }))
    }

    fn fetch(&self) -> Option<usize> {
        self.fetch
    }
}

/// Batches of one partition.
struct RowBatches {
    read: Arc<RowRead>,
    walk: RowWalk,
    /// Table positions of the columns decoded: those returned and those filtered by.
    decoded: Vec<usize>,
    decoded_schema: SchemaRef,
    /// The filters, their columns numbered as in `decoded`.
    filters: Vec<Arc<dyn PhysicalExpr>>,
    /// Where each returned column is in `decoded`.
    output: Vec<usize>,
    rows: RowsToArrow,
    /// Rows still to return.
    left: usize,
    done: bool,
}

impl RowBatches {
    fn new(read: Arc<RowRead>, partition: usize, fetch: Option<usize>) -> Result<Self> {
        let shape = &read.shape;
        let filtered = read.filters.exprs.iter().flat_map(collect_columns).map(|c| c.index());
        let mut decoded: Vec<_> = shape.projection.iter().copied().chain(filtered).collect();
        decoded.sort_unstable();
        decoded.dedup();
        let place = |table: usize| decoded.binary_search(&table).ok();
        let filters = read.filters.exprs.iter().map(|e| renumber(Arc::clone(e), place)).collect::<Result<_>>()?;
        let output = shape.projection.iter().filter_map(|&table| place(table)).collect();
        let stored: Vec<_> = decoded.iter().copied().filter(|&i| i < shape.table.columns.len()).collect();
        Ok(Self {
            walk: RowWalk::new(&read.parts[partition], &shape.table),
            decoded_schema: Arc::new(shape.table_schema.project(&decoded)?),
            rows: RowsToArrow::new(&shape.table, &stored, 0),
            filters,
            output,
            decoded,
            left: fetch.unwrap_or(usize::MAX),
            done: false,
            read,
        })
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while !self.done && self.left > 0 {
            let batch = self.decode()?;
            let batch = apply(&self.filters, batch)?.project(&self.output)?;
            let batch = if batch.num_rows() > self.left { batch.slice(0, self.left) } else { batch };
            self.left -= batch.num_rows();
            if batch.num_rows() > 0 {
                return Ok(Some(renamed(batch, &self.read.shape.schema)?));
            }
        }
        Ok(None)
    }

    fn decode(&mut self) -> Result<RecordBatch> {
        let read = &*self.read;
        let table = &*read.shape.table;
        let wants_row_id = self.decoded.last().is_some_and(|&i| i >= table.columns.len());
        let most = if self.filters.is_empty() { BATCH_ROWS.min(self.left) } else { BATCH_ROWS };
        let cursor = RowCursor { table, reader: &read.reader, ts: read.ts, overlay: read.overlay.as_deref() };
        let (rows, mut row_ids) = (&mut self.rows, Vec::new());
        let mut take = |key: &[u8], value: &[u8]| -> Result<(), SqlError> {
            rows.push(value)?;
            if wants_row_id && let RowKey::Int(id) = decode_row_key(key, table.key_kind())?.1 {
                row_ids.push(id);
            }
            Ok(())
        };
        read.cancel.check().map_err(SqlError::from)?;
        let mut taken = 0;
        while taken < most {
            if !cursor.step(&mut self.walk, &mut take)? {
                self.done = true;
                break;
            }
            taken += 1;
        }
        let stored = self.rows.finish().map_err(SqlError::from)?;
        let mut columns: Vec<ArrayRef> = stored.columns().to_vec();
        if wants_row_id {
            columns.push(Arc::new(Int64Array::from(row_ids)));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(taken));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.decoded_schema), columns, &options)?)
    }
}

impl Iterator for RowBatches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_batch();
        self.done |= next.is_err();
        next.transpose()
    }
}
