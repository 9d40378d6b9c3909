//! Finds the way to a replica.

use std::collections::HashMap;
use std::sync::Arc;

use openraft::error::{
    Fatal, NetworkError, RPCError, RaftError, RemoteError, ReplicationClosed, StreamingError, Unreachable,
};
use openraft::network::{Backoff, RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse};
use openraft::{BasicNode, OptionalSend, Snapshot, Vote};
use parking_lot::Mutex;
use tokio::sync::watch;
use tonic::Status;

use super::LocalPeer;
use super::peer::Answer;
use super::remote::RemotePeer;
use crate::grpc::PeerLinks;
use crate::raft::{NodeId, TypeConfig};

type RpcError = RPCError<NodeId, BasicNode, RaftError<NodeId>>;

/// The replicas of this process, by number, and the ways to those of others, by address. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Network {
    local: Arc<watch::Sender<HashMap<NodeId, LocalPeer>>>,
    /// One connection a replica: Raft asks for a way each time that it confirms its leadership.
    remote: Arc<Mutex<HashMap<String, RemotePeer>>>,
    links: PeerLinks,
}

impl Network {
    /// Nobody yet; those of other processes are reached by `links`.
    pub(crate) fn new(links: PeerLinks) -> Self {
        Self { links, ..Self::default() }
    }

    /// The way to other processes.
    pub(crate) fn links(&self) -> &PeerLinks {
        &self.links
    }

    /// Makes a replica of this process reachable.
    pub(crate) fn register(&self, id: NodeId, peer: LocalPeer) {
        self.local.send_modify(|local| drop(local.insert(id, peer)));
    }

    /// Makes a replica of this process unreachable.
    pub(crate) fn unregister(&self, id: NodeId) {
        self.local.send_modify(|local| drop(local.remove(&id)));
    }

    /// The way to the replica at `address`. Call it within a runtime that outlives the network.
    pub(super) fn remote(&self, address: &str) -> Result<RemotePeer, Status> {
        let mut remote = self.remote.lock();
        if let Some(peer) = remote.get(address) {
            return Ok(peer.clone());
        }
        let peer = RemotePeer::new(address, &self.links)?;
        remote.insert(address.to_owned(), peer.clone());
        Ok(peer)
    }
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Connection;

    async fn new_client(&mut self, target: NodeId, node: &BasicNode) -> Connection {
        let remote = (!node.addr.is_empty()).then(|| self.remote(&node.addr));
        Connection { network: self.clone(), target, remote }
    }
}

/// The way to one replica: within the process if it is there, else to its address.
pub(crate) struct Connection {
    network: Network,
    target: NodeId,
    remote: Option<Result<RemotePeer, Status>>,
}

enum Way<'a> {
    Local(LocalPeer),
    Remote(&'a RemotePeer),
}

impl Connection {
    /// The way, for a call that may take as long as `option` says. A replica that can only be in this
    /// process and is not there yet (the leader starts before the learner) is waited for.
    async fn way(&self, option: &RPCOption) -> Result<Way<'_>, Unreachable> {
        let registered = || self.network.local.borrow().get(&self.target).cloned();
        if let Some(peer) = registered() {
            return Ok(Way::Local(peer));
        }
        match &self.remote {
            Some(Ok(peer)) => return Ok(Way::Remote(peer)),
            Some(Err(e)) => return Err(Unreachable::new(e)),
            None => {}
        }
        let mut local = self.network.local.subscribe();
        let arrives = local.wait_for(|local| local.contains_key(&self.target));
        let _ = crate::runtime::timeout(option.soft_ttl(), arrives).await;
        registered().map(Way::Local).ok_or_else(|| {
            let text = format!("node {} is not in this process", self.target);
            Unreachable::new(&std::io::Error::new(std::io::ErrorKind::NotFound, text))
        })
    }

    fn answered<T>(&self, answer: Result<Answer<T>, Status>) -> Result<T, RpcError> {
        match answer {
            Ok(answer) => answer.map_err(|e| RPCError::RemoteError(RemoteError::new(self.target, e))),
            Err(e) => Err(RPCError::Unreachable(Unreachable::new(&e))),
        }
    }
}

impl RaftNetwork<TypeConfig> for Connection {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<NodeId>, RpcError> {
        let answer = match self.way(&option).await? {
            Way::Local(peer) => Ok(peer.append_entries(rpc, option.soft_ttl()).await),
            Way::Remote(peer) => peer.append_entries(&rpc).await,
        };
        self.answered(answer)
    }

    async fn vote(&mut self, rpc: VoteRequest<NodeId>, option: RPCOption) -> Result<VoteResponse<NodeId>, RpcError> {
        let answer = match self.way(&option).await? {
            Way::Local(peer) => Ok(peer.vote(rpc).await),
            Way::Remote(peer) => peer.vote(&rpc).await,
        };
        self.answered(answer)
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote<NodeId>,
        snapshot: Snapshot<TypeConfig>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<NodeId>, StreamingError<TypeConfig, Fatal<NodeId>>> {
        let way = self.way(&option).await.map_err(StreamingError::Unreachable)?;
        let install = async {
            match way {
                Way::Local(peer) => peer
                    .install_snapshot(vote, snapshot)
                    .await
                    .map_err(|e| StreamingError::Network(NetworkError::new(&e))),
                Way::Remote(peer) => peer
                    .install_snapshot(vote, snapshot)
                    .await
                    .map_err(|e| StreamingError::Unreachable(Unreachable::new(&e))),
            }
        };
        tokio::select! {
            installed = install => installed,
            closed = cancel => Err(StreamingError::Closed(closed)),
        }
    }

    fn backoff(&self) -> Backoff {
        const RETRY: std::time::Duration = std::time::Duration::from_millis(100);
        Backoff::new(std::iter::repeat(RETRY))
    }
}
