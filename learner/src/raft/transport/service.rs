//! The gRPC service of a replica.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use deltatree_proto::v1::replica_server::{Replica, ReplicaServer};
use deltatree_proto::v1::{RaftMessage, ReadIndexReply, ReadIndexRequest, SnapshotChunk};
use deltatree_storage::types::Timestamp;
use openraft::Snapshot;
use tokio::sync::mpsc;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};

use super::LocalPeer;
use super::wire::{MESSAGE_BYTES, SnapshotHeader, decode, message};
use crate::error::{Error, ErrorKind, Result};
use crate::raft::{SnapshotData, SnapshotItem};

/// Answers where to read, if this replica leads.
pub(crate) type ReadIndexService = Arc<
    dyn Fn(Option<Timestamp>, Duration) -> Pin<Box<dyn Future<Output = Result<(Timestamp, u64)>> + Send>> + Send + Sync,
>;

struct Service {
    peer: LocalPeer,
    read_index: Option<ReadIndexService>,
}

/// How long entries may wait for the backlog before the leader is told to come again.
const PATIENCE: Duration = Duration::from_millis(300);

/// What a replica serves to the others.
pub(crate) fn replica_routes(peer: LocalPeer, read_index: Option<ReadIndexService>) -> Routes {
    let service = ReplicaServer::new(Service { peer, read_index })
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES);
    Routes::new(service)
}

#[tonic::async_trait]
impl Replica for Service {
    async fn append_entries(&self, request: Request<RaftMessage>) -> Result<Response<RaftMessage>, Status> {
        let answer = self.peer.append_entries(decode(&request.into_inner().payload)?, PATIENCE).await;
        Ok(Response::new(message(&answer)?))
    }

    async fn vote(&self, request: Request<RaftMessage>) -> Result<Response<RaftMessage>, Status> {
        let answer = self.peer.vote(decode(&request.into_inner().payload)?).await;
        Ok(Response::new(message(&answer)?))
    }

    async fn install_snapshot(
        &self,
        request: Request<Streaming<SnapshotChunk>>,
    ) -> Result<Response<RaftMessage>, Status> {
        let mut stream = request.into_inner();
        let first = stream.message().await?.ok_or_else(|| Status::invalid_argument("an empty raft snapshot"))?;
        let SnapshotHeader { vote, meta, bounds } = decode(&first.header)?;
        let (chunks, received) = mpsc::channel(4);
        // Ends when the stream does or when the receiver is dropped.
        tokio::spawn(async move {
            let mut complete = false;
            while !complete {
                let chunk = match stream.message().await {
                    Ok(Some(chunk)) => {
                        complete = chunk.last;
                        decode::<Vec<SnapshotItem>>(&chunk.items)
                    }
                    Ok(None) => Err(Status::data_loss("the raft snapshot was cut off")),
                    Err(e) => Err(e),
                };
                complete |= chunk.is_err();
                if chunks.send(chunk).await.is_err() {
                    return;
                }
            }
        });
        let snapshot = Snapshot { meta, snapshot: Box::new(SnapshotData::new(bounds, Received::new(received))) };
        let installed = self.peer.install_snapshot(vote, snapshot).await;
        let answer = installed.map_err(|e| Status::internal(e.to_string()))?;
        Ok(Response::new(message(&answer)?))
    }

    async fn read_index(&self, request: Request<ReadIndexRequest>) -> Result<Response<ReadIndexReply>, Status> {
        let ReadIndexRequest { timestamp, timeout_ms } = request.into_inner();
        let Some(read_index) = &self.read_index else {
            return Err(Status::failed_precondition("this replica never leads"));
        };
        let ts = (timestamp != 0).then_some(Timestamp(timestamp));
        let (ts, index) = read_index(ts, Duration::from_millis(timeout_ms)).await.map_err(|e| match e.kind() {
            ErrorKind::NotLeader | ErrorKind::Closed => Status::failed_precondition(e.to_string()),
            ErrorKind::Invalid => Status::invalid_argument(e.to_string()),
            ErrorKind::Timeout => Status::deadline_exceeded(e.to_string()),
            other => Status::internal(format!("{other:?}: {e}")),
        })?;
        Ok(Response::new(ReadIndexReply { timestamp: ts.0, index }))
    }
}

/// Pairs as they arrive. Reading blocks.
struct Received {
    chunks: mpsc::Receiver<Result<Vec<SnapshotItem>, Status>>,
    items: std::vec::IntoIter<SnapshotItem>,
}

impl Received {
    fn new(chunks: mpsc::Receiver<Result<Vec<SnapshotItem>, Status>>) -> Self {
        Self { chunks, items: Vec::new().into_iter() }
    }
}

impl Iterator for Received {
    type Item = Result<SnapshotItem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.items.next() {
                return Some(Ok(item));
            }
            match futures::executor::block_on(self.chunks.recv())? {
                Ok(items) => self.items = items.into_iter(),
                Err(e) => {
                    let reason = e.message().to_owned();
                    return Some(Err(Error::Io { action: "receive a raft snapshot", reason }));
                }
            }
        }
    }
}
