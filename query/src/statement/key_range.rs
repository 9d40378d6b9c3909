//! Queries for the rows of one table between two values of its integer primary key.
//!
//! If the two are close, the rows are few, and to read them by key is the best path whatever else the
//! query does with them. So it is planned once, without the keys, and that plan is kept.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Query, SetExpr, visit_relations};
use deltatree_learner::catalog::{PrimaryKey, TableInfo};
use deltatree_learner::codec::handle_of;
use deltatree_storage::types::{KeyRange, RowKey, Value};

use super::point_key::{column_of, exact_value, plain_select};
use super::target::Target;
use crate::access_path::FEW_ROWS;
use crate::error::Result;
use crate::planner::QueryStream;
use crate::session::Session;
use crate::types::literal::literal_value;

/// The keys that conditions leave, both ends included.
struct Interval {
    low: Option<i64>,
    high: Option<i64>,
}

impl Interval {
    /// As a range, if it holds few keys.
    fn few(&self) -> Option<KeyRange> {
        let (low, high) = (self.low?, self.high?);
        let end = high.checked_add(1)?;
        let few = high < low || low.abs_diff(high) < FEW_ROWS;
        few.then(|| KeyRange { start: Some(RowKey::Int(low)), end: Some(RowKey::Int(end.max(low))) })
    }

    fn at_least(&mut self, key: i64) {
        self.low = Some(self.low.map_or(key, |low| low.max(key)));
    }

    fn at_most(&mut self, key: i64) {
        self.high = Some(self.high.map_or(key, |high| high.min(key)));
    }
}

impl Session {
    /// Starts a query for a few rows by key; `None` if it is not such a query.
    pub(super) async fn key_range_select(&mut self, query: &Query) -> Result<Option<QueryStream>> {
        let Some((table, keys)) = self.few_keys(query) else { return Ok(None) };
        if !self.engines().row {
            return Ok(None);
        }
        let mut rest = query.clone();
        if let SetExpr::Select(select) = &mut *rest.body {
            select.selection = None;
        }
        let rest = self.rewrite_query(rest, &[])?;
        let read = self.read().await?;
        self.start_key_query(&rest, &table, keys, read).await.map(Some)
    }

    fn few_keys(&self, query: &Query) -> Option<(Arc<TableInfo>, KeyRange)> {
        // A kept plan must not know a limit that was reached.
        let (select, table) = plain_select(query)?;
        if !query.locks.is_empty() || !reads_one_table(query) {
            return None;
        }
        let target = self.plain_target(table)?;
        let PrimaryKey::Integer { column } = &target.table.primary_key else { return None };
        let key = target.table.position_of(*column)?;
        let mut interval = Interval { low: None, high: None };
        narrow(&target, key, select.selection.as_ref()?, &mut interval)?;
        Some((target.table.clone(), interval.few()?))
    }
}

/// Whether a table is named once, in subqueries too.
fn reads_one_table(query: &Query) -> bool {
    let mut tables = 0;
    let more = visit_relations(query, |_| {
        tables += 1;
        if tables > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    more.is_continue()
}

/// Narrows the interval by conditions, all of which must be about the key.
fn narrow(target: &Target, key: usize, condition: &Expr, interval: &mut Interval) -> Option<()> {
    let bound = |expr: &Expr| key_of(target, key, expr);
    match condition {
        Expr::Nested(inner) => narrow(target, key, inner, interval)?,
        Expr::Between { expr, negated: false, low, high } if column_of(target, expr) == Some(key) => {
            interval.at_least(bound(low)?);
            interval.at_most(bound(high)?);
        }
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            narrow(target, key, left, interval)?;
            narrow(target, key, right, interval)?;
        }
        Expr::BinaryOp { left, op, right } if column_of(target, left) == Some(key) => match op {
            BinaryOperator::GtEq => interval.at_least(bound(right)?),
            BinaryOperator::Gt => interval.at_least(bound(right)?.checked_add(1)?),
            BinaryOperator::LtEq => interval.at_most(bound(right)?),
            BinaryOperator::Lt => interval.at_most(bound(right)?.checked_sub(1)?),
            _ => return None,
        },
        _ => return None,
    }
    Some(())
}

/// The row key for a value of the key column.
fn key_of(target: &Target, key: usize, value: &Expr) -> Option<i64> {
    let mut row = vec![Value::Null; target.table.columns.len()];
    row[key] = exact_value(&literal_value(value)?, &target.table.columns[key])?;
    match handle_of(&target.table, &row)? {
        RowKey::Int(key) => Some(key),
        RowKey::Bytes(_) => None,
    }
}
