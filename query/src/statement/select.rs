//! Queries.

use std::sync::LazyLock;

use arrow::datatypes::SchemaRef;
use datafusion::sql::sqlparser::ast::{
    Expr, Query, Select, SelectItem, SetExpr, Statement, TableFactor, TableWithJoins,
};
use datafusion::sql::sqlparser::dialect::MySqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::dispatch::{MAX_RETRIES, lost_race};
use super::parsed::{ParsedStatement, StatementKind};
use super::placeholder;
use super::target::Target;
use crate::error::{Result, SqlError};
use crate::planner::QueryStream;
use crate::session::{Session, StatementResult};
use crate::types::Datum;

/// How often rows that change while they are being locked are read again.
const MAX_LOCK_ROUNDS: usize = 16;

impl Session {
    /// Runs a query.
    pub(crate) async fn select(&mut self, query: &Query) -> Result<StatementResult> {
        if let Some(row) = self.point_select(query).await? {
            return Ok(StatementResult::Rows(row));
        }
        if let Some(rows) = self.keyed_select(query).await? {
            return Ok(StatementResult::Rows(rows));
        }
        if !query.locks.is_empty() && self.transaction.is_some() {
            return self.select_for_update(query).await.map(StatementResult::Rows);
        }
        let mut retries = 0;
        loop {
            match self.select_unlocked(query.clone()).await {
                Ok(rows) => return Ok(StatementResult::Rows(rows)),
                // A definition changed between the timestamp and the plan, and no row was sent yet.
                Err(e) if lost_race(&e) && self.reads_newest()? && retries < MAX_RETRIES => retries += 1,
                Err(e) => return Err(self.blame_view(query, e).await),
            }
        }
    }

    async fn select_unlocked(&mut self, mut query: Query) -> Result<QueryStream> {
        query.locks.clear();
        let query = self.rewrite_query(query, &[])?;
        let read = self.read().await?;
        self.start_query(query, read).await
    }

    /// Locks the rows that a query on one table finds, then reads them. A query on several tables reads
    /// the newest state without locking.
    async fn select_for_update(&mut self, query: &Query) -> Result<QueryStream> {
        let mut unlocked = query.clone();
        unlocked.locks.clear();
        if let Some((target, select)) = self.lockable(query)? {
            self.lock_all(&unlocked, &target, &select).await?;
        }
        let query = self.rewrite_query(unlocked, &[])?;
        let read = self.read_newest().await?;
        self.start_query(query, read).await
    }

    /// Locks all rows that a query finds. Those that others change while they are being locked are found again, but not
    /// for ever: then with 1205, as if somebody held them.
    async fn lock_all(&mut self, query: &Query, target: &Target, select: &Select) -> Result<()> {
        let mut known = std::collections::HashSet::new();
        for _ in 0..MAX_LOCK_ROUNDS {
            let mut keys_only = query.clone();
            let mut select = select.clone();
            select.projection = target.old_items();
            *keys_only.body = SetExpr::Select(Box::new(select));
            let found = self.find_rows(target, keys_only).await?;
            let keys = found.iter().map(|row| target.row_key(&row.key)).filter(|key| !known.contains(key));
            let keys: Vec<_> = keys.collect();
            if keys.is_empty() || self.lock_found(&keys).await?.is_none() {
                return Ok(());
            }
            known.extend(keys);
        }
        Err(SqlError::lock_wait_timeout())
    }

    /// The table whose rows a locking query finds, if it is only one and they come out one by one.
    fn lockable(&self, query: &Query) -> Result<Option<(Target, Select)>> {
        let SetExpr::Select(select) = &*query.body else { return Ok(None) };
        let [TableWithJoins { relation, joins }] = select.from.as_slice() else { return Ok(None) };
        if !joins.is_empty() || select.distinct.is_some() || select.having.is_some() || query.with.is_some() {
            return Ok(None);
        }
        if matches!(relation, TableFactor::Table { .. }) {
            // A table that is none of ours, such as one of information_schema, has no rows to lock.
            Ok(self.target_of(relation).ok().flatten().map(|target| (target, (**select).clone())))
        } else {
            Ok(None)
        }
    }

    /// The columns that a statement's result will have, for clients that ask before they run it. `None`
    /// if it has no result, or if that depends on its parameters.
    pub(crate) async fn describe(&mut self, statement: &ParsedStatement) -> Option<SchemaRef> {
        let StatementKind::Sql(sql) = &statement.kind else {
            return match &statement.kind {
                // These neither change anything nor take parameters.
                StatementKind::Show(_) => match self.run(statement, &[]).await {
                    Ok(StatementResult::Rows(rows)) => Some(rows.schema),
                    Ok(StatementResult::Ok(_)) | Err(_) => None,
                },
                _ => None,
            };
        };
        if !matches!(**sql, Statement::Query(_)) {
            return None;
        }
        // Which type a parameter will have is not known yet: the first that can be planned will do.
        for guess in [Datum::Null, Datum::Int(1), Datum::Text(String::new())] {
            let mut bound = sql.clone();
            placeholder::bind(&mut bound, &vec![guess; statement.parameters]);
            let Statement::Query(mut query) = *bound else { return None };
            query.locks.clear();
            if let Some(schema) = self.describe_query(*query).await {
                return Some(schema);
            }
            if statement.parameters == 0 {
                break;
            }
        }
        None
    }

    async fn describe_query(&mut self, query: Query) -> Option<SchemaRef> {
        if let Some(schema) = self.point_schema(&query) {
            return Some(schema);
        }
        self.query_schema(query).await.ok()
    }

    /// The columns of a query's result. It is started, and dropped before it is read.
    pub(super) async fn query_schema(&mut self, query: Query) -> Result<SchemaRef> {
        Ok(self.select_unlocked(query).await?.schema)
    }
}

/// `SELECT items FROM from`.
pub(crate) fn select_items(items: Vec<SelectItem>, from: Vec<TableWithJoins>) -> Query {
    static TEMPLATE: LazyLock<Query> = LazyLock::new(|| {
        let mut statements = Parser::parse_sql(&MySqlDialect {}, "SELECT 1").expect("valid SQL");
        match statements.remove(0) {
            Statement::Query(query) => *query,
            _ => unreachable!("a SELECT is a query"),
        }
    });
    let mut query = TEMPLATE.clone();
    if let SetExpr::Select(select) = &mut *query.body {
        select.projection = items;
        select.from = from;
    }
    query
}

/// Adds the rest of a query that finds rows.
pub(crate) fn restrict(query: &mut Query, selection: Option<Expr>) {
    if let SetExpr::Select(select) = &mut *query.body {
        select.selection = selection;
    }
}
