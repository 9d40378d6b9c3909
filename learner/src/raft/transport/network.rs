//! Finds the way to a replica.

use std::collections::HashMap;
use std::sync::Arc;

use openraft::error::{Fatal, NetworkError, RPCError, RaftError, RemoteError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{Backoff, RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse};
use openraft::{BasicNode, OptionalSend, Snapshot, Vote};
use parking_lot::RwLock;

use super::LocalPeer;
use crate::raft::{NodeId, TypeConfig};

type RpcError = RPCError<NodeId, BasicNode, RaftError<NodeId>>;

/// The replicas of this process, by number. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Network {
    local: Arc<RwLock<HashMap<NodeId, LocalPeer>>>,
}

impl Network {
    /// Makes a replica of this process reachable.
    pub(crate) fn register(&self, id: NodeId, peer: LocalPeer) {
        self.local.write().insert(id, peer);
    }

    /// Makes a replica of this process unreachable.
    pub(crate) fn unregister(&self, id: NodeId) {
        self.local.write().remove(&id);
    }
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Connection;

    async fn new_client(&mut self, target: NodeId, _node: &BasicNode) -> Connection {
        Connection { network: self.clone(), target }
    }
}

/// The way to one replica.
pub(crate) struct Connection {
    network: Network,
    target: NodeId,
}

impl Connection {
    fn local(&self) -> Result<LocalPeer, Unreachable> {
        self.network.local.read().get(&self.target).cloned().ok_or_else(|| {
            let text = format!("node {} is not in this process", self.target);
            Unreachable::new(&std::io::Error::new(std::io::ErrorKind::NotFound, text))
        })
    }
}

impl RaftNetwork<TypeConfig> for Connection {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<NodeId>, RpcError> {
        let peer = self.local()?;
        peer.append_entries(rpc, option.soft_ttl()).await.map_err(|e| remote(self.target, e))
    }

    async fn vote(&mut self, rpc: VoteRequest<NodeId>, _option: RPCOption) -> Result<VoteResponse<NodeId>, RpcError> {
        self.local()?.vote(rpc).await.map_err(|e| remote(self.target, e))
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote<NodeId>,
        snapshot: Snapshot<TypeConfig>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<NodeId>, StreamingError<TypeConfig, Fatal<NodeId>>> {
        let peer = self.local().map_err(StreamingError::Unreachable)?;
        tokio::select! {
            installed = peer.install_snapshot(vote, snapshot) => {
                installed.map_err(|e| StreamingError::Network(NetworkError::new(&e)))
            }
            closed = cancel => Err(StreamingError::Closed(closed)),
        }
    }

    fn backoff(&self) -> Backoff {
        const RETRY: std::time::Duration = std::time::Duration::from_millis(100);
        Backoff::new(std::iter::repeat(RETRY))
    }
}

fn remote(target: NodeId, e: RaftError<NodeId>) -> RpcError {
    RPCError::RemoteError(RemoteError::new(target, e))
}
