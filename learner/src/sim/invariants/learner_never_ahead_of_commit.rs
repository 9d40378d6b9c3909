//! Invariant 5. Whatever a replica applies a majority of voters holds durably.

use std::collections::BTreeSet;

use openraft::EntryPayload;

use super::Verdict;
use crate::raft::{Entry, NodeId, SIMULATED_LOG};
use crate::sim::history::{History, digest};
use crate::sim::nodes::Disks;

/// Of an entry that `node` is about to apply. Looks at disks only if nobody has applied it before.
pub(crate) fn check(history: &History, disks: &Disks, node: NodeId, entry: &Entry) -> Verdict {
    let index = entry.log_id.index;
    let known = history.with(|t| t.log.contains_key(&index));
    // The entry that forms the group is not agreed upon.
    if known || index == 0 {
        return Ok(());
    }
    let held: BTreeSet<NodeId> = disks
        .lock()
        .iter()
        .filter(|(_, d)| {
            let stored = d.log.durable(SIMULATED_LOG, &index.to_be_bytes());
            stored.is_some_and(|bytes| {
                let stored: Option<Entry> = postcard::from_bytes(&bytes).ok();
                stored.is_some_and(|stored| digest(&stored) == digest(entry))
            })
        })
        .map(|(id, _)| *id)
        .collect();
    // Between two memberships the newer one decides, which may not be applied yet.
    let newer = disks.lock().values().flat_map(|d| newer_memberships(d, index)).collect::<Vec<_>>();
    let committed = history.with(|t| {
        let current = t.memberships.range(..=index).next_back().map(|(_, m)| m.clone());
        current.into_iter().chain(newer).any(|membership| {
            let majority = |voters: &BTreeSet<NodeId>| voters.intersection(&held).count() * 2 > voters.len();
            membership.get_joint_config().iter().any(majority)
        })
    });
    if committed {
        return Ok(());
    }
    Err(format!("learner_never_ahead_of_commit: node {node} applies entry {index}, which only {held:?} hold"))
}

fn newer_memberships(
    disks: &crate::sim::nodes::VoterDisks,
    from: u64,
) -> Vec<openraft::Membership<NodeId, openraft::BasicNode>> {
    use std::ops::Bound;
    let key = from.to_be_bytes();
    let pairs = disks.log.range(SIMULATED_LOG, Bound::Included(&key), Bound::Unbounded);
    let entries = pairs.into_iter().filter_map(|(_, value)| postcard::from_bytes::<Entry>(&value).ok());
    let memberships = entries.filter_map(|e| match e.payload {
        EntryPayload::Membership(m) => Some(m),
        EntryPayload::Blank | EntryPayload::Normal(_) => None,
    });
    memberships.collect()
}
