//! Invariant 1. What a client was told is committed is in the log that all replicas apply, whatever
//! crashed since; what it was told has failed is not.

use super::Verdict;
use crate::sim::history::{Outcome, Taken};

pub(crate) fn check(history: &Taken) -> Verdict {
    for txn in &history.txns {
        let marked = txn.marker.as_ref().map(|m| history.writes_of(m).collect::<Vec<_>>());
        match (&txn.outcome, marked) {
            (Outcome::Committed(ts), _) => {
                for (key, value) in &txn.writes {
                    if history.written_at(key, *ts) != Some(value) {
                        return Err(format!("acked_write_is_durable: key {key:?} of {txn:?} is not in the log"));
                    }
                }
            }
            (Outcome::Failed, Some(writes)) if !writes.is_empty() => {
                return Err(format!("acked_write_is_durable: it failed, and is in the log at {writes:?}: {txn:?}"));
            }
            (Outcome::Unknown, Some(writes)) if txn.committing.is_none() && !writes.is_empty() => {
                return Err(format!(
                    "acked_write_is_durable: nobody asked to commit it, and it is in the log: {txn:?}"
                ));
            }
            (Outcome::Failed | Outcome::Unknown, Some(writes)) if writes.len() > 1 => {
                return Err(format!("acked_write_is_durable: it is in the log several times: {txn:?}"));
            }
            (Outcome::Failed | Outcome::Unknown, _) => {}
        }
    }
    Ok(())
}
