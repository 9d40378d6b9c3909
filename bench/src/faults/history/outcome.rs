//! How a transaction ends, as far as its client can know.

use mysql::prelude::Queryable;
use mysql::{Conn, Error};

/// Why an operation was not acknowledged.
#[derive(Debug)]
pub struct Failure {
    /// Whether it may have happened all the same.
    pub unknown: bool,
    /// Whether the connection is of no more use.
    pub broken: bool,
    /// What the server said, its number first; 0 if the connection broke.
    pub why: String,
}

/// Errors that say that nothing happened: disk full, duplicate entry, lock wait time-out, deadlock, too large,
/// schema changed, overload, no leader, snapshot too old, write conflict. All others leave it open.
const NOTHING_HAPPENED: [u16; 10] = [1021, 1062, 1205, 1213, 8004, 8028, 9003, 9005, 9006, 9007];

impl Failure {
    /// An error before anything was asked to be committed.
    pub fn before_commit(error: &Error) -> Self {
        Self { unknown: false, ..Self::at_commit(error) }
    }

    /// An error of a commit, or of a statement that commits itself.
    pub fn at_commit(error: &Error) -> Self {
        match error {
            Error::MySqlError(refusal) => Self {
                unknown: !NOTHING_HAPPENED.contains(&refusal.code),
                broken: false,
                why: format!("{} {}", refusal.code, refusal.message),
            },
            Error::IoError(_)
            | Error::CodecError(_)
            | Error::DriverError(_)
            | Error::UrlError(_)
            | Error::FromValueError(_)
            | Error::FromRowError(_) => Self { unknown: true, broken: true, why: format!("0 {error}") },
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::before_commit(&error)
    }
}

/// Runs a transaction: `begin` as it says, `body`, `COMMIT`.
///
/// # Errors
/// When the server refuses a statement, or the connection breaks.
pub fn transact<T>(
    connection: &mut Conn,
    begin: &str,
    body: impl FnOnce(&mut Conn) -> mysql::Result<T>,
) -> Result<T, Failure> {
    connection.query_drop(begin)?;
    match body(connection) {
        Ok(answer) => match connection.query_drop("commit") {
            Ok(()) => Ok(answer),
            Err(error) => Err(Failure::at_commit(&error)),
        },
        Err(error) => {
            let mut failure = Failure::before_commit(&error);
            failure.broken = failure.broken || connection.query_drop("rollback").is_err();
            Err(failure)
        }
    }
}

/// Runs a statement that commits itself. Returns the rows that it changed.
///
/// # Errors
/// As [`transact`].
pub fn write(connection: &mut Conn, sql: &str) -> Result<u64, Failure> {
    connection.query_drop(sql).map_err(|error| Failure::at_commit(&error))?;
    Ok(connection.affected_rows())
}
