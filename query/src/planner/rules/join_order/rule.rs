//! The rule itself: finds groups of inner joins and replaces them.

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{JoinType, LogicalPlan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::graph::JoinGraph;
use super::search::{Rows, best_tree};
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

    /// The rule walks the plan itself: a group is looked at once, from its uppermost join.
    fn apply_order(&self) -> Option<ApplyOrder> {
        None
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let pushed = plan.transform_down_with_subqueries(|node| match &node {
            LogicalPlan::Join(join)
                if matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti) && !join.null_aware =>
            {
                push_down_semi_join(node)
            }
            _ => Ok(Transformed::no(node)),
        })?;
        let mut reordered = reorder(pushed.data)?;
        reordered.transformed |= pushed.transformed;
        Ok(reordered)
    }
}

/// `plan` with all its groups of inner joins in their best order.
fn reorder(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    plan.map_subqueries(reorder)?.transform_data(reorder_inputs)
}

fn reorder_inputs(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let is_group = matches!(&plan, LogicalPlan::Join(join) if join.join_type == JoinType::Inner);
    let graph = if is_group { JoinGraph::of(&plan)? } else { None };
    let Some(mut graph) = graph else { return plan.map_children(reorder) };
    let changed_below = graph.map_relations(reorder)?;
    let mut rows = Rows::default();
    let as_written = graph.as_written.cost(&graph, &mut rows);
    match best_tree(&graph, &mut rows) {
        Some((tree, cost)) if cost < as_written * WORTHWHILE => Ok(Transformed::yes(graph.build(&tree, &plan)?)),
        Some(_) | None if changed_below => Ok(Transformed::yes(graph.build(&graph.as_written, &plan)?)),
        Some(_) | None => Ok(Transformed::no(plan)),
    }
}
