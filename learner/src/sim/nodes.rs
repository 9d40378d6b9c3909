//! The cluster: voters and columnar learners, real but for their disks, clocks, threads and network.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deltatree_storage::config::Config as EngineConfig;
use deltatree_storage::engine::Engine;
use deltatree_storage::file::{FaultPlan, FaultyStore};
use openraft::{BasicNode, Config};
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use super::clock::SimClock;
use super::disk::SimDisk;
use super::executor::{Executor, Life, WORLD, pause};
use super::history::History;
use super::invariants::crash_anywhere_then_reopen_equals_model as reopened;
use super::network::{Links, SimNetwork};
use super::row_source::RowsOfVoters;
use super::witness::Witness;
use crate::config::GroupConfig;
use crate::error::{Error, Result};
use crate::leader::{Leader, LeaderLimits};
use crate::maintenance::{LearnerCare, VoterCare};
use crate::raft::{
    Beside, ColumnarMachine, DurableLog, LearnerState, LocalPeer, MemoryLog, NodeId, Raft, VoterMachine, VoterState,
    raft_config,
};
use crate::replica::ColumnarLearner;
use crate::row_store::RowStore;

/// What a voter leaves behind when it crashes.
#[derive(Clone, Default)]
pub(crate) struct VoterDisks {
    pub(crate) log: SimDisk,
    pub(crate) rows: SimDisk,
}

/// The disks of all voters. Clones share them.
pub(crate) type Disks = Arc<Mutex<BTreeMap<NodeId, VoterDisks>>>;

/// A voter that runs.
#[derive(Clone)]
pub(crate) struct RunningVoter {
    pub(crate) life: Life,
    pub(crate) leader: Arc<Leader>,
}

/// A learner that runs.
#[derive(Clone)]
pub(crate) struct RunningLearner {
    pub(crate) life: Life,
    pub(crate) learner: Arc<ColumnarLearner>,
}

/// A columnar learner's place.
struct LearnerPlace {
    files: FaultyStore,
    running: Option<RunningLearner>,
}

/// Clones are the same cluster.
#[derive(Clone)]
pub(crate) struct Nodes(Arc<Inner>);

struct Inner {
    executor: Executor,
    history: History,
    network: SimNetwork,
    disks: Disks,
    voters: Mutex<BTreeMap<NodeId, Option<RunningVoter>>>,
    learners: Mutex<BTreeMap<NodeId, LearnerPlace>>,
    clocks: Mutex<BTreeMap<NodeId, Arc<SimClock>>>,
}

/// Where a node listens, as far as others are told.
pub(crate) fn address(id: NodeId) -> BasicNode {
    BasicNode { addr: format!("sim:{id}") }
}

/// How long old versions stay readable.
pub(crate) const GC_LIFE: Duration = Duration::from_secs(5);
/// Bytes that a learner may hold unapplied.
const BACKLOG_BYTES: u64 = 4 << 10;

impl Nodes {
    pub(crate) fn new(executor: Executor, history: History) -> Self {
        Self(Arc::new(Inner {
            executor,
            history,
            network: SimNetwork::new(),
            disks: Disks::default(),
            voters: Mutex::default(),
            learners: Mutex::default(),
            clocks: Mutex::default(),
        }))
    }

    pub(crate) fn executor(&self) -> &Executor {
        &self.0.executor
    }

    pub(crate) fn history(&self) -> &History {
        &self.0.history
    }

    pub(crate) fn network(&self) -> &SimNetwork {
        &self.0.network
    }

    /// A node's clock, which outlives it.
    pub(crate) fn clock(&self, id: NodeId) -> Arc<SimClock> {
        let new = || Arc::new(SimClock::new(self.0.executor.clone()));
        self.0.clocks.lock().entry(id).or_insert_with(new).clone()
    }

    /// All voters' numbers, whether they run or not.
    pub(crate) fn voter_ids(&self) -> Vec<NodeId> {
        self.0.voters.lock().keys().copied().collect()
    }

    /// The voters that run.
    pub(crate) fn running_voters(&self) -> Vec<(NodeId, RunningVoter)> {
        self.0.voters.lock().iter().filter_map(|(id, v)| Some((*id, v.clone()?))).collect()
    }

    /// The voter that believes to lead, if any; one of them if several do.
    pub(crate) fn leader(&self) -> Option<(NodeId, RunningVoter)> {
        let mut leading = self.running_voters();
        leading.retain(|(_, v)| v.leader.is_leading());
        if leading.is_empty() {
            return None;
        }
        Some(self.0.executor.random(|r| r.pick(&leading).clone()))
    }

    /// All learners' numbers.
    pub(crate) fn learner_ids(&self) -> Vec<NodeId> {
        self.0.learners.lock().keys().copied().collect()
    }

