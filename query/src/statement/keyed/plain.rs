//! Results that are columns of the rows read, without a plan: `SELECT [DISTINCT] a, b … [ORDER BY b] [LIMIT n]`.
//!
//! The rows are few. To make a plan's operators ready for them takes longer than this does.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{SortColumn, SortOptions, lexsort_to_indices, partition, take_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::sql::sqlparser::ast::{Distinct, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectItem};
use deltatree_learner::Row;
use deltatree_learner::catalog::{ColumnInfo, SqlType};
use deltatree_learner::codec::RowsToArrow;

use super::order::Limit;
use super::rows::KeyedRows;
use crate::error::Result;
use crate::planner::QueryStream;
use crate::session::rows_of;
use crate::statement::point_key::{column_of, makes_groups};
use crate::statement::point_select::projection;

/// What a query makes of the rows.
pub(super) struct PlainResult {
    /// Positions in the table.
    columns: Vec<usize>,
    schema: SchemaRef,
    /// Whether equal rows are one.
    distinct: bool,
    /// Positions in the table, and whether each descends; empty if the rows come as they are wanted.
    order: Vec<(usize, bool)>,
}

impl PlainResult {
    /// Of a query on rows that come in its order if `ordered`; `None` if it wants anything else.
    pub(super) fn of(query: &Query, select: &Select, rows: &KeyedRows, ordered: bool) -> Option<Self> {
        if makes_groups(select) {
            return None;
        }
        let (columns, schema) = projection(&rows.target, select)?;
        let distinct = match &select.distinct {
            None | Some(Distinct::All) => false,
            Some(Distinct::Distinct) => true,
            Some(Distinct::On(_)) => return None,
        };
        let table = &*rows.target.table;
        if distinct && !columns.iter().all(|&column| compares_by_bytes(&table.columns[column])) {
            return None;
        }
        let order = if ordered { Vec::new() } else { order(query, select, rows)? };
        // What decides on the order of rows that are one must be in them.
        let shown = order.iter().all(|(column, _)| columns.contains(column));
        (shown || !distinct).then_some(Self { columns, schema, distinct, order })
    }

    /// The result.
    pub(super) fn stream(&self, rows: &KeyedRows, found: &[Row], limit: Option<Limit>) -> Result<QueryStream> {
        let mut read = self.columns.clone();
        read.extend(self.order.iter().map(|(column, _)| column));
        let mut arrays = RowsToArrow::new(&rows.target.table, &read, found.len());
        found.iter().try_for_each(|row| arrays.push(row.value()))?;
        let arrays = arrays.finish()?;
        let (shown, keys) = arrays.columns().split_at(self.columns.len());
        let mut batch = RecordBatch::try_new(self.schema.clone(), shown.to_vec())?;
        if self.distinct || !self.order.is_empty() {
            batch = take_record_batch(&batch, &self.arrange(shown, keys)?)?;
        }
        if let Some(Limit { skip, take }) = limit {
            let skipped = skip.min(batch.num_rows());
            batch = batch.slice(skipped, take.min(batch.num_rows() - skipped));
        }
        Ok(rows_of(self.schema.clone(), vec![batch]))
    }

    /// Which rows to show, in order.
    fn arrange(&self, shown: &[ArrayRef], keys: &[ArrayRef]) -> Result<UInt32Array> {
        let sorted = |values: &ArrayRef, descending| {
            // NULL is the smallest value.
            let options = SortOptions { descending, nulls_first: !descending };
            SortColumn { values: Arc::clone(values), options: Some(options) }
        };
        let mut by: Vec<_> =
            keys.iter().zip(&self.order).map(|(values, &(_, descending))| sorted(values, descending)).collect();
        if self.distinct {
            by.extend(shown.iter().map(|values| sorted(values, false)));
        }
        let order = lexsort_to_indices(&by, None)?;
        if !self.distinct {
            return Ok(order);
        }
        // Equal rows are side by side now.
        let rows: Vec<_> =
            shown.iter().map(|values| arrow::compute::take(values, &order, None)).collect::<Result<_, _>>()?;
        Ok(partition(&rows)?.ranges().into_iter().map(|group| order.value(group.start)).collect())
    }
}

/// The columns that a query orders its rows by; `None` if it is by anything else.
fn order(query: &Query, select: &Select, rows: &KeyedRows) -> Option<Vec<(usize, bool)>> {
    let Some(order) = &query.order_by else { return Some(Vec::new()) };
    let OrderBy { kind: OrderByKind::Expressions(wanted), interpolate: None } = order else { return None };
    // An alias could be what the order means.
    if select.projection.iter().any(|item| matches!(item, SelectItem::ExprWithAlias { .. })) {
        return None;
    }
    let by = wanted.iter().map(|OrderByExpr { expr, options, with_fill }| {
        let column = column_of(&rows.target, expr)?;
        let plain = with_fill.is_none() && options.nulls_first.is_none();
        let comparable = compares_by_bytes(&rows.target.table.columns[column]);
        (plain && comparable).then_some((column, options.asc == Some(false)))
    });
    by.collect()
}

/// Whether values compare as Arrow compares what is stored of them.
fn compares_by_bytes(column: &ColumnInfo) -> bool {
    match column.sql_type {
        SqlType::Char { .. } | SqlType::VarChar { .. } => column.collation.ends_with("_bin"),
        _ => column.sql_type.is_integer(),
    }
}
