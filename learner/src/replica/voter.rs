//! A voter: log, row store, Raft, and the leader's services for when it leads.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use openraft::BasicNode;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::leader::{Leader, LeaderLimits};
use crate::raft::{DurableLog, LocalPeer, Network, NodeId, Raft, VoterMachine, VoterState, raft_config};
use crate::row_store::RowStore;
use crate::runtime::{Favour, OwnRuntime};

/// What a voter is made of.
pub(crate) struct VoterSetup {
    /// Its number.
    pub(crate) id: NodeId,
    /// Where log and rows live. Created if absent, locked while open.
    pub(crate) dir: PathBuf,
    /// Block cache of the row store, in bytes.
    pub(crate) row_cache_bytes: u64,
    /// Physical time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Bounds of the leader's services.
    pub(crate) limits: LeaderLimits,
    /// Threads for replication, and for those that it serves: one if they are in this process, since handing
    /// tasks from thread to thread costs more than they do.
    pub(crate) threads: usize,
}

/// A running voter.
pub(crate) struct Voter {
    id: NodeId,
    leader: Arc<Leader>,
    network: Network,
    runtime: OwnRuntime,
}

impl Voter {
    /// Opens the voter and makes it reachable. It takes part in elections as far as it is a member.
    /// Blocks on disk. Errors: `Locked`, `Io`, `Corrupt`.
    pub(crate) async fn open(setup: VoterSetup, network: Network) -> Result<Self> {
        let runtime = OwnRuntime::start("voter", setup.threads, Favour::RELAY)?;
        let VoterSetup { id, dir, row_cache_bytes, clock, limits, .. } = setup;
        let peers = network.clone();
        let leader = runtime
            .run(async move {
                std::fs::create_dir_all(&dir).map_err(Error::io("create the data directory"))?;
                let store = Favour::BACKGROUND.inherited(|| RowStore::open(&dir.join("rows"), row_cache_bytes))?;
                let rows = store.clone();
                let log = Favour::BACKGROUND
                    .inherited(|| DurableLog::open(&dir.join("log"), move |index| rows.persist_upto(index)))?;
                let state = VoterState::load(store, peers.links().clone())?;
                let machine = VoterMachine::new(state.clone())?;
                let raft = Raft::new(id, raft_config()?, peers.clone(), log.clone(), machine)
                    .await
                    .map_err(|e| Error::Io { action: "start the voter", reason: e.to_string() })?;
                peers.register(id, LocalPeer::new(raft.clone(), None));
                Ok::<_, Error>(Leader::start(id, raft, log, state, clock, limits, &dir))
            })
            .await??;
        Ok(Self { id, leader, network, runtime })
    }

    /// Runs a future beside the voter. It ends with the voter.
    pub(crate) async fn run<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        self.runtime.run(future).await
    }

    /// The leader's services.
    pub(crate) fn leader(&self) -> &Arc<Leader> {
        &self.leader
    }

    /// Forms a group of these voters, unless this voter belongs to one already.
    pub(crate) async fn form_group(&self, voters: BTreeMap<NodeId, BasicNode>) -> Result<()> {
        let raft = self.leader.raft();
        let formed =
            raft.is_initialized().await.map_err(|e| Error::Io { action: "form the group", reason: e.to_string() })?;
        if !formed {
            raft.initialize(voters).await.map_err(|e| Error::Internal(format!("cannot form the group: {e}")))?;
        }
        Ok(())
    }

    /// Starts an election at once instead of after a while without a leader.
    pub(crate) async fn elect(&self) -> Result<()> {
        let elected = self.leader.raft().trigger().elect().await;
        elected.map_err(|e| Error::Io { action: "start an election", reason: e.to_string() })
    }

    /// Stops: no answer is given any more to anybody.
    pub(crate) async fn shutdown(&self) -> Result<()> {
        self.network.unregister(self.id);
        self.leader.stop();
        let stopped = self.leader.raft().shutdown().await;
        self.leader.voter().store.persist()?;
        self.runtime.stop().await;
        stopped.map_err(|e| Error::Internal(format!("the voter failed while it stopped: {e}")))
    }
}
