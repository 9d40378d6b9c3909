//! The columnar replica as a DataFusion scan.
//!
//! All partitions pull from one storage scan, morsel by morsel, so that they end together however the
//! rows are spread. Filters reach the scan in two ways: those of the query text when the scan is
//! planned, and *dynamic* ones (a hash join's build side, a top-k's bound), which the optimizer pushes
//! down after the physical plan is made and whose content appears while the query runs. A scan may be
//! told to wait for a dynamic filter before it starts; see [`crate::planner::rules`].

use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::DynamicFilterTracking;
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_plan::execution_plan::{ReplaceChildrenOptions, apply_expression_roots};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use deltatree_learner::columnar::{TableScan, TableSnapshot};
use deltatree_storage::api::{CancelFlag, ScanEstimate, ScanMetrics, ScanRequest};
use deltatree_storage::predicate::RowFilter;
use deltatree_storage::types::KeyRange;
use parking_lot::Mutex;

use super::columnar_stream;
use super::filters::{ScanFilters, display_all};
use super::own_rows::OwnRows;
use super::row_filter::ExprFilter;
use super::scan_shape::{ScanShape, leaf_properties};
use crate::access_path::Choice;
use crate::error::SqlError;

/// Rows per batch, which is a zone.
const BATCH_ROWS: usize = 8192;

/// Scans a snapshot of the columnar replica.
#[derive(Clone, Debug)]
pub struct ColumnarScanExec {
    /// What is read.
    pub(crate) read: Arc<ColumnarRead>,
    /// What rows must satisfy.
    pub(crate) filters: ScanFilters,
    /// Filters that sharpen while the query runs, in table positions.
    pub(crate) dynamic: Vec<Arc<dyn PhysicalExpr>>,
    /// Ids of the dynamic filters to wait for before the first row is read.
    pub(crate) awaited: Vec<u64>,
    /// Rows to return at most, each partition.
    pub(crate) fetch: Option<usize>,
    statistics: Arc<Statistics>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    shared: Arc<SharedScan>,
}

/// What a [`ColumnarScanExec`] reads.
#[derive(Debug)]
pub struct ColumnarRead {
    /// Table and columns.
    pub shape: ScanShape,
    /// The rows.
    pub snapshot: TableSnapshot,
    /// Why this path was taken.
    pub choice: Choice,
    /// The reading transaction's own changes.
    pub(crate) own: Option<OwnRows>,
    /// What zone maps leave of it.
    pub estimate: ScanEstimate,
    /// Stops the scan.
    pub cancel: CancelFlag,
}

/// The storage scan that the partitions of one execution share. Made by the first that starts.
#[derive(Default)]
pub(super) struct SharedScan(Mutex<Option<TableScan>>);

impl fmt::Debug for SharedScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedScan")
    }
}

impl ColumnarScanExec {
    /// A plan that returns the rows of `read` that satisfy `filters`, in `partitions` streams.
    /// `statistics` are about its output.
    pub fn new(read: ColumnarRead, filters: ScanFilters, statistics: Statistics, partitions: usize) -> Self {
        let properties = leaf_properties(&read.shape.schema, partitions);
        Self {
            read: Arc::new(read),
            filters,
            dynamic: Vec::new(),
            awaited: Vec::new(),
            fetch: None,
            statistics: Arc::new(statistics),
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
            shared: Arc::default(),
        }
    }

    /// The same scan, which waits for the dynamic filters with these ids.
    pub(crate) fn awaiting(&self, ids: Vec<u64>) -> Self {
        Self { awaited: ids, ..self.clone() }
    }

