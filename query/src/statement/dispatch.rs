//! Which file runs what, and in which transaction.

use datafusion::sql::sqlparser::ast::{ObjectType, Statement};

use super::hidden_column::copies_indexes;
use super::parsed::{ParsedStatement, StatementKind};
use super::placeholder;
use crate::error::{Result, SqlError};
use crate::session::{Completion, Session, StatementResult};
use crate::types::Datum;

/// How often what lost a race is run again.
pub(super) const MAX_RETRIES: usize = 20;

impl Session {
    /// Runs a statement of any kind.
    pub(crate) async fn dispatch(
        &mut self,
        statement: &ParsedStatement,
        parameters: &[Datum],
    ) -> Result<StatementResult> {
        self.authorize(statement)?;
        self.read_as_of(statement.as_of.as_deref()).await?;
        if statement.reads_tables() && !self.autocommit() {
            self.open_for_statement(false).await?;
        }
        match &statement.kind {
            StatementKind::Sql(sql) if parameters.is_empty() => self.run_sql(sql).await,
            StatementKind::Sql(sql) => {
                if let Some(row) = self.prepared_point_select(statement, parameters).await? {
                    return Ok(StatementResult::Rows(row));
                }
                let mut bound = sql.clone();
                placeholder::bind(&mut bound, parameters);
                self.run_sql(&bound).await
            }
            StatementKind::Unpartitioned(sql) => {
                let message = "Tables are not partitioned: the PARTITION BY clause has no effect";
                self.diagnostics.warn(vec![SqlError::new(8200, message)]);
                self.run_sql(sql).await
            }
            StatementKind::Explain { analyze, statement } => {
                let mut bound = statement.clone();
                placeholder::bind(&mut bound, parameters);
                self.explain(bound, *analyze).await
            }
            StatementKind::Show(show) => self.show(show).await,
            StatementKind::Set(assignments) => self.set(assignments).await.map(|()| StatementResult::done()),
            StatementKind::Use(name) => self.use_database(name).await.map(|()| StatementResult::done()),
            StatementKind::Transaction(steer) => self.steer_transaction(steer).await.map(|()| StatementResult::done()),
            StatementKind::Kill { connection, query_only } => {
                let id = u32::try_from(*connection)
                    .map_err(|_| SqlError::new(1094, format!("Unknown thread id: {connection}")))?;
                self.node.connections().kill(id, *query_only).map(|()| StatementResult::done())
            }
            StatementKind::Prepare { name, source } => {
                let text = match self.evaluate(std::slice::from_ref(source)).await?.pop() {
                    Some(Datum::Text(text)) => text,
                    _ => return Err(SqlError::parse("NULL", 1)),
                };
                let prepared = self.prepare(&text)?;
                self.named.insert(name.clone(), prepared);
                Ok(StatementResult::done())
            }
            StatementKind::Execute { name, using } => {
                let prepared = self.named.get(name).cloned().ok_or_else(|| unknown_prepared(name, "EXECUTE"))?;
                if prepared.parameters != using.len() {
                    return Err(SqlError::new(1210, "Incorrect arguments to EXECUTE"));
                }
                if matches!(prepared.kind, StatementKind::Execute { .. }) {
                    return Err(SqlError::not_supported("EXECUTE inside a prepared statement"));
                }
                let values: Vec<_> = using.iter().map(|name| self.variables.user(name)).collect();
                Box::pin(self.dispatch(&prepared, &values)).await
            }
            StatementKind::Deallocate { name } => match self.named.remove(name) {
                Some(_) => Ok(StatementResult::done()),
                None => Err(unknown_prepared(name, "DEALLOCATE PREPARE")),
            },
            StatementKind::AnalyzeTables(tables) => self.analyze_tables(tables).await,
            StatementKind::TableMaintenance(verb, tables) => self.maintain_tables(verb, tables),
            StatementKind::CompactTable(table) => self.compact_table(table).await,
            StatementKind::SetColumnarReplica { table, replicas } => {
                self.set_columnar_replica(table, *replicas).await.map(|()| StatementResult::done())
            }
            StatementKind::Rename(pairs) => self.rename_tables(pairs).await.map(|()| StatementResult::done()),
            StatementKind::Account(change) => self.change_accounts(change).await.map(|()| StatementResult::done()),
            StatementKind::LoadData(load) => self.load_data(load).await.map(StatementResult::Ok),
            StatementKind::ImportInto(import) => self.import_into(import).await,
            StatementKind::CancelImport(job) => self.cancel_import(*job).await.map(|()| StatementResult::done()),
            StatementKind::CreateView(create) => self.create_view(create).await,
            StatementKind::DropView { names, if_exists } => self.drop_views(names, *if_exists).await,
            StatementKind::Do(expressions) => self.evaluate_row(expressions).await.map(|_| StatementResult::done()),
            StatementKind::Nothing => Ok(StatementResult::done()),
        }
    }

