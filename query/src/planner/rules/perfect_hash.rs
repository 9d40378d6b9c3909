//! Lets partial aggregations number their groups, where that may work.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;

use crate::exec::PerfectHashAggregateExec;

/// See the module. Belongs after all rules that know aggregations.
#[derive(Debug)]
pub struct PerfectHashAggregates;

impl PhysicalOptimizerRule for PerfectHashAggregates {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(aggregate) = node.downcast_ref::<AggregateExec>() else { return Ok(Transformed::no(node)) };
            Ok(match PerfectHashAggregateExec::try_new(aggregate)? {
                Some(perfect) => Transformed::yes(Arc::new(perfect) as Arc<dyn ExecutionPlan>),
                None => Transformed::no(node),
            })
        })
        .data()
    }

    fn name(&self) -> &str {
        "perfect_hash_aggregates"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
