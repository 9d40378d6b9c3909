//! What queries see, and the values of expressions.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use datafusion::sql::sqlparser::ast;
use deltatree_learner::ReaderGuard;
use deltatree_learner::catalog::TableInfo;
use deltatree_storage::api::CancelFlag;
use deltatree_storage::types::Timestamp;

use super::Session;
use super::VariableValue;
use super::value::datum_of;
use crate::error::{Result, SqlError};
use crate::functions::{FunctionContext, Variables};
use crate::planner::{Engines, ReadContext};
use crate::rewrite::{self, RewriteContext};
use crate::statement::ViewUse;
use crate::types::literal::literal_value;
use crate::types::{Datum, SessionZone, temporal};

/// A timestamp holds milliseconds above this many bits.
const LOGICAL_BITS: u32 = 18;

/// What a read sees, and what keeps it readable.
pub(crate) struct Read {
    pub(crate) context: ReadContext,
    pub(crate) guard: Option<ReaderGuard>,
}

impl Session {
    /// The moment in the past that queries and transactions are to see: `AS OF TIMESTAMP`, else
    /// `tidb_snapshot`. Fails with 1292 if the latter is neither a time nor a number.
    pub(super) fn fixed_ts(&self) -> Result<Option<Timestamp>> {
        if self.as_of.is_some() {
            return Ok(self.as_of);
        }
        let text = self.variables.text("tidb_snapshot");
        if text.is_empty() { Ok(None) } else { self.moment(&text).map(Some) }
    }

    /// The moment in the past that a query outside a transaction sees: a fixed one, or as long ago as
    /// `tidb_read_staleness` says.
    pub(crate) fn past_ts(&self) -> Result<Option<Timestamp>> {
        if let Some(ts) = self.fixed_ts()? {
            return Ok(Some(ts));
        }
        // Checked when it was set.
        let seconds = self.variables.text("tidb_read_staleness").parse::<i64>().unwrap_or(0);
        let millis = self.statement_time / 1000 + seconds.saturating_mul(1000);
        Ok((seconds < 0).then(|| timestamp_of(millis)))
    }

    /// Whether a query draws a timestamp of its own, and a newer one if it is run again.
    pub(crate) fn reads_newest(&self) -> Result<bool> {
        Ok(self.transaction.is_none() && self.past_ts()?.is_none())
    }

    /// Reads this statement's `AS OF TIMESTAMP`. Fails with 8135 in a transaction.
    pub(crate) async fn read_as_of(&mut self, moment: Option<&ast::Expr>) -> Result<()> {
        let Some(moment) = moment else { return Ok(()) };
        if self.in_transaction() {
            return Err(SqlError::new(8135, "invalid as of timestamp: as of timestamp can't be set in transaction."));
        }
        let value = self.evaluate(std::slice::from_ref(moment)).await?.pop().unwrap_or(Datum::Null);
        self.as_of = Some(self.moment(&VariableValue::from(value).to_string())?);
        Ok(())
    }

    /// A time, or a timestamp as a number. Fails with 1292.
    fn moment(&self, text: &str) -> Result<Timestamp> {
        if let Ok(ts) = text.parse() {
            return Ok(Timestamp(ts));
        }
        let time = temporal::parse_datetime(text).ok_or_else(|| SqlError::incorrect_literal("datetime", text))?;
        Ok(timestamp_of(self.time_zone().utc_from_local(time.micros) / 1000))
    }

    /// The session's time zone.
    pub(crate) fn time_zone(&self) -> SessionZone {
        // Checked when it was set.
        SessionZone::parse(&self.variables.text("time_zone")).unwrap_or(SessionZone::UTC)
    }

    /// What this statement's reads see: the transaction's snapshot, or the newest state.
    pub(crate) async fn read(&mut self) -> Result<Read> {
        let (ts, overlay, guard) = match &mut self.transaction {
            Some(open) => (open.query_ts().await?, open.overlay(), None),
            None => {
                let guard = match self.past_ts()? {
                    Some(ts) => {
                        // What has not happened yet would show later on.
                        if ts > self.node.group().timestamp().await? {
                            return Err(SqlError::new(1105, "cannot set read timestamp to a future time"));
                        }
                        self.node.group().register_reader(ts).await?
                    }
                    None => self.node.group().read_snapshot().await?,
                };
                (guard.ts(), None, Some(guard))
            }
        };
        Ok(Read { context: self.read_context(ts, overlay)?, guard })
    }

    /// A read of the newest committed state and the transaction's own changes.
    pub(crate) async fn read_newest(&mut self) -> Result<Read> {
        let Some(open) = &mut self.transaction else { return self.read().await };
        let ts = if open.pessimistic() { open.inner.current_ts().await? } else { open.inner.start_ts() };
        let overlay = open.overlay();
        Ok(Read { context: self.read_context(ts, overlay)?, guard: None })
    }

