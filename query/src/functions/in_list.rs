//! `IN` lists whose items are of another kind than what is looked for.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result as DataFusionResult};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::disjunction;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::operators;

/// Compares the items of `IN` lists as `=` would: constants are brought to the type of what is looked for,
/// once; where that type itself would have to change, the list becomes comparisons joined by `OR`.
#[derive(Debug)]
pub(super) struct InListTypes;

impl AnalyzerRule for InListTypes {
    fn name(&self) -> &str {
        "mysql_in_list_types"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> DataFusionResult<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| {
            let mut schema = DFSchema::empty();
            for input in node.inputs() {
                schema.merge(input.schema());
            }
            if let LogicalPlan::TableScan(scan) = &node {
                schema.merge(&scan.projected_schema);
            }
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                let expr = expr.transform_up(|e| in_list(e, &schema))?;
                Ok(if expr.transformed { expr.update_data(|e| name.restore(e)) } else { expr })
            })
        })
        .map(|t| t.data)
    }
}

fn in_list(expr: Expr, schema: &DFSchema) -> DataFusionResult<Transformed<Expr>> {
    let Expr::InList(InList { expr, list, negated }) = expr else { return Ok(Transformed::no(expr)) };
    let Ok(wanted) = expr.get_type(schema) else {
        return Ok(Transformed::no(Expr::InList(InList { expr, list, negated })));
    };
    let mut items = Vec::with_capacity(list.len());
    let mut changed = false;
    for item in &list {
        let found = item.get_type(schema)?;
        let Some(converted) = operators::list_item(&expr, &wanted, item.clone(), &found)? else {
            return comparisons(*expr, list, negated, schema);
        };
        changed |= converted != *item;
        items.push(converted);
    }
    let list = Expr::InList(InList { expr, list: items, negated });
    Ok(if changed { Transformed::yes(list) } else { Transformed::no(list) })
}

fn comparisons(expr: Expr, list: Vec<Expr>, negated: bool, schema: &DFSchema) -> DataFusionResult<Transformed<Expr>> {
    let wanted = expr.get_type(schema)?;
    let mut tests = Vec::with_capacity(list.len());
    for item in list {
        let found = item.get_type(schema)?;
        tests.push(operators::equals(expr.clone(), &wanted, item, &found)?);
    }
    let any = disjunction(tests).expect("an IN list has at least one item");
    Ok(Transformed::yes(if negated { Expr::Not(Box::new(any)) } else { any }))
}