    async fn run_sql(&mut self, statement: &Statement) -> Result<StatementResult> {
        match statement {
            Statement::Query(query) => self.select(query).await,
            Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => {
                self.write(statement).await.map(StatementResult::Ok)
            }
            Statement::CreateTable(create) => self.create_table(create).await,
            Statement::CreateDatabase { db_name, if_not_exists, .. } => {
                self.create_database(db_name, *if_not_exists).await
            }
            Statement::CreateSchema { schema_name, if_not_exists, .. } => {
                let datafusion::sql::sqlparser::ast::SchemaName::Simple(name) = schema_name else {
                    return Err(SqlError::not_supported(statement));
                };
                self.create_database(name, *if_not_exists).await
            }
            Statement::Drop { object_type, if_exists, names, table, .. } => match object_type {
                ObjectType::Table => self.drop_tables(names, *if_exists).await,
                ObjectType::Database | ObjectType::Schema => self.drop_databases(names, *if_exists).await,
                ObjectType::Index => self.drop_index(names, table.as_ref()).await,
                _ => Err(SqlError::not_supported(statement)),
            },
            Statement::Truncate(truncate) => self.truncate_tables(truncate).await,
            Statement::AlterTable(alter) => self.alter_table(alter).await,
            Statement::CreateIndex(create) => self.create_index(create).await,
            other => Err(SqlError::not_supported(first_words(&other.to_string()))),
        }
    }

    /// Runs a statement that changes rows, in the open transaction or in one of its own.
    async fn write(&mut self, statement: &Statement) -> Result<Completion> {
        let mut retries = 0;
        loop {
            self.open_for_statement(retries > 0).await?;
            let own = self.transaction.as_ref().is_some_and(|t| t.of_statement);
            let result = match statement {
                Statement::Insert(insert) => self.insert(insert).await,
                Statement::Update(update) => self.update(update).await,
                Statement::Delete(delete) => self.delete(delete).await,
                other => Err(SqlError::not_supported(first_words(&other.to_string()))),
            };
            let result = result.map_err(|e| if e.code == 1347 { not_updatable(statement, e) } else { e });
            if !own {
                return result;
            }
            let succeeded = result.is_ok();
            let definitions = self.node.group().catalog();
            // A key that was new when the statement looked, and is not when it commits: the statement says what
            // to do with a row that exists, or it is the row's own entry, which a schema change has made. With the row
            // locked that shows.
            let expects_rows = || resolves_duplicates(statement) || retries == 0 && copies_indexes(&definitions);
            match self.end_own_transaction(result).await {
                Err(e) if retries < MAX_RETRIES && (lost_race(&e) || e.code == 1062 && succeeded && expects_rows()) => {
                    retries += 1;
                }
                result => return result,
            }
        }
    }

    /// Commits a statement's own transaction, or drops it if the statement failed.
    pub(super) async fn end_own_transaction<T>(&mut self, result: Result<T>) -> Result<T> {
        match result {
            Ok(done) => self.commit().await.map(|()| done),
            Err(e) => {
                self.transaction = None;
                Err(e)
            }
        }
    }
}

/// Whether another transaction, or a schema change, came first, and nothing happened.
pub(super) fn lost_race(e: &SqlError) -> bool {
    matches!(e.code, 9007 | 8028 | 1412)
}

/// Whether a statement says what to do with a row whose key exists.
fn resolves_duplicates(statement: &Statement) -> bool {
    matches!(statement, Statement::Insert(insert) if insert.replace_into || insert.ignore || insert.on.is_some())
}

/// A view where a table is to be changed.
fn not_updatable(statement: &Statement, e: SqlError) -> SqlError {
    let name = e.message.split('\'').nth(1).and_then(|name| name.rsplit('.').next()).unwrap_or_default();
    match statement {
        Statement::Insert(_) => {
            SqlError::new(1471, format!("The target table {name} of the INSERT is not insertable-into"))
        }
        Statement::Update(_) => SqlError::new(1288, format!("The target table {name} of the UPDATE is not updatable")),
        _ => SqlError::new(1288, format!("The target table {name} of the DELETE is not updatable")),
    }
}

fn unknown_prepared(name: &str, verb: &str) -> SqlError {
    SqlError::new(1243, format!("Unknown prepared statement handler ({name}) given to {verb}"))
}

/// Enough of a statement to recognise it in a message.
fn first_words(statement: &str) -> String {
    statement.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
