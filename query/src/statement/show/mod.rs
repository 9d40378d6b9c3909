//! `SHOW` and `DESCRIBE`: what clients ask about the server and its tables.
//!
//! - [`parse`]: from words to [`Show`]
//! - [`run`]: which answer, and its filter
//! - [`tables`], [`create`]: tables, columns, keys and their definitions
//! - [`server`]: variables, status, connections, and lists that are fixed
//! - [`filter`]: `LIKE` and `WHERE`

mod create;
mod filter;
mod parse;
mod run;
mod server;
mod tables;

pub(crate) use filter::like;
pub(crate) use parse::{describe, parse};

use datafusion::sql::sqlparser::ast::{Expr, ObjectName};

use super::account::AccountName;
use super::parse::name_parts;

/// A `SHOW` statement.
#[derive(Clone, Debug)]
pub(crate) struct Show {
    what: What,
    filter: Option<Filter>,
}

impl Show {
    /// Whether it asks about the statement before it.
    pub(crate) fn is_diagnostics(&self) -> bool {
        matches!(self.what, What::Conditions { .. } | What::CountConditions { .. })
    }

    /// The table that it describes: database, if named, and table.
    pub(crate) fn table(&self) -> Option<(Option<&str>, &str)> {
        let (table, database) = match &self.what {
            What::Columns { table, database, .. } | What::Index { table, database } => (table, database.as_deref()),
            What::CreateTable(table) => (table, None),
            _ => return None,
        };
        let (own, name) = name_parts(table);
        Some((database.or(own), name))
    }
}

/// Which rows are wanted.
#[derive(Clone, Debug)]
enum Filter {
    /// A pattern for the first column.
    Like(String),
    /// A condition on the answer's columns.
    Where(Box<Expr>),
}

/// What is asked for.
#[derive(Clone, Debug)]
enum What {
    Databases,
    Tables {
        full: bool,
        database: Option<String>,
    },
    TableStatus {
        database: Option<String>,
    },
    Columns {
        full: bool,
        table: ObjectName,
        database: Option<String>,
    },
    Index {
        table: ObjectName,
        database: Option<String>,
    },
    CreateTable(ObjectName),
    CreateDatabase {
        name: String,
        if_not_exists: bool,
    },
    Variables {
        global: bool,
    },
    Status,
    Conditions {
        errors_only: bool,
    },
    CountConditions {
        errors_only: bool,
    },
    Engines,
    Collation,
    CharacterSet,
    ProcessList {
        full: bool,
    },
    Grants(AccountName),
    Plugins,
    Privileges,
    /// Imports: all, or one.
    ImportJobs(Option<u64>),
    /// Lists of things that do not exist here: the answer's columns.
    Nothing(&'static [&'static str]),
}