    fn read_context(
        &mut self,
        ts: Timestamp,
        overlay: Option<Arc<crate::planner::TransactionOverlay>>,
    ) -> Result<ReadContext> {
        // A statement may read twice (what it locks, then that again at a newer timestamp), and a read
        // that is over cancels its flag.
        self.cancel = CancelFlag::default();
        Ok(ReadContext {
            ts,
            database: self.database.clone().unwrap_or_default(),
            overlay,
            engines: self.engines(),
            gate_timeout: Duration::from_millis(self.variables.number("deltatree_read_gate_timeout_ms")),
            variables: self.function_context(),
            row_id_visible: false,
            cancel: self.cancel.clone(),
            rows: None,
        })
    }

    /// The copies of tables that this session may read.
    pub(crate) fn engines(&self) -> Engines {
        // Checked when it was set.
        Engines::parse(&self.variables.text("tidb_isolation_read_engines")).unwrap_or(Engines::ALL)
    }

    /// What functions of this statement see of the session.
    pub(crate) fn function_context(&self) -> Arc<FunctionContext> {
        let (account, from) = self.current_account();
        Arc::new(FunctionContext {
            now: self.statement_time,
            zone: self.time_zone(),
            connection_id: self.connection_id().into(),
            user: format!("{}@{}", self.entry.user(), self.entry.host),
            current_user: format!("{account}@{from}"),
            database: self.database.clone(),
            last_insert_id: self.diagnostics.last_insert_id,
            row_count: self.diagnostics.row_count,
            found_rows: self.diagnostics.found_rows,
            version: super::SERVER_VERSION.to_owned(),
        })
    }

    /// Rewrites a statement into what the planner takes.
    pub(crate) fn rewrite(&self, statement: &mut ast::Statement, parameters: &[Datum]) -> Result<()> {
        let function = self.function_context();
        ViewUse::new(&self.node.group().catalog()).expand(statement, self.database())?;
        rewrite::statement(statement, &RewriteContext { function: &function, variables: self, parameters })
    }

    /// Rewrites a query into what the planner takes.
    pub(crate) fn rewrite_query(&self, query: ast::Query, parameters: &[Datum]) -> Result<Box<ast::Query>> {
        let mut statement = ast::Statement::Query(Box::new(query));
        self.rewrite(&mut statement, parameters)?;
        match statement {
            ast::Statement::Query(query) => Ok(query),
            other => Err(SqlError::internal(format!("a query became something else: {other}"))),
        }
    }

    /// Rows of a table in the columnar replica as of now, without waiting for it; 0 if it has none.
    pub(crate) fn estimated_rows(&self, table: &TableInfo) -> u64 {
        let Some(columnar) = self.node.group().columnar() else { return 0 };
        let snapshot = columnar.snapshot(table.id, Timestamp::MAX);
        snapshot.and_then(|snapshot| snapshot.statistics()).map_or(0, |statistics| statistics.rows)
    }

    /// The values of expressions without columns, such as those of `SET` and `VALUES`.
    pub(crate) async fn evaluate(&mut self, expressions: &[ast::Expr]) -> Result<Vec<Datum>> {
        if let Some(values) = expressions.iter().map(literal_value).collect() {
            return Ok(values);
        }
        let batch = self.evaluate_row(expressions).await?;
        let schema = batch.schema();
        let values = batch.columns().iter().zip(schema.fields());
        values.map(|(array, field)| datum_of(array, 0, field)).collect()
    }

    /// The values of expressions without columns, as one row.
    pub(crate) async fn evaluate_row(&mut self, expressions: &[ast::Expr]) -> Result<RecordBatch> {
        let items = expressions.iter().enumerate().map(|(i, expr)| ast::SelectItem::ExprWithAlias {
            expr: expr.clone(),
            alias: ast::Ident::new(format!("value_{i}")),
        });
        let query = crate::statement::select_items(items.collect(), Vec::new());
        let query = self.rewrite_query(query, &[])?;
        let read = self.read().await?;
        let batches = self.collect_query(query, read).await?;
        batches
            .into_iter()
            .find(|b| b.num_rows() == 1)
            .ok_or_else(|| SqlError::internal("expressions gave no row of values"))
    }
}

/// The first timestamp of a millisecond since 1970.
fn timestamp_of(millis: i64) -> Timestamp {
    Timestamp((millis.max(0) as u64) << LOGICAL_BITS)
}

impl Variables for Session {
    fn system(&self, name: &str, global: bool) -> Option<Datum> {
        let unsigned = |n: u64| i64::try_from(n).map_or(Datum::UInt(n), Datum::Int);
        match name {
            "last_insert_id" | "identity" => Some(unsigned(self.diagnostics.last_insert_id)),
            "warning_count" => Some(Datum::Int(self.diagnostics.count().into())),
            "error_count" => Some(Datum::Int(self.error_count())),
            "pseudo_thread_id" => Some(Datum::Int(self.connection_id().into())),
            "timestamp" => Some(Datum::Float(self.statement_time as f64 / 1e6)),
            "tidb_current_ts" => Some(unsigned(self.transaction.as_ref().map_or(0, |open| open.inner.start_ts().0))),
            _ => self.variables.system(name, global).ok().map(Datum::from),
        }
    }

    fn user(&self, name: &str) -> Datum {
        self.variables.user(name)
    }
}
