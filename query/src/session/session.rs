//! The session: how a statement passes through it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use bytes::Bytes;
use deltatree_learner::catalog::{AccountInfo, TableInfo};
use deltatree_storage::api::CancelFlag;
use deltatree_storage::types::Timestamp;
use tokio::sync::mpsc;

use super::diagnostics::{Diagnostics, Level};
use super::result::{Completion, StatementResult};
use super::transaction::OpenTransaction;
use super::variables::SessionVariables;
use crate::error::{Result, SqlError};
use crate::node::{ConnectionEntry, Interruption, Node};
use crate::statement::{self, ParsedStatement};
use crate::types::{Datum, field};

/// A client's session. Statements run one after the other; dropping it rolls an open transaction back.
pub struct Session {
    pub(crate) node: Arc<Node>,
    pub(crate) entry: Arc<ConnectionEntry>,
    /// Id of the account logged in as; `None` for the node's own sessions, which may do everything.
    pub(super) account: Option<u64>,
    pub(crate) variables: SessionVariables,
    pub(crate) database: Option<String>,
    pub(crate) transaction: Option<OpenTransaction>,
    pub(crate) diagnostics: Diagnostics,
    /// Statements of `PREPARE`, by name.
    pub(crate) named: HashMap<String, ParsedStatement>,
    /// `SET TRANSACTION READ ONLY` for the next transaction.
    pub(crate) next_read_only: Option<bool>,
    /// The moment that the statement under way asks for: `AS OF TIMESTAMP`.
    pub(crate) as_of: Option<Timestamp>,
    /// When the statement under way began, in microseconds since 1970-01-01 00:00:00 UTC.
    pub(crate) statement_time: i64,
    /// Stops the scans of the statement under way.
    pub(crate) cancel: CancelFlag,
    /// The file that the client sends for the next `LOAD DATA LOCAL`, piece by piece.
    pub(crate) infile: Option<mpsc::Receiver<Bytes>>,
    /// The import that the statement under way waits for.
    pub(crate) importing: Option<u64>,
    /// Whether `UPDATE` reports rows found instead of rows changed.
    pub(crate) count_found_rows: bool,
}

impl Session {
    /// A session of a client that has been let in.
    pub(crate) fn new(node: Arc<Node>, user: &str, host: &str) -> Self {
        let entry = node.connections().open(user, host);
        let variables = SessionVariables::new(node.globals().clone());
        Self {
            node,
            entry,
            account: None,
            variables,
            database: None,
            transaction: None,
            diagnostics: Diagnostics::default(),
            named: HashMap::new(),
            next_read_only: None,
            as_of: None,
            statement_time: 0,
            cancel: CancelFlag::default(),
            infile: None,
            importing: None,
            count_found_rows: false,
        }
    }

    /// Runs one or more statements and stops at the first that fails. A result's rows are computed as
    /// they are read.
    pub async fn execute(&mut self, sql: &str) -> Result<Vec<StatementResult>> {
        let mut results = Vec::new();
        for statement in self.parse(sql)? {
            results.push(self.run(&statement, &[]).await?);
        }
        Ok(results)
    }

