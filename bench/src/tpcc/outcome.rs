//! How a transaction ends, and what its statements must do.

use std::fmt;

use mysql::prelude::{FromRow, Queryable};
use mysql::{Conn, Error, Params, Statement};

/// How a transaction ended as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By a commit.
    Committed,
    /// By the terminal: the specification has one new order in a hundred name an item that does not exist.
    RolledBack,
}

/// How it did not.
#[derive(Debug)]
pub enum Failure {
    /// The server refused a statement, or the connection broke.
    Statement(Error),
    /// The server answered what no right server answers.
    Wrong(String),
}

impl Failure {
    /// Whether the server rolled the transaction back because of another one, so that the terminal may
    /// run it again: a deadlock, or a write conflict.
    pub fn lost_race(&self) -> bool {
        const CODES: [u16; 2] = [1213, 9007];
        matches!(self, Self::Statement(Error::MySqlError(refusal)) if CODES.contains(&refusal.code))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Statement(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statement(error) => error.fmt(f),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// Reads a row that must be there. `what` names it.
///
/// # Errors
/// When it is not, or the statement fails.
pub fn read_one<T: FromRow>(
    connection: &mut Conn,
    statement: &Statement,
    key: impl Into<Params>,
    what: &str,
) -> Result<T, Failure> {
    let key = key.into();
    let found = connection.exec_first(statement, key.clone())?;
    found.ok_or_else(|| Failure::Wrong(format!("no {what} with the key {}", shown(&key))))
}

/// Runs a statement that must write exactly one row. `what` names it.
///
/// # Errors
/// When it writes another number of rows, or fails.
pub fn write_one(
    connection: &mut Conn,
    statement: &Statement,
    values: impl Into<Params>,
    what: &str,
) -> Result<(), Failure> {
    let values = values.into();
    connection.exec_drop(statement, values.clone())?;
    match connection.affected_rows() {
        1 => Ok(()),
        rows => Err(Failure::Wrong(format!("{rows} rows written instead of one {what}, with {}", shown(&values)))),
    }
}

fn shown(params: &Params) -> String {
    match params {
        Params::Positional(values) => values.iter().map(|value| value.as_sql(false)).collect::<Vec<_>>().join(", "),
        Params::Empty | Params::Named(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use mysql::MySqlError;

    use super::*;

    #[test]
    fn only_lost_races_are_run_again() {
        let refused =
            |code| Failure::from(Error::MySqlError(MySqlError { state: "HY000".into(), message: String::new(), code }));
        assert!(refused(1213).lost_race() && refused(9007).lost_race());
        assert!(!refused(1205).lost_race() && !refused(1064).lost_race());
        assert!(!Failure::Wrong(String::new()).lost_race());
    }
}
