//! Tells columnar scans to wait for the filters of hash joins above them.
//!
//! A hash join knows its build side's keys before it asks for the first probe row, so a scan directly
//! under its probe side finds the filter ready. Not so a scan that feeds the *build side of another
//! join* within the probe side: such build sides are collected by tasks that start at once, and would
//! read everything before the upper join's filter exists:
//!
//! ```text
//!   HashJoin A            build: small, filtered        filter F on k
//!     └ HashJoin B        (probe side of A)
//!        ├ build: scan S  starts at once; F reaches it through B; must wait for F
//!        └ probe: scan P
//! ```
//!
//! Waiting cannot close a circle: A's build side never depends on its probe side. The filters of sorts
//! with a limit are another matter (they sharpen only when rows arrive), and are never waited for.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::HashJoinExec;

use crate::exec::ColumnarScanExec;

/// See the module.
#[derive(Debug)]
pub(super) struct AwaitJoinFilters;

impl PhysicalOptimizerRule for AwaitJoinFilters {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let mut of_joins = HashSet::new();
        plan.apply(|node| {
            if node.is::<HashJoinExec>() {
                of_joins.extend(node.dynamic_expressions_produced().iter().filter_map(|e| e.expression_id()));
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        if of_joins.is_empty() {
            return Ok(plan);
        }
        plan.transform_up(|node| {
            let Some(scan) = node.downcast_ref::<ColumnarScanExec>() else { return Ok(Transformed::no(node)) };
            let awaited: Vec<_> = scan.dynamic_ids()?.into_iter().filter(|id| of_joins.contains(id)).collect();
            if awaited.is_empty() {
                return Ok(Transformed::no(node));
            }
            Ok(Transformed::yes(Arc::new(scan.awaiting(awaited)) as Arc<dyn ExecutionPlan>))
        })
        .data()
    }

    fn name(&self) -> &str {
        "await_join_filters"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
