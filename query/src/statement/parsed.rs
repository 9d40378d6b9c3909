//! A statement after parsing, in the groups by which it is executed.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast;

use super::account::AccountStatement;
use super::import_into::ImportInto;
use super::load_data::LoadData;
use super::point_select::KeptPoint;
use super::show::Show;
use super::view::CreateView;

/// One statement.
#[derive(Clone, Debug)]
pub struct ParsedStatement {
    /// What to do.
    pub(crate) kind: StatementKind,
    /// How many `?` it has.
    pub(crate) parameters: usize,
    /// The moment that its reads see, if it says so: `AS OF TIMESTAMP`.
    pub(crate) as_of: Option<Box<ast::Expr>>,
    /// As the client wrote it.
    pub(crate) text: Arc<str>,
    /// What was found out about it, if it is a query for one row.
    pub(super) point: KeptPoint,
}

/// What a statement is.
#[derive(Clone, Debug)]
pub(crate) enum StatementKind {
    /// Queries, changes of rows and definitions, as the SQL parser knows them.
    Sql(Box<ast::Statement>),
    /// A `CREATE TABLE` whose `PARTITION BY` was left out.
    Unpartitioned(Box<ast::Statement>),
    /// `SHOW …`, `DESCRIBE table`.
    Show(Box<Show>),
    /// `SET …`.
    Set(Vec<Assignment>),
    /// `USE database`.
    Use(String),
    /// `BEGIN`, `COMMIT` and their like.
    Transaction(TransactionStatement),
    /// `EXPLAIN [ANALYZE] statement`.
    Explain {
        /// Whether to run it and report what happened.
        analyze: bool,
        /// The statement.
        statement: Box<ast::Statement>,
    },
    /// `KILL [QUERY] id`.
    Kill {
        /// The connection.
        connection: u64,
        /// End the statement that runs, not the connection.
        query_only: bool,
    },
    /// `PREPARE name FROM …`.
    Prepare {
        /// Name, in lower case.
        name: String,
        /// A string literal, or `@variable`.
        source: Box<ast::Expr>,
    },
    /// `EXECUTE name USING @a, @b`.
    Execute {
        /// Name, in lower case.
        name: String,
        /// User variables, without the `@`.
        using: Vec<String>,
    },
    /// `DEALLOCATE PREPARE name`.
    Deallocate {
        /// Name, in lower case.
        name: String,
    },
    /// `ANALYZE TABLE a, b`.
    AnalyzeTables(Vec<ast::ObjectName>),
    /// `CHECK TABLE`, `OPTIMIZE TABLE`, `REPAIR TABLE`: the verb in lower case, and the tables.
    TableMaintenance(&'static str, Vec<ast::ObjectName>),
    /// `ALTER TABLE table COMPACT [TIFLASH REPLICA]`.
    CompactTable(ast::ObjectName),
    /// `ALTER TABLE table SET TIFLASH REPLICA n`.
    SetColumnarReplica {
        /// The table.
        table: ast::ObjectName,
        /// Copies asked for.
        replicas: u64,
    },
    /// `RENAME TABLE a TO b, …`.
    Rename(Vec<(ast::ObjectName, ast::ObjectName)>),
    /// `CREATE VIEW`.
    CreateView(Box<CreateView>),
    /// `DROP VIEW a, b`.
    DropView {
        /// The views.
        names: Vec<ast::ObjectName>,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `CREATE USER`, `GRANT` and their like.
    Account(Box<AccountStatement>),
    /// `LOAD DATA`.
    LoadData(Box<LoadData>),
    /// `IMPORT INTO`.
    ImportInto(Box<ImportInto>),
    /// `CANCEL IMPORT JOB id`.
    CancelImport(u64),
    /// `DO expr, …`.
    Do(Vec<ast::Expr>),
    /// Accepted without effect: `LOCK TABLES`, `FLUSH …`.
    Nothing,
}

/// One assignment of `SET`.
#[derive(Clone, Debug)]
pub(crate) enum Assignment {
    /// `@name = expr`.
    User(String, ast::Expr),
    /// A system variable; no expression for `DEFAULT`.
    System {
        /// Name as written.
        name: String,
        /// `GLOBAL`.
        global: bool,
        /// New value.
        value: Option<ast::Expr>,
    },
    /// `NAMES charset COLLATE collation`; empty for `DEFAULT`.
    Names(String, Option<String>),
    /// `CHARACTER SET charset`.
    CharacterSet(String),
    /// `TRANSACTION …`: read-only or not, and the isolation level, as far as given.
    Transaction {
        /// `GLOBAL`.
        global: bool,
        /// Isolation level.
        isolation: Option<String>,
        /// `READ ONLY` or `READ WRITE`.
        read_only: Option<bool>,
    },
}

/// Statements that steer transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TransactionStatement {
    /// `BEGIN`, `START TRANSACTION`.
    Begin {
        /// `READ ONLY`.
        read_only: bool,
        /// TiDB's `BEGIN OPTIMISTIC` and `BEGIN PESSIMISTIC`.
        optimistic: Option<bool>,
        /// `READ ONLY AS OF TIMESTAMP`.
        as_of: Option<Box<ast::Expr>>,
    },
    /// `COMMIT`, and whether another transaction follows at once (`AND CHAIN`).
    Commit {
        /// `AND CHAIN`.
        chain: bool,
    },
    /// `ROLLBACK`.
    Rollback {
        /// `AND CHAIN`.
        chain: bool,
    },
    /// `SAVEPOINT name`.
    Savepoint(String),
    /// `ROLLBACK TO name`.
    RollbackTo(String),
    /// `RELEASE SAVEPOINT name`.
    Release(String),
}

impl ParsedStatement {
    /// The file of the client's that it loads.
    pub(crate) fn local_file(&self) -> Option<&str> {
        match &self.kind {
            StatementKind::LoadData(load) if load.local => Some(&load.file),
            _ => None,
        }
    }

    /// Whether it asks about the statement before it, whose warnings must then stay.
    pub(crate) fn keeps_diagnostics(&self) -> bool {
        match &self.kind {
            StatementKind::Show(show) => show.is_diagnostics(),
            StatementKind::Sql(statement) => match &**statement {
                // `SELECT @@warning_count`
                ast::Statement::Query(_) => self.text.contains("@@"),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether it may run on its own timestamp without touching tables' rows: such statements do not
    /// open a transaction with autocommit = 0.
    pub(crate) fn reads_tables(&self) -> bool {
        matches!(&self.kind, StatementKind::Sql(statement) if matches!(**statement, ast::Statement::Query(_)))
    }
}
