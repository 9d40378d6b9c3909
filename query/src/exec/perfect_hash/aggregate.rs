//! The plan node.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode, PlanProperties};

use super::group_table::GroupTable;
use super::stream;

/// A partial aggregation that numbers its groups instead of hashing them, as long as they are few.
#[derive(Clone, Debug)]
pub(crate) struct PerfectHashAggregateExec {
    /// The aggregation that this one stands for.
    aggregate: Arc<AggregateExec>,
    types: Vec<DataType>,
    metrics: ExecutionPlanMetricsSet,
}

impl PerfectHashAggregateExec {
    /// Stands for `aggregate`; `None` if it cannot.
    pub(crate) fn try_new(aggregate: &AggregateExec) -> Result<Option<Self>> {
        let group_by = aggregate.group_expr();
        let plain = *aggregate.mode() == AggregateMode::Partial
            && group_by.is_single()
            && !group_by.is_empty()
            && *aggregate.input_order_mode() == InputOrderMode::Linear
            && aggregate.limit_options().is_none()
            && aggregate.dynamic_expressions_produced().is_empty()
            && aggregate.aggr_expr().iter().all(|e| e.groups_accumulator_supported() && e.order_bys().is_empty());
        if !plain {
            return Ok(None);
        }
        let input = aggregate.input().schema();
        let types = group_by.expr().iter().map(|(expr, _)| expr.data_type(&input)).collect::<Result<Vec<_>>>()?;
        Ok(GroupTable::exists_for(&types).then(|| Self {
            aggregate: Arc::new(aggregate.clone()),
            types,
            metrics: ExecutionPlanMetricsSet::new(),
        }))
    }

    /// The same over another form of the aggregation.
    fn over(&self, aggregate: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(aggregate) = aggregate.downcast_ref::<AggregateExec>() else {
            return internal_err!("an aggregation became a {}", aggregate.name());
        };
        let aggregate = Arc::new(aggregate.clone());
        Ok(Arc::new(Self { aggregate, types: self.types.clone(), metrics: ExecutionPlanMetricsSet::new() }))
    }
}

impl DisplayAs for PerfectHashAggregateExec {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PerfectHash")?;
        self.aggregate.fmt_as(kind, f)
    }
}

impl ExecutionPlan for PerfectHashAggregateExec {
    fn name(&self) -> &str {
        "PerfectHashAggregateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.aggregate.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.aggregate.children()
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.over(&Arc::clone(&self.aggregate).replace_children(children, options)?)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        self.over(&Arc::clone(&self.aggregate).reset_state()?)
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.aggregate.apply_expressions(f)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(table) = GroupTable::new(&self.types) else {
            return internal_err!("group columns of types {:?} have no numbers", self.types);
        };
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        stream::start(Arc::clone(&self.aggregate), table, partition, context, baseline)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        self.aggregate.statistics_from_inputs(inputs, args)
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        self.aggregate.child_stats_requests(partition)
    }
}