    /// Ids of the dynamic filters that reach this scan.
    pub(crate) fn dynamic_ids(&self) -> Result<Vec<u64>> {
        let mut ids = Vec::new();
        for expr in &self.dynamic {
            expr.apply(|node| {
                ids.extend(node.expression_id());
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(ids)
    }

    /// What the storage scan has done so far; zeros before it has started.
    pub fn scan_metrics(&self) -> ScanMetrics {
        self.shared.0.lock().as_ref().map(|scan| scan.metrics()).unwrap_or_default()
    }

    /// The storage scan, made on the first call.
    pub(super) fn storage_scan(&self) -> Result<TableScan> {
        let mut shared = self.shared.0.lock();
        if let Some(scan) = &*shared {
            return Ok(scan.clone());
        }
        let scan = self.read.snapshot.scan(self.request()?).map_err(SqlError::from)?;
        *shared = Some(scan.clone());
        Ok(scan)
    }

    fn request(&self) -> Result<ScanRequest> {
        let shape = &self.read.shape;
        let stored: Arc<[_]> = shape.stored_columns().into();
        let mut filters = self.filters.row_filters(shape)?;
        for expr in &self.dynamic {
            let filter = ExprFilter::new(Arc::clone(expr), Arc::clone(&stored), true)?;
            filters.push(Arc::new(filter) as Arc<dyn RowFilter>);
        }
        Ok(ScanRequest {
            projection: shape.projection.clone(),
            key_range: KeyRange::ALL,
            predicates: self.filters.predicates.clone(),
            filters,
            exclude: self.read.own.as_ref().map(|own| own.keys.clone()),
            // A limit is met by the first rows found, without waiting for a full batch.
            batch_rows: self.fetch.map_or(BATCH_ROWS, |fetch| fetch.clamp(1, BATCH_ROWS)),
            cancel: self.read.cancel.clone(),
        })
    }
}

impl DisplayAs for ColumnarScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ColumnarScanExec: table={}", self.read.shape.table.name)?;
        let columns: Vec<_> = self.read.shape.schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, ", columns=[{}]", columns.join(", "))?;
        if !self.filters.exprs.is_empty() {
            write!(f, ", filters=[{}]", display_all(&self.filters.exprs))?;
        }
        if !self.dynamic.is_empty() {
            write!(f, ", dynamic=[{}]", display_all(&self.dynamic))?;
        }
        if !self.awaited.is_empty() {
            write!(f, ", awaits={}", self.awaited.len())?;
        }
        self.fetch.map_or(Ok(()), |n| write!(f, ", fetch={n}"))
    }
}

impl ExecutionPlan for ColumnarScanExec {
    fn name(&self) -> &str {
        "ColumnarScanExec"
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

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { shared: Arc::default(), metrics: ExecutionPlanMetricsSet::new(), ..(*self).clone() }))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(self.filters.exprs.iter().chain(&self.dynamic), f)
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Ok(columnar_stream::start(self.clone(), partition, &self.metrics))
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

    fn with_fetch(&self, fetch: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        Some(Arc::new(Self { fetch, shared: Arc::default(), ..self.clone() }))
    }

    fn fetch(&self) -> Option<usize> {
        self.fetch
    }

    /// Takes every filter, unless a limit has been pushed in already: rows cut off by a limit must not
    /// be replaced by others because a filter came later.
    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        pushed: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let offered: Vec<_> = pushed.parent_filters.into_iter().map(|parent| parent.filter).collect();
        let taken: Vec<_> = offered.iter().map(|expr| self.fetch.is_none() && !is_volatile(expr)).collect();
        let answers = taken.iter().map(|&yes| if yes { PushedDown::Yes } else { PushedDown::No }).collect();
        let answer = FilterPushdownPropagation::with_parent_pushdown_result(answers);
        if !taken.contains(&true) {
            return Ok(answer);
        }
        let mut scan = Self { shared: Arc::default(), ..self.clone() };
        for (expr, _) in offered.into_iter().zip(&taken).filter(|(_, yes)| **yes) {
            let dynamic = DynamicFilterTracking::classify(&expr).contains_dynamic_filter();
            let expr = self.read.shape.to_table_positions(expr)?;
            if dynamic {
                scan.dynamic.push(expr);
            } else {
                scan.filters.add(&self.read.shape, &[expr]);
            }
        }
        Ok(answer.with_updated_node(Arc::new(scan)))
    }
}
