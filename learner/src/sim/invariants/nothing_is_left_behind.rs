//! When clients have gone nothing of theirs is left: no registered reader, no lock, nothing in flight.

use super::Verdict;
use crate::leader::Leader;
use crate::raft::NodeId;

pub(crate) fn check(node: NodeId, leader: &Leader) -> Verdict {
    let text = |what: String| Err(format!("nothing_is_left_behind: node {node}: {what}"));
    if let Some(ts) = leader.readers().oldest() {
        return text(format!("a reader at {ts}"));
    }
    match leader.is_idle() {
        true => Ok(()),
        false => text("locks, waiters or entries in flight".into()),
    }
}
