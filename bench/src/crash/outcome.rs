//! What became of a transaction, as far as its client can know.

use mysql::prelude::Queryable;
use mysql::{Conn, Error};

/// The three outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server acknowledged the commit.
    Committed,
    /// The server refused it, or the connection broke before the commit was sent.
    RolledBack,
    /// The connection broke after the commit was sent, or the server said that it does not know.
    Unknown,
}

/// The outcome, and whether the connection is of any more use.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What became of the transaction.
    pub outcome: Outcome,
    /// Whether the connection still works.
    pub connected: bool,
    /// An answer of the server that no right server gives.
    pub wrong: Option<String>,
}

/// Codes by which the server says that it rolled the transaction back: duplicate entry, lock wait
/// time-out, deadlock, write conflict, schema changed, overload.
const ROLLED_BACK: [u16; 6] = [1062, 1205, 1213, 9007, 8028, 9003];

/// Runs statements as one transaction. Each must affect exactly one row, else `wrong` says so.
///
/// A single statement is committed by itself.
pub fn transact(connection: &mut Conn, statements: &[String]) -> Ended {
    let single = statements.len() == 1;
    if !single && let Err(error) = connection.query_drop("begin") {
        return failed(connection, &error, false);
    }
    let mut wrong = None;
    for sql in statements {
        if let Err(error) = connection.query_drop(sql) {
            return failed(connection, &error, single);
        }
        let affected = connection.affected_rows();
        if affected != 1 {
            wrong = Some(format!("{affected} rows affected instead of 1 by: {sql}"));
        }
    }
    if !single && let Err(error) = connection.query_drop("commit") {
        return failed(connection, &error, true);
    }
    Ended { outcome: Outcome::Committed, connected: true, wrong }
}

fn failed(connection: &mut Conn, error: &Error, committing: bool) -> Ended {
    match error {
        Error::MySqlError(refusal) => {
            let known = ROLLED_BACK.contains(&refusal.code);
            let wrong = (!known).then(|| format!("error {} ({}): {}", refusal.code, refusal.state, refusal.message));
            let outcome = if known || !committing { Outcome::RolledBack } else { Outcome::Unknown };
            let connected = connection.query_drop("rollback").is_ok();
            // A server that is being killed may answer with an error before it goes: not wrong then.
            Ended { outcome, connected, wrong: wrong.filter(|_| connected) }
        }
        Error::IoError(_)
        | Error::CodecError(_)
        | Error::DriverError(_)
        | Error::UrlError(_)
        | Error::FromValueError(_)
        | Error::FromRowError(_) => {
            let outcome = if committing { Outcome::Unknown } else { Outcome::RolledBack };
            Ended { outcome, connected: false, wrong: None }
        }
    }
}
