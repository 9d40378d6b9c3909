//! A columnar learner: in-memory log, columnar engine, Raft, on a runtime of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use deltatree_storage::config::Config;
use deltatree_storage::engine::Engine;
use deltatree_storage::error::ErrorKind;
use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::raft::{
    Applied, Backlog, Beside, ColumnarMachine, LearnerState, LocalPeer, MemoryLog, Network, NodeId, Raft,
    durable_index, raft_config,
};
use crate::runtime::{Favour, OwnRuntime};

/// What a learner is made of.
pub(crate) struct LearnerSetup {
    /// Its number.
    pub(crate) id: NodeId,
    /// Where the columns live. Created if absent, locked while open.
    pub(crate) dir: PathBuf,
    /// Sizes of the engine.
    pub(crate) engine: Config,
    /// Entry bytes that may wait to be applied before the leader pauses sending.
    pub(crate) backlog_bytes: u64,
    /// Where definitions and rows come from that are not in the log.
    pub(crate) beside: Beside,
    /// Threads for replication, and for those that it serves: see [`super::VoterSetup`].
    pub(crate) threads: usize,
}

/// A running learner.
pub(crate) struct ColumnarLearner {
    id: NodeId,
    raft: Raft,
    state: Arc<LearnerState>,
    peer: LocalPeer,
    network: Network,
    runtime: OwnRuntime,
}

impl ColumnarLearner {
    /// Opens the learner and makes it reachable. Builds tables that the engine lacks, so this may take
    /// long. Errors: `Locked`, `Io`.
    pub(crate) async fn open(setup: LearnerSetup, network: Network) -> Result<Self> {
        let runtime = OwnRuntime::start("learner", setup.threads, Favour::RELAY)?;
        let LearnerSetup { id, dir, engine, backlog_bytes, beside, .. } = setup;
        let peers = network.clone();
        let (raft, state, peer) = runtime
            .run(async move {
                let state = Arc::new(LearnerState {
                    engine: crate::runtime::blocking(|| Favour::BACKGROUND.inherited(|| open_engine(&dir, engine)))?,
                    log: MemoryLog::default(),
                    applied: watch::Sender::default(),
                    failed: watch::Sender::default(),
                    gc_life: watch::Sender::default(),
                });
                let opened = state.clone();
                let machine = crate::runtime::blocking(|| ColumnarMachine::open(opened, beside))?;
                let raft = Raft::new(id, raft_config()?, peers.clone(), state.log.clone(), machine)
                    .await
                    .map_err(|e| Error::Io { action: "start the learner", reason: e.to_string() })?;
                let backlog = EntryBacklog { state: state.clone(), limit: backlog_bytes };
                let peer = LocalPeer::new(raft.clone(), Some(Arc::new(backlog)));
                peers.register(id, peer.clone());
                Ok::<_, Error>((raft, state, peer))
            })
            .await??;
        Ok(Self { id, raft, state, peer, network, runtime })
    }

    /// A learner whose parts a simulation has put together.
    #[cfg(test)]
    pub(crate) fn simulated(id: NodeId, raft: Raft, state: Arc<LearnerState>, backlog_bytes: u64) -> Self {
        let backlog = EntryBacklog { state: state.clone(), limit: backlog_bytes };
        let peer = LocalPeer::new(raft.clone(), Some(Arc::new(backlog)));
        Self { id, raft, state, peer, network: Network::default(), runtime: OwnRuntime::none() }
    }

    /// The columns.
    pub(crate) fn engine(&self) -> &Engine {
        &self.state.engine
    }