    /// Runs one or more statements and returns the rows of the last: at least one batch, maybe empty,
    /// if it has a result.
    pub async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        for statement in self.parse(sql)? {
            batches = self.run(&statement, &[]).await?.collect().await?;
        }
        Ok(batches)
    }

    /// Parses statements, which may then be run any number of times.
    pub fn parse(&self, sql: &str) -> Result<Vec<ParsedStatement>> {
        statement::parse(sql)
    }

    /// Parses a single statement with parameters.
    pub fn prepare(&self, sql: &str) -> Result<ParsedStatement> {
        let mut statements = self.parse(sql)?.into_iter();
        let statement = statements.next().ok_or_else(SqlError::empty_query)?;
        match statements.next() {
            Some(second) => Err(SqlError::parse(&second.text, 1)),
            None => Ok(statement),
        }
    }

    /// Runs a statement with values for its `?`. If it fails, it has changed nothing.
    ///
    /// Dropping the future stops the statement; call [`Session::abandon_statement`] afterwards.
    pub async fn run(&mut self, statement: &ParsedStatement, parameters: &[Datum]) -> Result<StatementResult> {
        if parameters.len() != statement.parameters {
            return Err(SqlError::new(1210, "Incorrect arguments to EXECUTE"));
        }
        self.entry.begin(&statement.text, self.database.as_deref());
        self.cancel = CancelFlag::default();
        self.statement_time = self.now();
        self.as_of = None;
        if !statement.keeps_diagnostics() {
            self.diagnostics.clear();
        }
        if let Some(open) = &mut self.transaction {
            open.begin_statement();
        }
        let begun = Instant::now();
        let done = match self.learn_definitions().await {
            Ok(()) => self.dispatch(statement, parameters).await,
            Err(e) => Err(e),
        };
        crate::metrics::statement_done(done.is_ok(), begun.elapsed());
        match done {
            Ok(result) => {
                if let Some(open) = &mut self.transaction {
                    open.end_statement();
                }
                Ok(self.note_result(result))
            }
            Err(e) => {
                self.undo_failed(&e);
                Err(self.note_error(e))
            }
        }
    }

    /// Sees every schema change acknowledged so far, whoever made it.
    pub(crate) async fn learn_definitions(&self) -> Result<()> {
        Ok(self.node.group().learn_definitions().await?)
    }

    fn undo_failed(&mut self, e: &SqlError) {
        // A deadlock is only resolved if the locks of the whole transaction go.
        let whole = e.code == 1213 || self.transaction.as_ref().is_some_and(|t| t.of_statement);
        match &mut self.transaction {
            Some(_) if whole => self.transaction = None,
            Some(open) => open.undo_statement(),
            None => {}
        }
    }

    fn note_result(&mut self, result: StatementResult) -> StatementResult {
        match result {
            StatementResult::Rows(rows) => {
                self.diagnostics.row_count = -1;
                StatementResult::Rows(rows)
            }
            StatementResult::Ok(completion) => {
                self.diagnostics.row_count = i64::try_from(completion.affected).unwrap_or(i64::MAX);
                StatementResult::Ok(Completion { warnings: self.diagnostics.count(), ..completion })
            }
        }
    }

    /// Notes an error for `SHOW ERRORS`.
    pub(crate) fn note_error(&mut self, e: SqlError) -> SqlError {
        self.diagnostics.row_count = -1;
        self.diagnostics.add(Level::Error, e.clone());
        e
    }

    /// Notes how many rows a query gave.
    pub(crate) fn rows_sent(&mut self, rows: u64) {
        self.diagnostics.found_rows = rows;
    }

    /// Takes on the rights of an account.
    pub(crate) fn log_in(&mut self, account: &AccountInfo, user: &str) {
        self.entry.set_user(user);
        self.account = Some(account.id);
    }

    /// Selects a database. Fails with 1049, and with 1044 if nothing in it may be used.
    pub async fn use_database(&mut self, name: &str) -> Result<()> {
        self.learn_definitions().await?;
        let visible = self.sees_database(name);
        let database = self.existing_database(name);
        if !visible {
            return Err(self.denied_database(name));
        }
        self.database = Some(database?);
        Ok(())
    }

    /// A database's name as it was declared.
    pub(crate) fn existing_database(&self, name: &str) -> Result<String> {
        if name.eq_ignore_ascii_case("information_schema") {
            return Ok("information_schema".to_owned());
        }
        let catalog = self.node.group().catalog();
        let database = catalog.database(name).ok_or_else(|| SqlError::unknown_database(name))?;
        Ok(database.name.clone())
    }

    /// The database that a statement means: the one that it names, or else the current one. Fails with 1046.
    pub(crate) fn database_or_current<'a>(&'a self, named: Option<&'a str>) -> Result<&'a str> {
        named.or(self.database.as_deref()).ok_or_else(SqlError::no_database)
    }

    /// A table by the name that a statement uses. Fails with 1046, 1049 or 1146, and with 1347 for a view.
    pub(crate) fn table(&self, database: Option<&str>, name: &str) -> Result<Arc<TableInfo>> {
        let database = self.database_or_current(database)?;
        let catalog = self.node.group().catalog();
        if catalog.database(database).is_none() {
            return Err(SqlError::unknown_database(database));
        }
        let begun = self.transaction.as_ref().map(|open| open.inner.start_ts());
        match catalog.table(database, name) {
            Some(table) if table.loaded.is_some_and(|at| begun.is_some_and(|begun| begun <= at)) => {
                Err(SqlError::definition_changed())
            }
            Some(table) => Ok(table.clone()),
            None if catalog.view(database, name).is_some() => Err(SqlError::wrong_object(database, name, "BASE TABLE")),
            None => Err(SqlError::unknown_table(database, name)),
        }
    }

    /// Whether what is read at `ts` can be read by this definition of a table. Ask after the timestamp was drawn: the
    /// definition may have changed before.
    pub(crate) fn reads_by(&self, table: &TableInfo, ts: Timestamp) -> bool {
        let catalog = self.node.group().catalog();
        let newest = catalog.table_by_id(table.id);
        table.loaded.is_none_or(|at| ts > at) && newest.is_some_and(|now| now.schema_version == table.schema_version)
    }

    /// The columns of a table of the current database as results show them.
    pub(crate) fn table_schema(&self, name: &str) -> Result<SchemaRef> {
        let table = self.table(None, name)?;
        let fields: Vec<_> =
            table.columns.iter().map(|column| field::arrow_field(column).with_name(&column.name)).collect();
        Ok(Arc::new(Schema::new(fields)))
    }

    /// Starts over, as a new connection would: rolls back, and forgets variables and statements.
    pub async fn reset(&mut self) {
        self.transaction = None;
        self.variables = SessionVariables::new(self.node.globals().clone());
        self.diagnostics = Diagnostics::default();
        self.named.clear();
        self.next_read_only = None;
    }

    /// `CONNECTION_ID()`.
    pub fn connection_id(&self) -> u32 {
        self.entry.id
    }

    /// The current database.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Whether statements outside an explicit transaction commit at once.
    pub fn autocommit(&self) -> bool {
        self.variables.switch("autocommit")
    }

    /// Number of warnings and errors of the last statement.
    pub fn warning_count(&self) -> u16 {
        self.diagnostics.count()
    }

    pub(super) fn error_count(&self) -> i64 {
        self.diagnostics.conditions().iter().filter(|(level, _)| *level == Level::Error).count() as i64
    }

    /// Largest packet that the client may send, in bytes.
    pub(crate) fn max_allowed_packet(&self) -> usize {
        const BOUNDS: (u64, u64) = (1024, 1 << 30);
        self.variables.number("max_allowed_packet").clamp(BOUNDS.0, BOUNDS.1) as usize
    }

    /// How long the client may be silent.
    pub(crate) fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.variables.number("wait_timeout").max(1))
    }

    /// `CLIENT_FOUND_ROWS` of the protocol.
    pub(crate) fn set_client_found_rows(&mut self, on: bool) {
        self.count_found_rows = on;
    }

    /// Learns of `KILL` from now on.
    pub(crate) fn interruption(&self) -> Interruption {
        self.entry.interruption()
    }

    /// Nothing runs until the next statement.
    pub(crate) fn command_finished(&self) {
        self.entry.finish();
    }

    /// `SET timestamp`, or the clock.
    fn now(&self) -> i64 {
        let fixed: f64 = self.variables.text("timestamp").parse().unwrap_or(0.0);
        if fixed > 0.0 {
            return (fixed * 1e6) as i64;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.node.connections().close(self.entry.id);
    }
}
