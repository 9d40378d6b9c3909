//! Rows and distinct values of the relations that are joined.

use std::collections::HashMap;

use datafusion::common::Column;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan};

use crate::table::HtapTable;

/// Rows of a relation that nothing is known about.
const UNKNOWN_ROWS: f64 = 1000.0;
/// Part of the rows that a filter keeps which nothing is known about.
const FILTER_SELECTIVITY: f64 = 0.2;
/// Part of the rows that have a match in a semi join.
const SEMI_SELECTIVITY: f64 = 0.5;
/// Part of its input rows that a grouping by unknown columns leaves.
const GROUP_SELECTIVITY: f64 = 0.1;

/// What is known about a relation.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    /// Rows, after filters.
    pub(super) rows: f64,
    /// Rows of the table before filters: what limits the combinations of its columns' values.
    pub(super) base_rows: f64,
    /// Distinct values of columns, before filters.
    pub(super) distinct: HashMap<Column, f64>,
}

impl Figures {
    /// Distinct values of a column; as many as rows if unknown.
    pub(super) fn distinct_of(&self, column: &Column) -> f64 {
        self.distinct.get(column).copied().unwrap_or(self.base_rows).clamp(1.0, self.base_rows.max(1.0))
    }

    fn unknown() -> Self {
        Self { rows: UNKNOWN_ROWS, base_rows: UNKNOWN_ROWS, distinct: HashMap::new() }
    }

    fn scaled(mut self, part: f64) -> Self {
        self.rows *= part;
        self
    }
}

/// Figures of `plan`'s output.
pub(super) fn figures(plan: &LogicalPlan) -> Figures {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let estimate = source_as_provider(&scan.source)
                .ok()
                .and_then(|provider| provider.downcast_ref::<HtapTable>()?.estimate(&scan.filters));
            let Some(estimate) = estimate else { return Figures::unknown() };
            let distinct = scan.projected_schema.iter().filter_map(|(qualifier, field)| {
                let position = scan.source.schema().index_of(field.name()).ok()?;
                let distinct = estimate.distinct.get(position).copied().flatten()?;
                Some((Column::new(qualifier.cloned(), field.name()), distinct))
            });
            Figures { rows: estimate.rows, base_rows: estimate.base_rows, distinct: distinct.collect() }
        }
        LogicalPlan::SubqueryAlias(alias) => renamed(figures(&alias.input), &alias.input, plan),
        LogicalPlan::Projection(projection) => {
            let input = figures(&projection.input);
            let mut distinct = HashMap::new();
            for ((qualifier, field), expr) in projection.schema.iter().zip(&projection.expr) {
                if let Expr::Column(column) = expr.clone().unalias()
                    && let Some(n) = input.distinct.get(&column)
                {
                    distinct.insert(Column::new(qualifier.cloned(), field.name()), *n);
                }
            }
            Figures { distinct, ..input }
        }
        LogicalPlan::Filter(filter) => figures(&filter.input).scaled(FILTER_SELECTIVITY),
        LogicalPlan::Aggregate(aggregate) => {
            let input = figures(&aggregate.input);
            let groups = aggregate.group_expr.iter().map(|expr| match expr {
                Expr::Column(column) => input.distinct_of(column),
                _ => input.rows * GROUP_SELECTIVITY,
            });
            let rows = groups.product::<f64>().min(input.rows).max(1.0);
            Figures { rows, base_rows: rows, distinct: input.distinct }
        }
        LogicalPlan::Join(join) => {
            let (left, right) = (figures(&join.left), figures(&join.right));
            match join.join_type {
                JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => left.scaled(SEMI_SELECTIVITY),
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => right.scaled(SEMI_SELECTIVITY),
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                    let rows = if join.on.is_empty() { left.rows * right.rows } else { left.rows.max(right.rows) };
                    let mut distinct = left.distinct;
                    distinct.extend(right.distinct);
                    Figures { rows, base_rows: rows.max(left.base_rows).max(right.base_rows), distinct }
                }
            }
        }
        LogicalPlan::Limit(limit) => {
            let input = figures(&limit.input);
            let most = plan.max_rows().map_or(f64::INFINITY, |n| n as f64);
            Figures { rows: input.rows.min(most), ..input }
        }
        LogicalPlan::Sort(sort) => figures(&sort.input),
        LogicalPlan::Distinct(_) | LogicalPlan::Window(_) | LogicalPlan::Repartition(_) => plan
            .inputs()
            .first()
            .map_or_else(Figures::unknown, |input| Figures { distinct: HashMap::new(), ..figures(input) }),
        LogicalPlan::EmptyRelation(_) => Figures { rows: 1.0, base_rows: 1.0, distinct: HashMap::new() },
        _ => match plan.max_rows() {
            Some(rows) => Figures { rows: rows as f64, base_rows: rows as f64, distinct: HashMap::new() },
            None => Figures::unknown(),
        },
    }
}

/// The same figures under the names of `output`, whose columns are those of `input` in order.
fn renamed(figures: Figures, input: &LogicalPlan, output: &LogicalPlan) -> Figures {
    let mut distinct = HashMap::new();
    for (inner, outer) in input.schema().columns().into_iter().zip(output.schema().columns()) {
        if let Some(n) = figures.distinct.get(&inner) {
            distinct.insert(outer, *n);
        }
    }
    Figures { distinct, ..figures }
}
