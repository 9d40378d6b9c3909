//! Queries over a few rows by key.
//!
//! The rows are few, and to read them by key is the best path whatever else the query does with them. So
//! it is planned once, over any rows, and that plan is kept.

use std::ops::ControlFlow;

use arrow::array::RecordBatch;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::sql::sqlparser::ast::{Query, SetExpr, visit_relations};
use futures::StreamExt;

use super::order::{Limit, direction};
use super::plain::PlainResult;
use super::rows::KeyedRows;
use crate::error::Result;
use crate::exec::ReadRows;
use crate::planner::QueryStream;
use crate::session::Session;
use crate::statement::point_key::plain_select;

/// A query whose rows are named by key.
struct KeyedQuery {
    rows: KeyedRows,
    /// To be taken of its result. A kept plan must not know a limit that was reached.
    limit: Option<Limit>,
    /// Whether it locks the rows.
    locks: bool,
    /// Its result, if that needs no plan.
    plain: Option<PlainResult>,
}

impl Session {
    /// Starts a query for a few rows by key; `None` if it is not such a query.
    pub(in crate::statement) async fn keyed_select(&mut self, query: &Query) -> Result<Option<QueryStream>> {
        let Some(keyed) = self.keyed_query(query) else { return Ok(None) };
        let read = self.read().await?;
        let found = if keyed.locks {
            self.lock_keyed(&keyed.rows).await?
        } else {
            self.read_keyed(&keyed.rows, read.context.ts)?
        };
        if !self.reads_by(&keyed.rows.target.table, read.context.ts) {
            return Ok(None);
        }
        let Some(found) = found else { return Ok(None) };
        if let Some(plain) = &keyed.plain {
            return plain.stream(&keyed.rows, &found, keyed.limit).map(Some);
        }
        let mut rest = query.clone();
        rest.limit_clause = None;
        if let SetExpr::Select(select) = &mut *rest.body {
            select.selection = None;
        }
        let rest = self.rewrite_query(rest, &[])?;
        let KeyedRows { target, path, .. } = &keyed.rows;
        let rows = ReadRows(found.into());
        let stream = self.node.engine().query_rows(&rest, &target.table, &path.path, rows, read.context).await?;
        Ok(Some(match keyed.limit {
            Some(limit) => limited(stream, limit),
            None => stream,
        }))
    }

    fn keyed_query(&self, query: &Query) -> Option<KeyedQuery> {
        let (select, table) = plain_select(query)?;
        let limit = Limit::of(query).ok()?;
        if !self.engines().row || !reads_one_table(query) {
            return None;
        }
        let mut rows = self.keyed_rows(table, select.selection.as_ref())?;
        let locks = !query.locks.is_empty() && self.transaction.is_some();
        let direction = direction(query, select, &rows);
        if let Some(reverse) = direction {
            rows.reverse = reverse;
        }
        if let Some(limit) = limit {
            if direction.is_some() {
                rows.first = Some(limit.skip.checked_add(limit.take)?);
            } else if locks {
                // Rows that are not returned are not locked.
                return None;
            }
        }
        let plain = PlainResult::of(query, select, &rows, direction.is_some());
        Some(KeyedQuery { rows, limit, locks, plain })
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

fn limited(rows: QueryStream, limit: Limit) -> QueryStream {
    let QueryStream { schema, stream } = rows;
    let mut left = limit;
    let stream = stream.map(move |batch| {
        let batch: RecordBatch = batch?;
        let skipped = left.skip.min(batch.num_rows());
        let taken = left.take.min(batch.num_rows() - skipped);
        left = Limit { skip: left.skip - skipped, take: left.take - taken };
        Ok(batch.slice(skipped, taken))
    });
    QueryStream { schema: schema.clone(), stream: Box::pin(RecordBatchStreamAdapter::new(schema, stream)) }
}
