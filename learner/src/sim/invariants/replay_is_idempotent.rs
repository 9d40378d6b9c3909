//! Invariant 8. However often the log is read again, a key has one row at a timestamp.

use super::Verdict;
use crate::sim::history::Cells;

/// Of a row that a scan returns after it has returned others.
pub(crate) fn check(id: i64, before: Option<Cells>, row: &Cells) -> Verdict {
    match before {
        None => Ok(()),
        Some(before) => Err(format!("replay_is_idempotent: row {id} is there twice: {before:?} and {row:?}")),
    }
}
