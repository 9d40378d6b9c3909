//! A state machine that is watched: what it applies is taken down before it does.

use openraft::storage::RaftStateMachine;
use openraft::{BasicNode, OptionalSend, Snapshot, SnapshotMeta};

use super::history::History;
use super::invariants::learner_never_ahead_of_commit as ahead;
use super::nodes::Disks;
use crate::raft::{Entry, LogId, NodeId, StorageError, StoredMembership, TypeConfig};

/// See the module.
pub(crate) struct Witness<M> {
    pub(crate) machine: M,
    pub(crate) node: NodeId,
    pub(crate) history: History,
    /// The disks of all voters.
    pub(crate) disks: Disks,
    /// Where applying must go on.
    pub(crate) next: Option<u64>,
}

impl<M: RaftStateMachine<TypeConfig>> RaftStateMachine<TypeConfig> for Witness<M> {
    type SnapshotBuilder = M::SnapshotBuilder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), StorageError> {
        let (applied, membership) = self.machine.applied_state().await?;
        self.next = Some(applied.map_or(0, |l| l.index + 1));
        Ok((applied, membership))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<()>, StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        for entry in &entries {
            let index = entry.log_id.index;
            if self.next.is_some_and(|next| next != index) {
                let text = format!("one_log: node {} goes on at entry {index}, not at {:?}", self.node, self.next);
                self.history.judge(Err(text));
            }
            self.next = Some(index + 1);
            self.history.judge(ahead::check(&self.history, &self.disks, self.node, entry));
            self.history.apply(self.node, entry);
        }
        self.machine.apply(entries).await
    }

    async fn get_snapshot_builder(&mut self) -> Self::SnapshotBuilder {
        self.machine.get_snapshot_builder().await
    }

    async fn begin_receiving_snapshot(
        &mut self,
    ) -> Result<Box<<TypeConfig as openraft::RaftTypeConfig>::SnapshotData>, StorageError> {
        self.machine.begin_receiving_snapshot().await
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<NodeId, BasicNode>,
        snapshot: Box<<TypeConfig as openraft::RaftTypeConfig>::SnapshotData>,
    ) -> Result<(), StorageError> {
        self.history.count("raft snapshots installed");
        self.next = Some(meta.last_log_id.map_or(0, |l| l.index + 1));
        let index = meta.last_log_id.map_or(0, |l| l.index);
        self.history.event(format!("node {} gets a raft snapshot up to {index}", self.node));
        self.machine.install_snapshot(meta, snapshot).await
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<TypeConfig>>, StorageError> {
        self.machine.get_current_snapshot().await
    }
}
