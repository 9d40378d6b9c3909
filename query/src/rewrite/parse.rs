//! Reading statements in MySQL's dialect.

use datafusion::sql::sqlparser::ast::{Expr, Statement};
use datafusion::sql::sqlparser::dialect::MySqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::error::{Result, SqlError};

/// The statements of a text, separated by `;`. Fails with 1064 at the first that is not MySQL.
pub fn parse(sql: &str) -> Result<Vec<Statement>> {
    Parser::parse_sql(&MySqlDialect {}, sql).map_err(|e| SqlError::new(1064, e.to_string()))
}

/// One expression.
pub fn parse_expr(sql: &str) -> Result<Expr> {
    Parser::new(&MySqlDialect {})
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_expr())
        .map_err(|e| SqlError::new(1064, e.to_string()))
}
