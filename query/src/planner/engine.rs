//! The facade that sessions run queries through.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr, execute_stream};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast;
use deltatree_learner::LeaderGroup;
use deltatree_learner::catalog::TableInfo;
use futures::StreamExt;

use super::NAME_KEY;
use super::config::EngineConfig;
use super::context::ReadContext;
use super::effort::is_short;
use super::explain;
use super::kept_plans::KeptPlans;
use super::reads::{ProcessList, QueryReads, ReadSetup};
use super::stream::{QueryStream, labelled};
use super::template::session_template;
use crate::access_path::{AccessPath, Hints};
use crate::catalog::QueryCatalog;
use crate::error::Result;
use crate::exec::ReadRows;
use crate::functions;
use crate::rewrite::column_label;
use crate::types::field::with_table;

/// Runs queries. One per node; clones share it.
#[derive(Clone)]
pub struct QueryEngine {
    inner: Arc<Inner>,
}

struct Inner {
    template: SessionState,
    setup: ReadSetup,
    kept: KeptPlans,
}

/// A query ready to run, its snapshots taken.
pub struct PlannedQuery(Planned);

impl PlannedQuery {
    /// Whether it will take no more than a few milliseconds, by the estimates of its access paths.
    pub fn is_short(&self) -> bool {
        is_short(&self.0.physical)
    }

    /// Starts it. The work is done when the stream is polled, and on tasks of the current runtime.
    ///
    /// # Errors
    /// Whatever an operator finds wrong before the first row.
    pub fn start(self) -> Result<QueryStream> {
        let stream = execute_stream(self.0.physical, self.0.session.task_ctx())?;
        Ok(QueryStream { schema: self.0.schema, stream })
    }

    /// How it is run: one row an operator, with each table's path, the other paths and their costs, and what
    /// was waited for. `analyze` runs it, on tasks of the current runtime, and adds actual figures.
    ///
    /// # Errors
    /// When it is run, whatever goes wrong.
    pub async fn explain(&self, analyze: bool) -> Result<RecordBatch> {
        explain::explain(&self.0, analyze).await
    }
}

impl std::fmt::Debug for PlannedQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PlannedQuery").field(&self.0.physical).finish()
    }
}

/// A plan with what it runs in.
pub(super) struct Planned {
    pub(super) reads: Arc<QueryReads>,
    pub(super) session: SessionState,
    pub(super) physical: Arc<dyn ExecutionPlan>,
    /// What the client sees.
    pub(super) schema: SchemaRef,
}

impl QueryEngine {
    /// An engine over `group`. `processes` lists the server's connections.
    ///
    /// # Errors
    /// If the spill directory cannot be set up.
    pub fn new(group: LeaderGroup, config: &EngineConfig, processes: Arc<ProcessList>) -> Result<Self> {
        let template = session_template(config)?;
        let setup = ReadSetup { group, partitions: config.partitions, history: Arc::default(), processes };
        Ok(Self { inner: Arc::new(Inner { template, setup, kept: KeptPlans::default() }) })
    }

    /// Plans a rewritten query. Waits for the columnar replica if the plan reads it.
    ///
    /// # Errors
    /// Whatever is wrong with the query, with MySQL's codes; 9012 if the replica is too far behind.
    pub async fn query(&self, query: &ast::Query, read: ReadContext) -> Result<PlannedQuery> {
        Ok(PlannedQuery(self.plan(query, read, false).await?))
    }

    /// Starts a rewritten query on one table over rows of it that have been read, by a path that leaves
    /// nothing to filter. They should be few. The plan is kept for the next time.
    ///
    /// # Errors
    /// As [`QueryEngine::query`].
    pub async fn query_rows(
        &self,
        query: &ast::Query,
        table: &TableInfo,
        path: &AccessPath,
        rows: ReadRows,
        read: ReadContext,
    ) -> Result<QueryStream> {
        let kept = &self.inner.kept;
        let text = format!("{}\n{:?}\n{query}", read.database, read.variables.zone);
        let cancel = read.cancel.clone();
        if let Some(plan) = kept.get(&text, table) {
            return plan.start(rows, cancel);
        }
        let context = ReadContext { rows: Some((path.clone(), rows.clone())), ..read };
        let planned = self.plan(query, context, false).await?;
        if let Some(plan) = kept.keep(text, table, &planned) {
            return plan.start(rows, cancel);
        }
        let labels = planned.schema.clone();
        let stream = execute_stream(planned.physical, planned.session.task_ctx())?;
        let stream = stream.map(move |batch| labelled(batch?, &labels));
        let schema = planned.schema;
        Ok(QueryStream { schema: schema.clone(), stream: Box::pin(RecordBatchStreamAdapter::new(schema, stream)) })
    }

    /// Plans a rewritten query with all that speaks for each access path, to be explained.
    ///
    /// # Errors
    /// As [`QueryEngine::query`].
    pub async fn query_explained(&self, query: &ast::Query, read: ReadContext) -> Result<PlannedQuery> {
        Ok(PlannedQuery(self.plan(query, read, true).await?))
    }

    /// A rewritten condition over single rows of a schema, ready to be evaluated.
    ///
    /// # Errors
    /// Whatever is wrong with it, with MySQL's codes.
    pub fn condition(&self, schema: &SchemaRef, condition: ast::Expr) -> Result<Arc<dyn PhysicalExpr>> {
        let session = &self.inner.template;
        let schema = DFSchema::try_from(schema.as_ref().clone())?;
        let condition = ast::ExprWithAlias { expr: condition, alias: None };
        let condition = session.create_logical_expr_from_sql_expr(condition, &schema)?;
        Ok(session.create_physical_expr(condition, &schema)?)
    }

    pub(super) async fn plan(&self, query: &ast::Query, read: ReadContext, explained: bool) -> Result<Planned> {
        let inner = &*self.inner;
        let mut session = inner.template.clone();
        functions::set_zone(session.config_mut(), read.variables.zone);
        let options = session.config_mut().options_mut();
        options.catalog.default_schema = read.database.to_lowercase();
        if read.rows.is_some() {
            // A few rows are not worth a second stream.
            options.execution.target_partitions = 1;
        }
        let reads = Arc::new(QueryReads::new(inner.setup.clone(), read, Hints::of(query), explained));
        session.register_catalog_list(QueryCatalog::list(Arc::clone(&reads)));
        let statement = DfStatement::Statement(Box::new(ast::Statement::Query(Box::new(query.clone()))));
        let logical = session.statement_to_plan(statement).await?;
        let schema = labels_of(&logical);
        let physical = session.create_physical_plan(&logical).await?;
        Ok(Planned { reads, session, physical, schema })
    }
}

impl std::fmt::Debug for QueryEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryEngine").field("partitions", &self.inner.setup.partitions).finish_non_exhaustive()
    }
}

/// The query's columns under the names that the client sees.
fn labels_of(plan: &LogicalPlan) -> SchemaRef {
    let fields = plan.schema().iter().map(|(table, field)| {
        let label = column_label(field.name());
        // A column that keeps its own name shows it as declared.
        let declared = field.metadata().get(NAME_KEY).filter(|name| name.to_lowercase() == label);
        let label = declared.map_or(label, String::as_str);
        let field = Field::clone(field).with_name(label);
        match table {
            Some(table) => with_table(field, table.schema().unwrap_or_default(), table.table()),
            None => field,
        }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
