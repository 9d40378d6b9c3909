//! From MySQL's SQL to statements that DataFusion plans as MySQL would.
//!
//! [`parse`] reads MySQL's dialect; [`statement`] turns the tree into the plainer SQL that the planner
//! knows: names in lower case, variables and the statement's time as constants, MySQL's syntax for
//! functions, intervals and casts as calls of the functions in [`crate::functions`]. What depends on the
//! types of columns cannot be done here and is left to [`crate::functions`]' operators.

mod aggregate;
mod build;
mod call;
mod dialect;
mod expression;
mod label;
mod parse;
mod query;
mod relations;
mod session;

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, Select, Statement, TableFactor, Value, VisitMut, VisitorMut,
};

pub use label::column_label;
pub use parse::{parse, parse_expr};
pub(crate) use relations::each_table;

use crate::error::{Result, SqlError};
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

/// Rewrites a statement in place: its queries, and the expressions of every other statement.
///
/// Call it once. Locking clauses are dropped: look at [`Query::locks`] before. Optimizer hints are kept.
pub fn statement(statement: &mut Statement, context: &RewriteContext<'_>) -> Result<()> {
    match statement {
        Statement::Query(top) => query(top, context),
        Statement::Explain { statement: inner, .. } => self::statement(inner, context),
        other => finish(other.visit(&mut Rewriter { context })),
    }
}

/// [`statement`] for a query of its own.
pub fn query(query: &mut Query, context: &RewriteContext<'_>) -> Result<()> {
    let names = label::leading_select(query).map(label::finish).unwrap_or_default();
    finish(query.visit(&mut Rewriter { context }))?;
    query::resolve_names(query, &names);
    Ok(())
}

/// Rewrites an expression on its own.
pub fn expression(expr: &mut Expr, context: &RewriteContext<'_>) -> Result<()> {
    finish(expr.visit(&mut Rewriter { context }))
}

/// [`expression`] for one that is asked whether it is true.
pub(crate) fn condition(mut expr: Expr, context: &RewriteContext<'_>) -> Result<Expr> {
    expression(&mut expr, context)?;
    Ok(build::condition(expr))
}

/// How many `?` a statement has.
pub fn parameter_count(statement: &Statement) -> usize {
    struct Count(usize);
    impl VisitorMut for Count {
        type Break = ();
        fn pre_visit_value(
            &mut self,
            value: &mut datafusion::sql::sqlparser::ast::ValueWithSpan,
        ) -> ControlFlow<Self::Break> {
            self.0 += usize::from(matches!(value.value, Value::Placeholder(_)));
            ControlFlow::Continue(())
        }
    }
    let mut count = Count(0);
    let _ = statement.clone().visit(&mut count);
    count.0
}

fn finish(flow: ControlFlow<SqlError>) -> Result<()> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(e) => Err(e),
    }
}

struct Rewriter<'a> {
    context: &'a RewriteContext<'a>,
}

impl VisitorMut for Rewriter<'_> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        query::prepare(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        query::prepare_select(select);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        query::finish_select(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<SqlError> {
        lower_object(relation);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<SqlError> {
        match query::prepare_table(factor) {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => ControlFlow::Break(e),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        match expression::before(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => ControlFlow::Break(e),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        match expression::after(expr, self.context) {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => ControlFlow::Break(e),
        }
    }
}

fn lower(ident: &mut Ident) {
    if ident.value.chars().any(char::is_uppercase) {
        ident.value = ident.value.to_lowercase();
    }
}

fn lower_object(name: &mut ObjectName) {
    for part in &mut name.0 {
        if let ObjectNamePart::Identifier(ident) = part {
            lower(ident);
        }
    }
}

#[cfg(test)]
mod tests;
