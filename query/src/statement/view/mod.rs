//! Views: queries under names.
//!
//! A view is kept as the text of its query. Where a statement reads one, the query takes its place before
//! anything is planned, so that nothing else has to know of views.
//!
//! - [`parse`]: `CREATE VIEW` and `DROP VIEW`
//! - [`define`]: running them
//! - [`expand`]: queries in the place of views' names

mod define;
mod expand;
mod parse;

pub(crate) use expand::{ViewUse, definition};
pub(super) use parse::{create, drop, without_word};

use datafusion::sql::sqlparser::ast::ObjectName;

/// `CREATE VIEW`.
#[derive(Clone, Debug)]
pub(crate) struct CreateView {
    /// `OR REPLACE`.
    pub(crate) replace: bool,
    /// Its name.
    pub(crate) name: ObjectName,
    /// Names of its columns, if they are listed.
    columns: Vec<String>,
    /// The query's text.
    pub(crate) definition: String,
    definer: Option<(String, String)>,
    invoker_rights: bool,
    check_option: &'static str,
    if_not_exists: bool,
}
