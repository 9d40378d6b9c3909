//! Messages between nodes: late, lost, doubled and out of order, and cut off by partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use openraft::error::{Fatal, RPCError, RaftError, RemoteError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{Backoff, RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse};
use openraft::{BasicNode, OptionalSend, Snapshot, Vote};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::executor::{Executor, Life, WORLD, pause};
use crate::raft::{LocalPeer, NodeId, TypeConfig};

type RpcError = RPCError<NodeId, BasicNode, RaftError<NodeId>>;

/// What happens to messages, in thousandths and milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) delay_ms: u64,
}

impl Weather {
    pub(crate) const CALM: Self = Self { lost: 0, doubled: 0, delay_ms: 3 };
}

/// Clones are the same network.
#[derive(Clone)]
pub(crate) struct SimNetwork(Arc<Mutex<State>>);

struct State {
    peers: BTreeMap<NodeId, (Life, LocalPeer)>,
    /// From, to.
    cut: BTreeSet<(NodeId, NodeId)>,
    weather: Weather,
}

impl SimNetwork {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { peers: BTreeMap::new(), cut: BTreeSet::new(), weather: Weather::CALM })))
    }

    pub(crate) fn register(&self, id: NodeId, life: Life, peer: LocalPeer) {
        self.0.lock().peers.insert(id, (life, peer));
    }

    pub(crate) fn unregister(&self, id: NodeId) {
        let gone = self.0.lock().peers.remove(&id);
        drop(gone);
    }

    /// Nobody is reachable any more.
    pub(crate) fn clear(&self) {
        let gone = std::mem::take(&mut self.0.lock().peers);
        drop(gone);
    }

    /// Messages from one node to another are lost until [`SimNetwork::heal`].
    pub(crate) fn cut(&self, from: NodeId, to: NodeId) {
        self.0.lock().cut.insert((from, to));
    }

    /// Ends all partitions.
    pub(crate) fn heal(&self) {
        self.0.lock().cut.clear();
    }

    pub(crate) fn set_weather(&self, weather: Weather) {
        self.0.lock().weather = weather;
    }

    /// Takes a message's time. Returns whether it arrives.
    pub(crate) async fn travel(&self, from: NodeId, to: NodeId) -> bool {
        let (executor, _) = Executor::current().expect("messages are sent by tasks of the simulation");
        let (weather, cut) = {
            let state = self.0.lock();
            (state.weather, state.cut.contains(&(from, to)))
        };
        pause(executor.random(|r| r.between_ms(0, weather.delay_ms))).await;
        !cut && !executor.random(|r| r.chance(weather.lost))
    }
}

/// The way from one node to another.
pub(crate) struct Link {
    network: SimNetwork,
    from: NodeId,
    to: NodeId,
}

/// Makes the ways from one node.
pub(crate) struct Links {
    pub(crate) network: SimNetwork,
    pub(crate) from: NodeId,
}

impl RaftNetworkFactory<TypeConfig> for Links {
    type Network = Link;

    async fn new_client(&mut self, target: NodeId, _: &BasicNode) -> Link {
        Link { network: self.network.clone(), from: self.from, to: target }
    }
}

/// What a node does with a message.
type Endpoint<Q, A> = fn(LocalPeer, Q) -> BoxFuture<'static, A>;

