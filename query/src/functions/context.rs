//! What functions without arguments answer: the statement's time, the session's identity.

use crate::types::{Datum, SessionZone};

/// A session's state as functions see it, fixed for one statement.
#[derive(Clone, Debug)]
pub struct FunctionContext {
    /// When the statement began, in microseconds since 1970-01-01 00:00:00 UTC: `NOW()`.
    pub now: i64,
    /// `@@time_zone`.
    pub zone: SessionZone,
    /// `CONNECTION_ID()`.
    pub connection_id: u64,
    /// `USER()`: name and host as the client gave them, `root@127.0.0.1`.
    pub user: String,
    /// `CURRENT_USER()`: the account, `root@%`.
    pub current_user: String,
    /// `DATABASE()`.
    pub database: Option<String>,
    /// `LAST_INSERT_ID()`.
    pub last_insert_id: u64,
    /// `ROW_COUNT()`.
    pub row_count: i64,
    /// `FOUND_ROWS()`.
    pub found_rows: u64,
    /// `VERSION()`: `8.0.11-DeltaTree-…`.
    pub version: String,
}

impl FunctionContext {
    /// A context for a session of `root` in UTC, at the given time.
    pub fn at(now: i64) -> Self {
        Self {
            now,
            zone: SessionZone::UTC,
            connection_id: 0,
            user: "root@127.0.0.1".to_owned(),
            current_user: "root@%".to_owned(),
            database: None,
            last_insert_id: 0,
            row_count: -1,
            found_rows: 0,
            version: concat!("8.0.11-DeltaTree-", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Where `@@name` and `@name` are looked up.
pub trait Variables {
    /// A system variable, by its name in lower case without `@@`, `session.` or `global.`. `None` if there
    /// is no such variable.
    fn system(&self, name: &str, global: bool) -> Option<Datum>;
    /// A user variable, by its name in lower case without `@`; NULL if it was never set.
    fn user(&self, name: &str) -> Datum;
}

/// No variables at all.
impl Variables for () {
    fn system(&self, _: &str, _: bool) -> Option<Datum> {
        None
    }

    fn user(&self, _: &str) -> Datum {
        Datum::Null
    }
}
