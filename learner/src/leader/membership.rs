//! Who belongs to the group.
//!
//! Whoever joins is a learner first: it gets the log, or a raft snapshot and then the log, and counts for
//! nothing. A voter is made of it once it has caught up, so that the majority never waits for a newcomer.

use std::collections::BTreeSet;

use openraft::error::{ClientWriteError, RaftError};
use openraft::{BasicNode, ChangeMembers};

use super::Leader;
use crate::error::{Error, Result};
use crate::raft::NodeId;

/// A process with a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number.
    pub id: u64,
    /// Where it listens, `host:port`.
    pub address: String,
    /// Whether it holds rows and votes; otherwise it follows.
    pub voter: bool,
    /// Whether it leads.
    pub leads: bool,
}

/// Numbers of those that join a group are above this, and founders' below.
const JOINED: NodeId = 100;
/// Entries that a voter-to-be may lack.
const CAUGHT_UP: u64 = 1_000;

type Refusal = RaftError<NodeId, ClientWriteError<NodeId, BasicNode>>;

impl Leader {
    /// Where the voter listens that leads as far as this one knows, if it is another one.
    pub(crate) fn leader_address(&self) -> Option<String> {
        let metrics = self.raft.server_metrics();
        let now = metrics.borrow();
        let leader = now.current_leader.filter(|&leader| leader != self.id)?;
        let node = now.membership_config.membership().get_node(&leader)?;
        Some(node.addr.clone()).filter(|address| !address.is_empty())
    }

    /// All members, by number.
    pub(crate) fn members(&self) -> Result<Vec<Member>> {
        if !self.is_leading() {
            return Err(self.not_leader());
        }
        let metrics = self.raft.server_metrics();
        let now = metrics.borrow();
        let membership = now.membership_config.membership();
        let voters: BTreeSet<_> = membership.voter_ids().collect();
        let member = |(id, node): (&NodeId, &BasicNode)| Member {
            id: *id,
            address: node.addr.clone(),
            voter: voters.contains(id),
            leads: now.current_leader == Some(*id),
        };
        Ok(membership.nodes().map(member).collect())
    }

    /// Gives whoever listens at `address` a number and adds it as a learner. It keeps the number: one that
    /// asks again gets the same. Errors: `Invalid` if a voter listens there.
    pub(crate) async fn admit_member(&self, address: &str) -> Result<NodeId> {
        let _one_at_a_time = self.membership.lock().await;
        if let Some(known) = self.members()?.into_iter().find(|m| m.address == address) {
            if known.voter {
                let text =
                    format!("a voter at {address} belongs to the group: remove it before another one joins there");
                return Err(Error::Invalid(text));
            }
            return Ok(known.id);
        }
        // Joining adds to the log, so no number is ever given twice.
        let id = JOINED + self.raft.metrics().borrow().last_log_index.unwrap_or(0);
        self.add_learner(id, BasicNode { addr: address.to_owned() }).await?;
        Ok(id)
    }

    /// Makes a voter of a learner that holds rows. Errors: `Timeout` while it has not caught up.
    pub(crate) async fn promote_member(&self, id: NodeId) -> Result<()> {
        let _one_at_a_time = self.membership.lock().await;
        let members = self.members()?;
        let member = members.iter().find(|m| m.id == id);
        let member = member.ok_or_else(|| Error::Invalid(format!("the group has no member {id}")))?;
        if member.voter {
            return Ok(());
        }
        let (last, matched) = {
            let metrics = self.raft.metrics();
            let now = metrics.borrow();
            let matched = now.replication.as_ref().and_then(|r| r.get(&id).copied().flatten());
            (now.last_log_index.unwrap_or(0), matched.map_or(0, |log_id| log_id.index))
        };
        if matched == 0 || matched + CAUGHT_UP < last {
            let what = format!("member {id} to catch up, it has {matched} of {last} log entries");
            return Err(Error::Timeout { what, waited_ms: 0 });
        }
        self.change_members(ChangeMembers::AddVoterIds([id].into())).await
    }

    /// Lets a member go. One that is not there has gone. Errors: `Invalid` for the last voter.
    pub(crate) async fn remove_member(&self, address: &str) -> Result<()> {
        let _one_at_a_time = self.membership.lock().await;
        let members = self.members()?;
        let Some(member) = members.iter().find(|m| m.address == address) else { return Ok(()) };
        if !member.voter {
            return self.change_members(ChangeMembers::RemoveNodes([member.id].into())).await;
        }
        if members.iter().filter(|m| m.voter).count() == 1 {
            return Err(Error::Invalid(format!("the voter at {address} is the last one")));
        }
        self.change_members(ChangeMembers::RemoveVoters([member.id].into())).await
    }

    /// Adds a learner, or changes its address. Does not wait until it has caught up.
    pub(crate) async fn add_learner(&self, id: NodeId, node: BasicNode) -> Result<()> {
        let known = self.raft.server_metrics().borrow().membership_config.membership().get_node(&id).cloned();
        if known.as_ref() == Some(&node) {
            return Ok(());
        }
        if known.is_some() {
            return self.change_members(ChangeMembers::SetNodes([(id, node)].into())).await;
        }
        match crate::runtime::timeout(self.limits.replication, self.raft.add_learner(id, node, false)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(self.refusal(e)),
            Err(_) => Err(self.unreplicated()),
        }
    }

    async fn change_members(&self, change: ChangeMembers<NodeId, BasicNode>) -> Result<()> {
        match crate::runtime::timeout(self.limits.replication, self.raft.change_membership(change, false)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(self.refusal(e)),
            Err(_) => Err(self.unreplicated()),
        }
    }

    fn refusal(&self, e: Refusal) -> Error {
        match e {
            RaftError::APIError(ClientWriteError::ForwardToLeader(_)) => self.not_leader(),
            RaftError::APIError(e) => Error::Invalid(format!("cannot change the members: {e}")),
            RaftError::Fatal(e) => self.fatal(&e),
        }
    }
}