impl Link {
    /// Sends a message and waits for the answer, forever if either is lost: Raft bounds its calls.
    async fn call<Q, A>(&self, message: Q, again: Option<Q>, endpoint: Endpoint<Q, A>) -> Result<A, Unreachable>
    where
        Q: Send + 'static,
        A: Send + 'static,
    {
        let (executor, _) = Executor::current().expect("messages are sent by tasks of the simulation");
        if !self.network.travel(self.from, self.to).await {
            return std::future::pending().await;
        }
        let (answer, answered) = oneshot::channel();
        let Some((life, peer)) = self.network.0.lock().peers.get(&self.to).cloned() else {
            let refused = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "the node is down");
            return Err(Unreachable::new(&refused));
        };
        let work = endpoint(peer, message);
        executor.spawn(life, async move {
            // Whoever has stopped waiting needs no answer.
            let _ = answer.send(work.await);
        });
        if let Some(again) = again {
            self.deliver_later(&executor, again, endpoint);
        }
        let Ok(answer) = answered.await else { return std::future::pending().await };
        if !self.network.travel(self.to, self.from).await {
            return std::future::pending().await;
        }
        Ok(answer)
    }

    /// The same message once more, to whoever is there by then.
    fn deliver_later<Q, A>(&self, executor: &Executor, message: Q, endpoint: Endpoint<Q, A>)
    where
        Q: Send + 'static,
        A: Send + 'static,
    {
        const LATE_MS: u64 = 3_000;
        let (network, to) = (self.network.clone(), self.to);
        let delay = executor.random(|r| r.between_ms(0, LATE_MS));
        let there = executor.clone();
        executor.spawn(WORLD, async move {
            pause(delay).await;
            let peer = network.0.lock().peers.get(&to).cloned();
            if let Some((life, peer)) = peer {
                let work = endpoint(peer, message);
                there.spawn(life, async move { drop(work.await) });
            }
        });
    }

    fn doubled<Q: Clone>(&self, message: &Q) -> Option<Q> {
        let (executor, _) = Executor::current()?;
        let odds = self.network.0.lock().weather.doubled;
        executor.random(|r| r.chance(odds)).then(|| message.clone())
    }

    #[allow(clippy::result_large_err, reason = "openraft's error types are what its traits return")]
    fn answered<T>(&self, answer: Result<Result<T, RaftError<NodeId>>, Unreachable>) -> Result<T, RpcError> {
        match answer {
            Ok(answer) => answer.map_err(|e| RPCError::RemoteError(RemoteError::new(self.to, e))),
            Err(e) => Err(RPCError::Unreachable(e)),
        }
    }
}

impl RaftNetwork<TypeConfig> for Link {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<NodeId>, RpcError> {
        let again = self.doubled(&rpc).map(|rpc| (rpc, option.soft_ttl()));
        let answer = self.call((rpc, option.soft_ttl()), again, |peer, (rpc, patience)| {
            Box::pin(async move { peer.append_entries(rpc, patience).await })
        });
        let answer = answer.await;
        self.answered(answer)
    }

    async fn vote(&mut self, rpc: VoteRequest<NodeId>, _: RPCOption) -> Result<VoteResponse<NodeId>, RpcError> {
        let again = self.doubled(&rpc);
        let answer = self.call(rpc, again, |peer, rpc| Box::pin(async move { peer.vote(rpc).await })).await;
        self.answered(answer)
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote<NodeId>,
        snapshot: Snapshot<TypeConfig>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<NodeId>, StreamingError<TypeConfig, Fatal<NodeId>>> {
        let sent = self.call((vote, snapshot), None, |peer, (vote, snapshot)| {
            Box::pin(async move { peer.install_snapshot(vote, snapshot).await })
        });
        // As long as Raft lets it take, but not longer than a lost message should hold up a test.
        let bounded = crate::runtime::timeout(option.soft_ttl().min(std::time::Duration::from_secs(5)), sent);
        tokio::select! {
            sent = bounded => match sent {
                Ok(Ok(Ok(answer))) => Ok(answer),
                Ok(Ok(Err(e))) => Err(StreamingError::Network(openraft::error::NetworkError::new(&e))),
                Ok(Err(e)) => Err(StreamingError::Unreachable(e)),
                Err(e) => {
                    let late = std::io::Error::new(std::io::ErrorKind::TimedOut, e.to_string());
                    Err(StreamingError::Unreachable(Unreachable::new(&late)))
                }
            },
            closed = cancel => Err(StreamingError::Closed(closed)),
        }
    }

    fn backoff(&self) -> Backoff {
        const RETRY: std::time::Duration = std::time::Duration::from_millis(100);
        Backoff::new(std::iter::repeat(RETRY))
    }
}
