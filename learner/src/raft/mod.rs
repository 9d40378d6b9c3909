//! The replicated log: what is in it, where it is kept, what it is applied to, and how replicas talk.

#![allow(clippy::result_large_err, reason = "openraft's error types are what its traits return")]

mod columnar_machine;
mod columnar_snapshot;
mod command;
mod log_store;
mod settings;
mod snapshot;
mod transport;
mod types;
mod voter_machine;

pub use command::{Command, CommitRecord, Mutation};
pub use snapshot::{SnapshotBounds, SnapshotData, SnapshotItem};
pub use types::{NodeId, TypeConfig};

pub use columnar_machine::replay_index;
pub(crate) use columnar_machine::{Beside, ColumnarMachine, LearnerState, durable_index};
#[cfg(test)]
pub(crate) use log_store::SIMULATED_LOG;
pub(crate) use log_store::{DurableLog, MemoryLog};
pub(crate) use settings::raft_config;
pub(crate) use transport::{Backlog, LocalPeer, MESSAGE_BYTES, Network, ReadIndexService, read_index, replica_routes};
pub(crate) use types::{Entry, LogId, Raft, StorageError, StoredMembership};
pub(crate) use voter_machine::{Applied, VoterMachine, VoterState};