    /// A learner, if it runs.
    pub(crate) fn learner(&self, id: NodeId) -> Option<RunningLearner> {
        self.0.learners.lock().get(&id)?.running.clone()
    }

    /// Runs `work` in a node's process. `None` if that ends before.
    pub(crate) async fn within<R: Send + 'static>(
        &self,
        life: Life,
        work: impl Future<Output = R> + Send + 'static,
    ) -> Option<R> {
        let (done, result) = oneshot::channel();
        self.0.executor.spawn(life, async move {
            let _ = done.send(work.await);
        });
        result.await.ok()
    }

    fn raft_config(&self) -> Result<Arc<Config>> {
        let mut config = (*raft_config()?).clone();
        // Raft would draw from this range by a generator that the seed does not reach.
        let drawn = self.0.executor.random(|r| config.election_timeout_min + r.below(1_500));
        (config.election_timeout_min, config.election_timeout_max) = (drawn, drawn + 1);
        Ok(Arc::new(config))
    }

    fn group_config(&self, id: NodeId) -> GroupConfig {
        GroupConfig {
            gc_life: GC_LIFE,
            log_keep_bytes: 4 << 10,
            log_limit_bytes: 32 << 10,
            columnar_flush_interval: Duration::from_secs(3),
            clock: self.clock(id),
            ..GroupConfig::new("/simulated")
        }
    }

    /// Starts a voter on what its disks hold.
    pub(crate) async fn start_voter(&self, id: NodeId) -> Result<()> {
        let life = self.0.executor.begin_life();
        self.0.voters.lock().insert(id, None);
        let disks = self.0.disks.lock().entry(id).or_default().clone();
        let opened = self.within(life, self.clone().open_voter(id, life, disks)).await;
        let leader = opened.ok_or(Error::Closed)??;
        self.0.voters.lock().insert(id, Some(RunningVoter { life, leader }));
        Ok(())
    }

    async fn open_voter(self, id: NodeId, life: Life, disks: VoterDisks) -> Result<Arc<Leader>> {
        let store = RowStore::simulated(disks.rows)?;
        let rows = store.clone();
        let executor = self.0.executor.clone();
        let sync_time =
            move || executor.random(|r| if r.chance(20) { r.between_ms(20, 400) } else { r.between_ms(0, 4) });
        let log = DurableLog::simulated(disks.log, move |index| rows.persist_upto(index), sync_time)?;
        let state = VoterState::load(store, crate::grpc::PeerLinks::default())?;
        self.0.history.judge(reopened::check_voter(&self.0.history, id, &state));
        let watched = Witness {
            machine: VoterMachine::new(state.clone())?,
            node: id,
            history: self.0.history.clone(),
            disks: self.0.disks.clone(),
            next: None,
        };
        let links = Links { network: self.0.network.clone(), from: id };
        let raft = Raft::new(id, self.raft_config()?, links, log.clone(), watched)
            .await
            .map_err(|e| Error::Io { action: "start the voter", reason: e.to_string() })?;
        self.0.network.register(id, life, LocalPeer::new(raft.clone(), None));
        let limits = LeaderLimits {
            txn_bytes: 1 << 20,
            committing_bytes: 16 << 10,
            replication: Duration::from_secs(5),
            disk_reserve_bytes: Some(0),
        };
        let leader = Leader::start(id, raft, log, state, self.clock(id), limits, Path::new("/"));
        let mut care = VoterCare::new(self.group_config(id), leader.clone(), None);
        self.look_after(life, move || care.tick());
        Ok(leader)
    }

    /// What the product has threads for.
    fn look_after(&self, life: Life, mut tick: impl FnMut() -> Result<bool> + Send + 'static) {
        let this = self.clone();
        self.0.executor.spawn(life, async move {
            loop {
                pause(this.0.executor.random(|r| r.between_ms(50, 700))).await;
                if let Err(e) = tick() {
                    this.0.history.event(format!("background work failed: {e}"));
                }
            }
        });
    }

    /// Forms the group of all voters.
    pub(crate) async fn form_group(&self, by: NodeId) -> Result<()> {
        let members: BTreeMap<_, _> = self.voter_ids().into_iter().map(|id| (id, address(id))).collect();
        let voter = self.0.voters.lock().get(&by).cloned().flatten().ok_or(Error::Closed)?;
        let raft = voter.leader.raft().clone();
        let formed = self.within(voter.life, async move { raft.initialize(members).await });
        formed.await.ok_or(Error::Closed)?.map_err(|e| Error::Internal(format!("cannot form the group: {e}")))
    }

    /// Pulls a voter's plug. What was not synced is lost in part.
    pub(crate) fn crash_voter(&self, id: NodeId) {
        let running = self.0.voters.lock().get_mut(&id).and_then(Option::take);
        let Some(running) = running else { return };
        self.0.network.unregister(id);
        self.0.executor.kill(running.life);
        drop(running);
        let disks = self.0.disks.lock().get(&id).cloned().unwrap_or_default();
        for disk in [disks.log, disks.rows] {
            let kept = self.0.executor.random(|r| r.below(disk.unsynced() as u64 + 1));
            disk.crash(kept as usize);
        }
    }

    /// Takes a voter away for good, with its disks.
    pub(crate) fn scrap_voter(&self, id: NodeId) {
        self.crash_voter(id);
        self.0.voters.lock().remove(&id);
        self.0.disks.lock().remove(&id);
    }

    /// A place for a learner.
    pub(crate) fn add_learner_place(&self, id: NodeId) {
        let seed = self.0.executor.random(|r| r.next());
        let files = FaultyStore::new(seed, FaultPlan::default());
        self.0.learners.lock().insert(id, LearnerPlace { files, running: None });
    }

    /// Makes a learner's disk fail now and then.
    pub(crate) fn set_disk_faults(&self, id: NodeId, plan: FaultPlan) {
        if let Some(place) = self.0.learners.lock().get(&id) {
            place.files.set_plan(plan);
        }
    }

    /// Starts a learner on what its disk holds.
    pub(crate) async fn start_learner(&self, id: NodeId) -> Result<()> {
        let life = self.0.executor.begin_life();
        let files = self.0.learners.lock().get(&id).map(|p| p.files.clone()).ok_or(Error::Closed)?;
        let opened = self.within(life, self.clone().open_learner(id, life, files)).await.ok_or(Error::Closed)?;
        let learner = match opened {
            Ok(learner) => learner,
            Err(e) => {
                self.0.executor.kill(life);
                return Err(e);
            }
        };
        if let Some(place) = self.0.learners.lock().get_mut(&id) {
            place.running = Some(RunningLearner { life, learner });
        }
        Ok(())
    }

    async fn open_learner(self, id: NodeId, life: Life, files: FaultyStore) -> Result<Arc<ColumnarLearner>> {
        let config = EngineConfig { delta_memory_limit: 8 << 10, ..EngineConfig::tiny() };
        let state = Arc::new(LearnerState {
            engine: Engine::open_with(Arc::new(files), config)?,
            log: MemoryLog::default(),
            applied: watch::Sender::default(),
            failed: watch::Sender::default(),
            gc_life: watch::Sender::default(),
        });
        let rows = Arc::new(RowsOfVoters(self.clone()));
        let machine = ColumnarMachine::open(state.clone(), Beside::Elsewhere(rows))?;
        let applied = *state.applied.borrow();
        self.0.history.judge(reopened::check_learner(&self.0.history, id, &state.engine, applied));
        let watched =
            Witness { machine, node: id, history: self.0.history.clone(), disks: self.0.disks.clone(), next: None };
        let links = Links { network: self.0.network.clone(), from: id };
        let raft = Raft::new(id, self.raft_config()?, links, state.log.clone(), watched)
            .await
            .map_err(|e| Error::Io { action: "start the learner", reason: e.to_string() })?;
        let learner = Arc::new(ColumnarLearner::simulated(id, raft, state, BACKLOG_BYTES));
        self.0.network.register(id, life, learner.peer());
        let mut care = LearnerCare::new(self.group_config(id), learner.clone());
        self.look_after(life, move || care.tick());
        let merging = learner.clone();
        let history = self.0.history.clone();
        self.look_after(life, move || {
            let verdict = super::invariants::compaction_changes_no_answer::check(&history, merging.engine());
            history.judge(verdict);
            Ok(false)
        });
        Ok(learner)
    }

    /// Pulls a learner's plug.
    pub(crate) fn crash_learner(&self, id: NodeId) {
        let (running, files) = match self.0.learners.lock().get_mut(&id) {
            Some(place) => (place.running.take(), place.files.clone()),
            None => return,
        };
        let Some(running) = running else { return };
        self.0.network.unregister(id);
        self.0.executor.kill(running.life);
        drop(running);
        files.crash();
    }

    /// Takes a learner's disk away while it is down.
    pub(crate) fn scrap_columns(&self, id: NodeId) {
        let seed = self.0.executor.random(|r| r.next());
        if let Some(place) = self.0.learners.lock().get_mut(&id)
            && place.running.is_none()
        {
            place.files = FaultyStore::new(seed, FaultPlan::default());
        }
    }

    /// Ends everything.
    pub(crate) fn end(&self) {
        self.0.voters.lock().clear();
        self.0.learners.lock().clear();
        self.0.network.clear();
        self.0.executor.end();
    }
}

/// Runs `work` outside of all nodes.
pub(crate) fn in_world(executor: &Executor, work: impl Future<Output = ()> + Send + 'static) {
    executor.spawn(WORLD, work);
}
