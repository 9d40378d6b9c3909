//! What a client is told when a statement fails: MySQL's code, its SQL state and one sentence.
//!
//! Every error that reaches a client is a [`SqlError`]. Errors of the layers below are turned into one
//! here, in one place, so that no internal wording leaks where MySQL has a sentence of its own.

mod datafusion;
mod kinds;
mod lower_layers;

use std::fmt;

/// Result of everything that a client's statement can make fail.
pub type Result<T, E = SqlError> = std::result::Result<T, E>;

/// An error as the MySQL protocol reports it. `Display` is the message alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError {
    /// MySQL's (or TiDB's) error number.
    pub code: u16,
    /// The five characters of the SQL state.
    pub state: &'static str,
    /// One sentence for the user.
    pub message: String,
}

impl SqlError {
    /// An error of the given number; the SQL state follows from it.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self { code, state: kinds::sql_state(code), message: message.into() }
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SqlError {}

/// Travels through DataFusion whole, and comes out again as it went in.
impl From<SqlError> for ::datafusion::error::DataFusionError {
    fn from(e: SqlError) -> Self {
        Self::External(Box::new(e))
    }
}

#[cfg(test)]
mod tests;
