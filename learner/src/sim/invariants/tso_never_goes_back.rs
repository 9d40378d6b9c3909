//! Invariant 10. A commit timestamp is above every timestamp that anybody had when the commit was
//! asked for, and a transaction reads at no older timestamp than those that had begun before it was.

use deltatree_storage::types::Timestamp;

use super::Verdict;
use crate::sim::history::{Outcome, Taken};

pub(crate) fn check(history: &Taken) -> Verdict {
    // Timestamps by the moment at which somebody had them, with the largest so far.
    let mut known: Vec<(u64, Timestamp)> = Vec::new();
    for txn in history.txns.iter().filter(|t| t.begun > 0) {
        known.push((txn.begun, txn.start_ts));
        if let (Outcome::Committed(ts), Some(answered)) = (&txn.outcome, txn.answered) {
            known.push((answered, *ts));
        }
    }
    known.sort_unstable();
    let mut largest = Timestamp::ZERO;
    for (_, ts) in &mut known {
        largest = largest.max(*ts);
        *ts = largest;
    }
    let before = |moment| {
        let upto = known.partition_point(|&(at, _)| at < moment);
        upto.checked_sub(1).map(|i| known[i].1)
    };
    for txn in history.txns.iter().filter(|t| t.begun > 0) {
        if let Some(known) = before(txn.called).filter(|known| txn.start_ts < *known) {
            return Err(format!("tso_never_goes_back: others had {known} already: {txn:?}"));
        }
        if let (Outcome::Committed(ts), Some(asked)) = (&txn.outcome, txn.committing)
            && before(asked).is_some_and(|known| *ts <= known)
        {
            return Err(format!("tso_never_goes_back: {txn:?} committed at or below what others had"));
        }
    }
    Ok(())
}
