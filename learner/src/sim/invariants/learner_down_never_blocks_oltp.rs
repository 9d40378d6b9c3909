//! Invariant 13. With a majority of voters and no learner, transactions commit.

use super::Verdict;

/// `committed` says whether a commit came through while all learners were down.
pub(crate) fn check(committed: bool, waited: std::time::Duration) -> Verdict {
    if committed {
        return Ok(());
    }
    Err(format!("learner_down_never_blocks_oltp: no commit within {waited:?} without learners"))
}
