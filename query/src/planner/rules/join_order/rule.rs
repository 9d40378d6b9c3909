//! The rule itself: finds groups of inner joins and replaces them.

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::{JoinType, LogicalPlan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::graph::JoinGraph;
use super::search::best_tree;
use super::semi_join::push_down_semi_join;

/// A new tree must cost less than this part of the old one.
const WORTHWHILE: f64 = 0.9;

/// See the module.
#[derive(Debug)]
pub(in crate::planner::rules) struct JoinOrder;

impl OptimizerRule for JoinOrder {
    fn name(&self) -> &str {
        "join_order"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Join(join) = &plan else { return Ok(Transformed::no(plan)) };
        match join.join_type {
            JoinType::Inner => {
                let Some(graph) = JoinGraph::of(&plan)? else { return Ok(Transformed::no(plan)) };
                let Some(best) = best_tree(&graph) else { return Ok(Transformed::no(plan)) };
                if best.cost >= graph.cost_of_original() * WORTHWHILE {
                    return Ok(Transformed::no(plan));
                }
                Ok(Transformed::yes(graph.build(&best, &plan)?))
            }
            JoinType::LeftSemi | JoinType::LeftAnti if !join.null_aware => push_down_semi_join(plan),
            _ => Ok(Transformed::no(plan)),
        }
    }
}
