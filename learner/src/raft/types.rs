//! The concrete types that openraft is instantiated with, so that nothing else is generic.

use openraft::BasicNode;

use super::{Command, SnapshotData};
use crate::runtime::GroupRuntime;

openraft::declare_raft_types!(
    /// See the module.
    pub TypeConfig:
        D = Command,
        R = (),
        NodeId = u64,
        Node = BasicNode,
        SnapshotData = SnapshotData,
        AsyncRuntime = GroupRuntime,
);

/// A replica's number.
pub type NodeId = u64;
/// A running replica.
pub(crate) type Raft = openraft::Raft<TypeConfig>;
/// A log entry.
pub(crate) type Entry = openraft::Entry<TypeConfig>;
/// Term, leader and index of an entry.
pub(crate) type LogId = openraft::LogId<NodeId>;
/// Members as of an entry.
pub(crate) type StoredMembership = openraft::StoredMembership<NodeId, BasicNode>;
/// Error of a log store or state machine, which stops the replica.
pub(crate) type StorageError = openraft::StorageError<NodeId>;
