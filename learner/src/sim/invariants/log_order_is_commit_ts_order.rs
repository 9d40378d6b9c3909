//! Invariant 9. Along the log commit timestamps ascend, and each is above its transaction's start.

use super::Verdict;
use crate::raft::CommitRecord;
use crate::sim::history::Taken;

/// Of a commit that comes next in the log.
pub(crate) fn check(history: &Taken, index: u64, commit: &CommitRecord) -> Verdict {
    let newest = history.commits.last().map(|(_, c)| c.commit_ts);
    if newest.is_some_and(|newest| newest >= commit.commit_ts) {
        let text = "log_order_is_commit_ts_order: entry";
        return Err(format!("{text} {index} has a commit at {} after one at {newest:?}", commit.commit_ts));
    }
    if commit.commit_ts <= commit.start_ts {
        return Err(format!("log_order_is_commit_ts_order: entry {index}: {commit:?} commits before it starts"));
    }
    Ok(())
}
