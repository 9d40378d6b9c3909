//! Moves a semi or anti join down to the relation whose columns it tests.
//!
//! `(A ⋈ B ⋈ C) ⋉ S` on a column of B keeps the rows whose B part has a match in S, and so does
//! `A ⋈ (B ⋉ S) ⋈ C`; but there the join with A and C meets fewer rows.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::logical_plan::Join;
use datafusion::logical_expr::{JoinType, LogicalPlan};

/// `plan` is a left semi or anti join.
pub(super) fn push_down_semi_join(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Join(semi) = &plan else { return Ok(Transformed::no(plan)) };
    let mut tested: HashSet<Column> = HashSet::new();
    for (left, _) in &semi.on {
        tested.extend(left.column_refs().into_iter().cloned());
    }
    if let Some(filter) = &semi.filter {
        let of_right = |column: &Column| semi.right.schema().has_column(column);
        tested.extend(filter.column_refs().into_iter().filter(|c| !of_right(c)).cloned());
    }
    if tested.is_empty() {
        return Ok(Transformed::no(plan));
    }
    Ok(match push(&semi.left, semi, &tested)? {
        Some(pushed) => Transformed::yes(pushed),
        None => Transformed::no(plan),
    })
}

/// `input ⋉ S` with the semi join moved into one side of `input`, which must be an inner join;
/// `None` if neither side has all tested columns.
fn push(input: &LogicalPlan, semi: &Join, tested: &HashSet<Column>) -> Result<Option<LogicalPlan>> {
    let LogicalPlan::Join(inner) = input else { return Ok(None) };
    if inner.join_type != JoinType::Inner {
        return Ok(None);
    }
    let has_all = |side: &LogicalPlan| tested.iter().all(|column| side.schema().has_column(column));
    let (left, right) = if has_all(&inner.left) {
        (attach(&inner.left, semi, tested)?, Arc::clone(&inner.right))
    } else if has_all(&inner.right) {
        (Arc::clone(&inner.left), attach(&inner.right, semi, tested)?)
    } else {
        return Ok(None);
    };
    let join = Join::try_new(
        left,
        right,
        inner.on.clone(),
        inner.filter.clone(),
        inner.join_type,
        inner.join_constraint,
        inner.null_equality,
        inner.null_aware,
    )?;
    Ok(Some(LogicalPlan::Join(join)))
}

fn attach(side: &Arc<LogicalPlan>, semi: &Join, tested: &HashSet<Column>) -> Result<Arc<LogicalPlan>> {
    if let Some(pushed) = push(side, semi, tested)? {
        return Ok(Arc::new(pushed));
    }
    let join = Join::try_new(
        Arc::clone(side),
        Arc::clone(&semi.right),
        semi.on.clone(),
        semi.filter.clone(),
        semi.join_type,
        semi.join_constraint,
        semi.null_equality,
        semi.null_aware,
    )?;
    Ok(Arc::new(LogicalPlan::Join(join)))
}
