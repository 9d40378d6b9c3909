//! Who belongs to the group.

use openraft::{BasicNode, ChangeMembers};

use super::Leader;
use crate::error::{Error, Result};
use crate::raft::NodeId;

impl Leader {
    /// Adds a learner, or changes its address. Does not wait until it has caught up.
    pub(crate) async fn add_learner(&self, id: NodeId, node: BasicNode) -> Result<()> {
        let known = self.raft.server_metrics().borrow().membership_config.membership().get_node(&id).cloned();
        if known.as_ref() == Some(&node) {
            return Ok(());
        }
        if known.is_some() {
            let nodes = ChangeMembers::SetNodes([(id, node)].into());
            return self.change_members(nodes).await;
        }
        match tokio::time::timeout(self.limits.replication, self.raft.add_learner(id, node, false)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(Error::Invalid(format!("cannot add learner {id}: {e}"))),
            Err(_) => Err(self.unreplicated()),
        }
    }

    async fn change_members(&self, change: ChangeMembers<NodeId, BasicNode>) -> Result<()> {
        match tokio::time::timeout(self.limits.replication, self.raft.change_membership(change, true)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(Error::Invalid(format!("cannot change the members: {e}"))),
            Err(_) => Err(self.unreplicated()),
        }
    }
}