    /// Runs a future beside the learner. It ends with the learner.
    pub(crate) async fn run<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        self.runtime.run(future).await
    }

    /// This replica, for other transports.
    pub(crate) fn peer(&self) -> LocalPeer {
        self.peer.clone()
    }

    /// The ways to other replicas.
    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// Where the leader listens, if one is known.
    pub(crate) fn leader_address(&self) -> Option<String> {
        let metrics = self.raft.server_metrics();
        let now = metrics.borrow();
        let node = now.membership_config.membership().get_node(&now.current_leader?)?;
        Some(node.addr.clone())
    }

    /// How far the log is applied and visible.
    pub(crate) fn applied(&self) -> Applied {
        *self.state.applied.borrow()
    }

    /// How long overwritten versions stay readable, if the group was told, as of what is applied.
    pub(crate) fn gc_life(&self) -> Option<Duration> {
        *self.state.gc_life.borrow()
    }

    /// Index of the entry that the learner would resume after.
    pub(crate) fn durable_index(&self) -> Option<u64> {
        durable_index(&self.state.engine)
    }

    /// Why applying has stopped, if it has.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.state.failed.borrow().clone()
    }

    /// Waits until the entry at `index` is applied and visible, at most `timeout`.
    pub(crate) async fn wait_applied(&self, index: u64, timeout: Duration) -> Result<()> {
        if self.applied().index >= index {
            return Ok(());
        }
        let mut applied = self.state.applied.subscribe();
        let mut failed = self.state.failed.subscribe();
        let late = || Error::Timeout {
            what: format!("the columnar learner to apply log entry {index}, it is at {}", self.applied().index),
            waited_ms: timeout.as_millis() as u64,
        };
        let wait = async {
            tokio::select! {
                applied = applied.wait_for(|a| a.index >= index) => applied.map(drop).map_err(|_| Error::Closed),
                failed = failed.wait_for(Option::is_some) => Err(failed.ok().and_then(|e| e.clone()).unwrap_or(Error::Closed)),
            }
        };
        crate::runtime::timeout(timeout, wait).await.map_err(|_| late())?
    }

    /// Stops and makes durable what is applied. Blocks on disk.
    pub(crate) async fn shutdown(&self) -> Result<()> {
        self.network.unregister(self.id);
        self.state.failed.send_replace(Some(Error::Closed));
        let stopped = self.raft.shutdown().await;
        let engine = self.state.engine.clone();
        crate::runtime::blocking(|| engine.flush())?;
        self.runtime.stop().await;
        stopped.map_err(|e| Error::Internal(format!("the learner failed while it stopped: {e}")))
    }
}

/// Entries that wait to be applied.
struct EntryBacklog {
    state: Arc<LearnerState>,
    limit: u64,
}

impl Backlog for EntryBacklog {
    fn is_full(&self) -> bool {
        self.state.log.unapplied_bytes() as u64 > self.limit
    }

    fn wait(&self) -> futures::future::BoxFuture<'_, ()> {
        let mut applied = self.state.applied.subscribe();
        Box::pin(async move {
            applied.mark_unchanged();
            if self.is_full() {
                // The sender lives in `self.state`.
                let _ = applied.changed().await;
            }
        })
    }
}

/// Opens the engine in `dir`. All that it holds can be built again from rows, so an empty directory takes
/// the place of one that an older version left, and of one too damaged to be opened, which is set aside
/// to be looked at.
fn open_engine(dir: &Path, config: Config) -> Result<Engine> {
    std::fs::create_dir_all(dir).map_err(Error::io("create the data directory"))?;
    let unusable = match Engine::open(dir, config.clone()) {
        Err(e) if matches!(e.kind(), ErrorKind::Corrupt | ErrorKind::Outdated) => e,
        opened => return Ok(opened?),
    };
    if unusable.kind() == ErrorKind::Outdated {
        tracing::info!(%unusable, "the columnar replica is built again from rows");
        std::fs::remove_dir_all(dir).map_err(Error::io("remove an outdated replica"))?;
    } else {
        let aside = dir.with_extension("damaged");
        tracing::error!(%unusable, aside = %aside.display(), "the columnar replica is built again from rows");
        if aside.exists() {
            std::fs::remove_dir_all(&aside).map_err(Error::io("remove an older damaged replica"))?;
        }
        std::fs::rename(dir, &aside).map_err(Error::io("set the damaged replica aside"))?;
    }
    std::fs::create_dir_all(dir).map_err(Error::io("create the data directory"))?;
    Ok(Engine::open(dir, config)?)
}
