//! Invariant 4. A transaction or a query that begins after a commit was acknowledged reads at a
//! timestamp that covers it.

use deltatree_storage::types::Timestamp;

use super::Verdict;
use crate::sim::history::{Outcome, Taken};

pub(crate) fn check(history: &Taken) -> Verdict {
    let mut acked: Vec<(u64, Timestamp)> = Vec::new();
    for txn in &history.txns {
        if let (Outcome::Committed(ts), Some(answered)) = (&txn.outcome, txn.answered) {
            acked.push((answered, *ts));
        }
    }
    acked.sort_unstable();
    let mut newest = Timestamp::ZERO;
    for (_, ts) in &mut acked {
        newest = newest.max(*ts);
        *ts = newest;
    }
    let newest_before = |moment| {
        let upto = acked.partition_point(|&(answered, _)| answered < moment);
        upto.checked_sub(1).map(|i| acked[i].1)
    };
    for txn in history.txns.iter().filter(|t| t.begun > 0) {
        if newest_before(txn.called).is_some_and(|ts| txn.start_ts < ts) {
            return Err(format!("reads_see_every_commit_before_them: a transaction reads before a commit: {txn:?}"));
        }
    }
    for read in &history.reads {
        if newest_before(read.called).is_some_and(|ts| read.ts < ts) {
            return Err(format!("reads_see_every_commit_before_them: a query reads before a commit: {read:?}"));
        }
    }
    Ok(())
}
