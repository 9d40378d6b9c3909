//! Snapshot isolation: between what a transaction read and its commit nobody else committed a write to
//! a key that it wrote.

use super::Verdict;
use crate::sim::history::{Outcome, Taken};

pub(crate) fn check(history: &Taken) -> Verdict {
    for txn in &history.txns {
        let committed = match (&txn.outcome, &txn.marker) {
            (Outcome::Committed(ts), _) => Some(*ts),
            (Outcome::Unknown, Some(marker)) => history.writes_of(marker).next(),
            (Outcome::Unknown, None) | (Outcome::Failed, _) => None,
        };
        let Some(commit_ts) = committed else { continue };
        for (key, since) in &txn.unchanged_since {
            if let Some(between) = history.writes_of(key).find(|ts| ts > since && *ts < commit_ts) {
                return Err(format!("no_lost_update: {key:?} was changed at {between}, after {since}: {txn:?}"));
            }
        }
    }
    Ok(())
}
