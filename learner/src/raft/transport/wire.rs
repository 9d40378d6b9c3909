//! Bytes of Raft's messages on the wire.

use bytes::Bytes;
use deltatree_proto::v1::RaftMessage;
use openraft::{BasicNode, SnapshotMeta, Vote};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tonic::Status;

use crate::raft::{NodeId, SnapshotBounds};

/// Longest message between processes: a log entry may be as large as a transaction, a batch may hold long values.
pub(crate) const MESSAGE_BYTES: usize = (2 << 30) - 1;
/// Bytes of pairs in a piece of a raft snapshot.
pub(super) const CHUNK_BYTES: usize = 1 << 20;

/// The first piece of a raft snapshot.
#[derive(Serialize, Deserialize)]
pub(super) struct SnapshotHeader {
    pub(super) vote: Vote<NodeId>,
    pub(super) meta: SnapshotMeta<NodeId, BasicNode>,
    pub(super) bounds: SnapshotBounds,
}

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Bytes, Status> {
    postcard::to_allocvec(value).map(Bytes::from).map_err(|e| Status::internal(format!("cannot encode: {e}")))
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Status> {
    postcard::from_bytes(bytes).map_err(|e| Status::invalid_argument(format!("not a message of this program: {e}")))
}

pub(super) fn message<T: Serialize>(value: &T) -> Result<RaftMessage, Status> {
    Ok(RaftMessage { payload: encode(value)? })
}
