//! Answers of expressions and queries, as a client sees them.
//!
//! The expected texts are what MariaDB 10.11 prints; where MySQL 8 differs, MySQL's answer is expected and
//! the place says so.

mod golden_conversions;
mod golden_json;
mod golden_numbers;
mod golden_temporal;
mod golden_text;
mod queries;
mod tpch;

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::sqlparser::ast::Statement;
use deltatree_learner::catalog::ColumnInfo;
use deltatree_storage::types::{ColumnId, Value};

use super::{FunctionContext, configure, install, set_zone};
use crate::error::SqlError;
use crate::rewrite::{self, RewriteContext};
use crate::types::coerce::{Assignment, cast_value};
use crate::types::text::{ColumnFormat, TextColumn};
use crate::types::{Datum, SessionZone, field, literal, mysql_column, parse};

/// 2024-05-06 07:08:09.123456 UTC.
const NOW: i64 = 1_714_979_289_123_456;

/// A session over tables in memory.
struct Session {
    context: SessionContext,
    zone: SessionZone,
}

impl Session {
    fn new() -> Self {
        Self::in_zone(SessionZone::UTC)
    }

    fn in_zone(zone: SessionZone) -> Self {
        let mut config = configure(SessionConfig::new().with_target_partitions(2));
        set_zone(&mut config, zone);
        let builder = SessionStateBuilder::new().with_config(config).with_default_features();
        Self { context: SessionContext::new_with_state(install(builder).build()), zone }
    }

    /// Makes a table with rows, given as lists of constants.
    fn table(&self, ddl: &str, rows: &str) {
        let statement = rewrite::parse(ddl).unwrap().remove(0);
        let Statement::CreateTable(table) = statement else { panic!("not a table: {ddl}") };
        let columns: Vec<ColumnInfo> = table.columns.iter().map(column).collect();
        let mut values: Vec<Vec<Value>> = vec![Vec::new(); columns.len()];
        let mut assignment = Assignment::strict(self.zone);
        for row in rows.split(';') {
            let exprs = rewrite::parse_expr(&format!("(0, {row})")).unwrap();
            let datafusion::sql::sqlparser::ast::Expr::Tuple(exprs) = exprs else { panic!("no row: {row}") };
            for ((expr, column), values) in exprs[1..].iter().zip(&columns).zip(&mut values) {
                let datum = literal::literal_value(expr).unwrap();
                values.push(cast_value(&datum, column, 1, &mut assignment).unwrap());
            }
        }
        let fields: Vec<_> = columns.iter().map(field::arrow_field).collect();
        let arrays = values
            .iter()
            .zip(&fields)
            .map(|(values, field)| crate::types::assign::from_values(values, field.data_type()).unwrap())
            .collect();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        let batch = RecordBatch::try_new(schema.clone(), arrays).unwrap();
        let provider = MemTable::try_new(schema, vec![vec![batch]]).unwrap();
        self.context.register_table(table.name.to_string().as_str(), Arc::new(provider)).unwrap();
    }

    fn statement(&self, sql: &str, parameters: &[Datum]) -> Result<Statement, SqlError> {
        let mut function = FunctionContext::at(NOW);
        function.zone = self.zone;
        function.database = Some("test".to_owned());
        let context = RewriteContext { function: &function, variables: &(), parameters };
        let mut statement = rewrite::parse(sql)?.remove(0);
        rewrite::statement(&mut statement, &context)?;
        Ok(statement)
    }

    fn batches(&self, sql: &str) -> Result<Vec<RecordBatch>, SqlError> {
        let statement = self.statement(sql, &[])?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let statement = datafusion::sql::parser::Statement::Statement(Box::new(statement));
            let plan = self.context.state().statement_to_plan(statement).await?;
            let frame = self.context.execute_logical_plan(plan).await?;
            let schema = Arc::new(frame.schema().as_arrow().clone());
            let mut batches = frame.collect().await?;
            if batches.is_empty() {
                batches.push(RecordBatch::new_empty(schema));
            }
            Ok(batches)
        })
    }

    /// Rows as texts; NULL as `NULL`.
    fn rows(&self, sql: &str) -> Result<Vec<Vec<String>>, SqlError> {
        let mut rows = Vec::new();
        for batch in self.batches(sql)? {
            let schema = batch.schema();
            let formats: Vec<_> = schema.fields().iter().map(|f| ColumnFormat::new(f, self.zone)).collect();
            let columns: Vec<_> =
                batch.columns().iter().zip(&formats).map(|(a, f)| TextColumn::new(a.as_ref(), f).unwrap()).collect();
            for row in 0..batch.num_rows() {
                let text = |c: &TextColumn<'_>| {
                    if c.is_null(row) {
                        return "NULL".to_owned();
                    }
                    let mut out = Vec::new();
                    c.write(row, &mut out);
                    String::from_utf8_lossy(&out).into_owned()
                };
                rows.push(columns.iter().map(text).collect());
            }
        }
        Ok(rows)
    }

    /// Headers of a result.
    fn headers(&self, sql: &str) -> Vec<String> {
        let batches = self.batches(sql).unwrap();
        batches[0].schema().fields().iter().map(|f| mysql_column(f).name).collect()
    }

    /// Plans a query, physically too, and gives the logical plan.
    fn plan(&self, sql: &str) -> Result<String, SqlError> {
        let statement = self.statement(sql, &[])?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let state = self.context.state();
            let statement = datafusion::sql::parser::Statement::Statement(Box::new(statement));
            let plan = state.optimize(&state.statement_to_plan(statement).await?)?;
            state.create_physical_plan(&plan).await?;
            Ok(plan.display_indent().to_string())
        })
    }
}

fn column(definition: &datafusion::sql::sqlparser::ast::ColumnDef) -> ColumnInfo {
    let name = definition.name.value.clone();
    let required = definition.options.iter().any(|o| o.option.to_string().contains("NOT NULL"));
    let sql_type = parse::sql_type(&definition.data_type, &name).unwrap();
    ColumnInfo::new(ColumnId(1), name, sql_type, !required)
}

/// Checks a list of `expression => text`; errors are written `ERROR code`.
fn check(cases: &str) {
    let session = Session::new();
    let mut wrong = Vec::new();
    for line in cases.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("--")) {
        let (expression, expected) = line.rsplit_once(" =>").unwrap();
        let expected = expected.strip_prefix(' ').unwrap_or(expected);
        let found = match session.rows(&format!("SELECT {expression}")) {
            Ok(rows) => rows[0][0].clone(),
            Err(e) if expected.starts_with("ERROR") && e.code != 1105 => format!("ERROR {}", e.code),
            Err(e) => format!("{} {}", e.code, e.message),
        };
        if found != expected {
            wrong.push(format!("{expression} => {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
