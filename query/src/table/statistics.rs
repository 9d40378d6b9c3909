//! What DataFusion's planner is told about a scan's output.
//!
//! Without filters the figures are the snapshot's own and exact, so that `COUNT(*)`, `MIN` and `MAX`
//! need no scan. With filters they are estimates, good enough to tell the smaller side of a join.

use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics as PlanColumn, ScalarValue, Statistics};
use deltatree_storage::api::{ColumnStatistics, ScanEstimate, SnapshotStatistics};
use deltatree_storage::predicate::{CompareOp, Predicate};
use deltatree_storage::types::{StoredType, Value};

use crate::access_path::Facts;
use crate::exec::{ScanFilters, ScanShape};
use crate::predicate_convert::value_scalar;

/// Part of the rows that a conjunct keeps which nothing is known about.
const UNKNOWN_SELECTIVITY: f64 = 0.2;
/// Assumed bytes of a text or binary value that nothing is known about.
const UNKNOWN_WIDTH: usize = 24;

/// What is known about a table before its filters.
pub(super) struct Estimate {
    rows: Option<u64>,
    /// Whether `rows` is the number of rows that the query sees.
    exact: bool,
    /// Rows that pruning or keys leave, at most.
    kept: f64,
    columns: Vec<ColumnStatistics>,
}

impl Estimate {
    /// Of a columnar snapshot; not exact if the transaction has rows of its own.
    pub(super) fn of_snapshot(statistics: &SnapshotStatistics, scan: &ScanEstimate, own_rows: bool) -> Self {
        Self {
            rows: Some(statistics.rows),
            exact: statistics.exact_rows && !own_rows,
            kept: scan.rows_kept as f64,
            columns: statistics.columns.clone(),
        }
    }

    /// Of a row-store path that reads `kept` rows.
    pub(super) fn inexact(facts: &Facts, kept: f64) -> Self {
        Self { rows: facts.rows, exact: false, kept, columns: facts.columns.clone() }
    }

    /// Rows to look at.
    pub(super) fn rows_kept(&self) -> u64 {
        self.kept as u64
    }
}

/// Figures of a scan's output columns.
pub(super) fn plan_statistics(shape: &ScanShape, filters: &ScanFilters, estimate: &Estimate) -> Statistics {
    let filtered = !filters.exprs.is_empty();
    let rows = match estimate.rows {
        None if filtered => Precision::Inexact((estimate.kept * UNKNOWN_SELECTIVITY).ceil() as usize),
        None => Precision::Inexact(estimate.kept as usize),
        Some(rows) if filtered => {
            let selected = rows as f64 * selectivity(filters, &estimate.columns);
            Precision::Inexact(selected.min(estimate.kept).ceil() as usize)
        }
        Some(rows) if estimate.exact => Precision::Exact(rows as usize),
        Some(rows) => Precision::Inexact(rows as usize),
    };
    let exact = estimate.exact && !filtered;
    let columns: Vec<_> = shape.projection.iter().map(|&i| column(shape, estimate, i, &rows, exact)).collect();
    let bytes = columns.iter().filter_map(|c| c.byte_size.get_value()).sum();
    Statistics { num_rows: rows, total_byte_size: Precision::Inexact(bytes), column_statistics: columns }
}

fn column(shape: &ScanShape, estimate: &Estimate, position: usize, rows: &Precision<usize>, exact: bool) -> PlanColumn {
    let rows = rows.get_value().copied().unwrap_or(0);
    let Some(info) = shape.table.columns.get(position) else { return PlanColumn::new_unknown() };
    let stored = info.sql_type.stored();
    let Some(known) = estimate.columns.get(position) else {
        return PlanColumn {
            byte_size: Precision::Inexact(rows * width(stored, None, 0)),
            ..PlanColumn::new_unknown()
        };
    };
    let exact = exact && known.exact;
    let bound = |value: &Option<Value>| match value.as_ref().and_then(|v| value_scalar(v, stored)) {
        Some(scalar) if exact => Precision::Exact(scalar),
        Some(scalar) => Precision::Inexact(scalar),
        None => Precision::<ScalarValue>::Absent,
    };
    let nulls = (known.null_count as usize).min(rows);
    PlanColumn {
        null_count: if exact { Precision::Exact(nulls) } else { Precision::Inexact(nulls) },
        min_value: bound(&known.min),
        max_value: bound(&known.max),
        sum_value: Precision::Absent,
        distinct_count: known.distinct.map_or(Precision::Absent, |n| Precision::Inexact((n as usize).min(rows))),
        byte_size: Precision::Inexact(rows * width(stored, Some(known), estimate.rows.unwrap_or(0))),
    }
}

/// Bytes of a decoded value.
fn width(stored: StoredType, known: Option<&ColumnStatistics>, rows: u64) -> usize {
    match stored.arrow().primitive_width() {
        Some(width) => width,
        None => 16 + known.and_then(|k| k.bytes.checked_div(rows)).map_or(UNKNOWN_WIDTH, |bytes| bytes as usize),
    }
}

/// Part of the rows that all conjuncts keep, as if they were independent.
pub(super) fn selectivity(filters: &ScanFilters, columns: &[ColumnStatistics]) -> f64 {
    let known: f64 = filters.predicates.iter().map(|p| predicate_selectivity(p, columns)).product();
    let rest: f64 = filters.rest.iter().map(|_| UNKNOWN_SELECTIVITY).product();
    known * rest
}

fn predicate_selectivity(predicate: &Predicate, columns: &[ColumnStatistics]) -> f64 {
    let per_value = |column: usize| {
        let distinct = columns.get(column).and_then(|c| c.distinct).filter(|&n| n > 0);
        distinct.map_or(UNKNOWN_SELECTIVITY, |n| 1.0 / n as f64)
    };
    match predicate {
        Predicate::Compare { column, op, value } => match op {
            CompareOp::Eq => per_value(*column),
            CompareOp::NotEq => 1.0 - per_value(*column),
            CompareOp::Lt | CompareOp::LtEq => below(columns.get(*column), value).unwrap_or(UNKNOWN_SELECTIVITY),
            CompareOp::Gt | CompareOp::GtEq => {
                below(columns.get(*column), value).map_or(UNKNOWN_SELECTIVITY, |p| 1.0 - p)
            }
        },
        Predicate::In { column, values } => (values.len() as f64 * per_value(*column)).min(1.0),
        Predicate::IsNull { .. } => 0.1,
        Predicate::IsNotNull { .. } => 0.9,
        Predicate::And(all) => all.iter().map(|p| predicate_selectivity(p, columns)).product(),
        Predicate::Or(any) => 1.0 - any.iter().map(|p| 1.0 - predicate_selectivity(p, columns)).product::<f64>(),
        Predicate::Not(inner) => 1.0 - predicate_selectivity(inner, columns),
    }
}

/// Part of a column's values below `value`, as if they were evenly spread between its bounds.
fn below(column: Option<&ColumnStatistics>, value: &Value) -> Option<f64> {
    let number = |value: &Value| match value {
        Value::Int(v) => Some(*v as f64),
        Value::UInt(v) => Some(*v as f64),
        Value::Float(v) => Some(*v),
        Value::Decimal(v) => Some(*v as f64),
        Value::Null | Value::BigDecimal(_) | Value::Bytes(_) => None,
    };
    let column = column?;
    let (min, max, at) = (number(column.min.as_ref()?)?, number(column.max.as_ref()?)?, number(value)?);
    if max <= min {
        return Some(if at >= min { 1.0 } else { 0.0 });
    }
    Some(((at - min) / (max - min)).clamp(0.0, 1.0))
}
