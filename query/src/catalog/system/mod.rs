//! `information_schema` and the little of `mysql` that clients ask for, made when a query names them.

mod columns;
mod constraints;
mod empty;
mod indexes;
mod relation;
mod replica;
mod server;
mod tables;
mod views;

use std::sync::Arc;

use datafusion::catalog::TableProvider;

use crate::error::Result;
use crate::planner::QueryReads;

pub use server::Process;

/// The databases that exist without having been created.
pub const DATABASES: &[&str] = &["information_schema", "mysql", "performance_schema"];

/// Whether `name` (lower case) is one of [`DATABASES`].
pub fn is_database(name: &str) -> bool {
    DATABASES.contains(&name)
}

/// Whether there is a system table of that name; both in lower case.
pub fn exists(database: &str, table: &str) -> bool {
    names().any(|name| name == (database, table))
}

/// The names of all system tables: database and table, in lower case.
fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILLED.iter().copied().chain(empty::names())
}

const FILLED: &[(&str, &str)] = &[
    ("information_schema", "character_sets"),
    ("information_schema", "check_constraints"),
    ("information_schema", "collation_character_set_applicability"),
    ("information_schema", "collations"),
    ("information_schema", "columns"),
    ("information_schema", "engines"),
    ("information_schema", "key_column_usage"),
    ("information_schema", "processlist"),
    ("information_schema", "referential_constraints"),
    ("information_schema", "schemata"),
    ("information_schema", "statistics"),
    ("information_schema", "table_constraints"),
    ("information_schema", "tables"),
    ("information_schema", "tiflash_replica"),
    ("information_schema", "tiflash_segments"),
    ("information_schema", "tiflash_tables"),
    ("information_schema", "views"),
    ("mysql", "user"),
    ("performance_schema", "processlist"),
];

/// The system table of that name (both in lower case), filled as of now.
///
/// # Errors
/// If the table cannot be built.
pub fn table(reads: &QueryReads, database: &str, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
    let relation = match (database, name) {
        ("information_schema", "schemata") => tables::schemata(reads.catalog()),
        ("information_schema", "tables") => tables::tables(reads),
        ("information_schema", "columns") => columns::columns(reads.catalog()),
        ("information_schema", "statistics") => indexes::statistics(reads.catalog()),
        ("information_schema", "key_column_usage") => constraints::key_column_usage(reads.catalog()),
        ("information_schema", "table_constraints") => constraints::table_constraints(reads.catalog()),
        ("information_schema", "referential_constraints") => constraints::referential_constraints(reads.catalog()),
        ("information_schema", "check_constraints") => constraints::check_constraints(reads.catalog()),
        ("information_schema", "views") => views::views(reads.catalog()),
        ("information_schema", "character_sets") => server::character_sets(),
        ("information_schema", "collations") => server::collations(),
        ("information_schema", "collation_character_set_applicability") => server::collation_applicability(),
        ("information_schema", "engines") => server::engines(),
        ("information_schema" | "performance_schema", "processlist") => server::processlist(reads),
        ("information_schema", "tiflash_replica") => replica::tiflash_replica(reads),
        ("information_schema", "tiflash_tables") => replica::tiflash_tables(reads),
        ("information_schema", "tiflash_segments") => replica::tiflash_segments(reads),
        ("mysql", "user") => server::users(reads.catalog()),
        ("information_schema" | "mysql" | "performance_schema", _) => match empty::relation(database, name) {
            Some(relation) => relation,
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(relation.into_table()?))
}
