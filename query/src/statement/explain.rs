//! `EXPLAIN`.

use datafusion::sql::sqlparser::ast::{FromTable, Query, Statement};

use super::select::{restrict, select_items};
use super::update::order_and_limit;
use crate::error::{Result, SqlError};
use crate::session::{Session, StatementResult, rows_of};

impl Session {
    /// Shows how a query, or the search of a statement that changes rows, would run.
    pub(super) async fn explain(&mut self, statement: Box<Statement>, analyze: bool) -> Result<StatementResult> {
        let query = match *statement {
            Statement::Query(mut query) => {
                query.locks.clear();
                query
            }
            Statement::Insert(insert) => match insert.source {
                Some(source) => source,
                None => return Err(SqlError::not_supported("EXPLAIN of this statement")),
            },
            ref changing @ (Statement::Update(_) | Statement::Delete(_)) => Box::new(self.search_of(changing)?),
            other => return Err(SqlError::not_supported(format!("EXPLAIN of {other}"))),
        };
        let query = self.rewrite_query(*query, &[])?;
        let read = self.read().await?;
        let batch = self.explain_query(query, read, analyze).await?;
        Ok(StatementResult::Rows(rows_of(batch.schema(), vec![batch])))
    }

    /// The query by which a statement finds the rows that it changes.
    fn search_of(&self, statement: &Statement) -> Result<Query> {
        let (from, selection, order_by, limit) = match statement {
            Statement::Update(update) => {
                (vec![update.table.clone()], &update.selection, &update.order_by, &update.limit)
            }
            Statement::Delete(delete) => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
                (from.clone(), &delete.selection, &delete.order_by, &delete.limit)
            }
            other => return Err(SqlError::not_supported(format!("EXPLAIN of {other}"))),
        };
        let target = from.first().map(|t| self.target_of(&t.relation)).transpose()?.flatten();
        let target = target.ok_or_else(|| SqlError::not_supported("EXPLAIN of this statement"))?;
        let mut items = target.old_items();
        // The hidden key is there for the writer only.
        items.truncate(target.table.columns.len());
        let mut query = select_items(items, from);
        restrict(&mut query, selection.clone());
        order_and_limit(&mut query, order_by, limit.as_ref());
        Ok(query)
    }
}
