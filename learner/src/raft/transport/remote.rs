//! A replica in another process.

use std::time::Duration;

use bytes::Bytes;
use deltatree_proto::v1::replica_client::ReplicaClient;
use deltatree_proto::v1::{ReadIndexReply, ReadIndexRequest, SnapshotChunk};
use deltatree_storage::types::Timestamp;
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse};
use openraft::{Snapshot, Vote};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Response, Status};

use super::network::Network;
use super::peer::Answer;
use super::wire::{CHUNK_BYTES, MESSAGE_BYTES, SnapshotHeader, decode, encode, message};
use crate::error::{Error, Result};
use crate::grpc::PeerLinks;
use crate::raft::{NodeId, SnapshotData, TypeConfig};

/// Connects when it is first used, and again after it was cut off.
#[derive(Clone)]
pub(super) struct RemotePeer {
    address: String,
    client: ReplicaClient<Channel>,
    links: PeerLinks,
}

impl RemotePeer {
    /// `address` is `host:port`.
    pub(super) fn new(address: &str, links: &PeerLinks) -> Result<Self, Status> {
        let channel = links.channel(address).map_err(|e| Status::invalid_argument(e.to_string()))?;
        let client = ReplicaClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        Ok(Self { address: address.to_owned(), client, links: links.clone() })
    }

    /// The answer, or the status with the reason in words.
    fn answered<T>(&self, answer: Result<Response<T>, Status>) -> Result<T, Status> {
        match answer {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => Err(Status::new(status.code(), self.links.why(&self.address, &status))),
        }
    }

    pub(super) async fn append_entries(
        &self,
        request: &AppendEntriesRequest<TypeConfig>,
    ) -> Result<Answer<AppendEntriesResponse<NodeId>>, Status> {
        let answer = self.client.clone().append_entries(message(request)?).await;
        decode(&self.answered(answer)?.payload)
    }

    async fn read_index(&mut self, request: ReadIndexRequest) -> Result<ReadIndexReply, Status> {
        let answer = self.client.read_index(request).await;
        self.answered(answer)
    }

    pub(super) async fn vote(&self, request: &VoteRequest<NodeId>) -> Result<Answer<VoteResponse<NodeId>>, Status> {
        let answer = self.client.clone().vote(message(request)?).await;
        decode(&self.answered(answer)?.payload)
    }

    pub(super) async fn install_snapshot(
        &self,
        vote: Vote<NodeId>,
        snapshot: Snapshot<TypeConfig>,
    ) -> Result<SnapshotResponse<NodeId>, Status> {
        const CHUNKS_AHEAD: usize = 4;
        let data = *snapshot.snapshot;
        let header = SnapshotHeader { vote, meta: snapshot.meta, bounds: data.bounds() };
        let first = SnapshotChunk { header: encode(&header)?, ..SnapshotChunk::default() };
        let (chunks, stream) = mpsc::channel(CHUNKS_AHEAD);
        let reader = tokio::task::spawn_blocking(move || send_chunks(first, data, &chunks));
        let answer = self.client.clone().install_snapshot(ReceiverStream::new(stream)).await;
        reader.await.map_err(|e| Status::internal(e.to_string()))??;
        decode(&self.answered(answer)?.payload)
    }
}

/// Reads a raft snapshot and sends it piece by piece. Blocks.
fn send_chunks(first: SnapshotChunk, data: SnapshotData, chunks: &mpsc::Sender<SnapshotChunk>) -> Result<(), Status> {
    let mut open = chunks.blocking_send(first).is_ok();
    let mut items = Vec::new();
    let mut bytes = 0;
    let chunk = |items: &mut Vec<_>, last| {
        let chunk = SnapshotChunk { header: Bytes::new(), items: encode(items)?, last };
        items.clear();
        Ok::<_, Status>(chunk)
    };
    for item in data {
        if !open {
            // The receiver has given up and says why in its answer.
            return Ok(());
        }
        let item = item.map_err(|e| Status::internal(e.to_string()))?;
        bytes += item.key.len() + item.value.len() + 8;
        items.push(item);
        if bytes >= CHUNK_BYTES {
            bytes = 0;
            open = chunks.blocking_send(chunk(&mut items, false)?).is_ok();
        }
    }
    // If nobody listens any more, the answer says why.
    let _ = chunks.blocking_send(chunk(&mut items, true)?);
    Ok(())
}

/// Asks the leader at `address` where to read. A zero `ts` asks for a timestamp as well. Errors: `NotLeader`
/// if it does not answer, or does not lead.
pub(crate) async fn read_index(
    network: &Network,
    address: &str,
    ts: Timestamp,
    timeout: Duration,
) -> Result<(Timestamp, u64)> {
    /// Whoever leads answers long before. Whoever does not may be out of reach.
    const ATTEMPT: Duration = Duration::from_secs(2);
    let failed = |e: Status| match e.code() {
        tonic::Code::InvalidArgument | tonic::Code::Internal | tonic::Code::Unimplemented => {
            Error::Io { action: "ask the leader where to read", reason: e.message().to_owned() }
        }
        // It does not lead, it is late, or the connection broke.
        _ => Error::NotLeader { leader: None },
    };
    let attempt = timeout.min(ATTEMPT);
    let mut peer = network.remote(address).map_err(failed)?;
    let request = ReadIndexRequest { timestamp: ts.0, timeout_ms: attempt.as_millis() as u64 };
    let answer = tokio::time::timeout(attempt, peer.read_index(request)).await;
    let answer = answer.map_err(|_| Error::NotLeader { leader: None })?.map_err(failed)?;
    Ok((Timestamp(answer.timestamp), answer.index))
}
