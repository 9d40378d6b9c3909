//! All replicas apply one log: no two apply different entries at one index, and nobody leaves one out.

use super::Verdict;
use crate::raft::NodeId;
use crate::sim::history::Taken;

/// Of an entry that `node` is about to apply.
pub(crate) fn check(history: &Taken, node: NodeId, index: u64, digest: u64) -> Verdict {
    match history.log.get(&index) {
        Some(&known) if known != digest => Err(format!("one_log: node {node} has another entry {index}")),
        Some(_) => Ok(()),
        None => match history.log.last_key_value() {
            Some((&last, _)) if last + 1 != index => {
                Err(format!("one_log: node {node} applies entry {index}, and nobody has applied {}", last + 1))
            }
            Some(_) | None => Ok(()),
        },
    }
}
