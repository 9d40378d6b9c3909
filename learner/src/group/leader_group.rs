//! The facade that sessions work with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deltatree_storage::engine::Engine;
use deltatree_storage::types::{TableId, Timestamp};
use openraft::BasicNode;

use super::GroupStatus;
use super::maintenance::Maintenance;
use crate::catalog::CatalogSnapshot;
use crate::config::GroupConfig;
use crate::error::Result;
use crate::leader::{Leader, LeaderLimits, ReaderGuard};
use crate::raft::{Beside, Network, NodeId};
use crate::replica::{ColumnarLearner, LearnerSetup, Voter, VoterRows, VoterSetup};
use crate::row_store::RowReader;
use crate::txn::{Transaction, TxnOptions};

/// What a read gate waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateReport {
    /// Log index that the columnar learner had to have applied.
    pub position: u64,
    /// How long that took.
    pub waited: Duration,
}

/// A leader group of one voter and one columnar learner in this process. Clones share it.
///
/// Must be opened and used within a tokio runtime. Replication runs on runtimes of its own, so that
/// neither queries nor a slow learner hold up commits.
#[derive(Clone)]
pub struct LeaderGroup {
    inner: Arc<Inner>,
}

struct Inner {
    voter: Voter,
    learner: Arc<ColumnarLearner>,
    maintenance: Maintenance,
}

/// The only voter of the group.
const VOTER: NodeId = 1;
/// The columnar learner.
const LEARNER: NodeId = 2;

impl LeaderGroup {
    /// Opens or creates the group in `config.data_dir` and waits until it leads.
    ///
    /// Errors: `Locked` if another process has the directory, `Io`, `Corrupt`, `Invalid`, `Timeout`.
    pub async fn open(config: GroupConfig) -> Result<Self> {
        config.validate()?;
        let network = Network::default();
        let setup = VoterSetup {
            id: VOTER,
            dir: config.data_dir.clone(),
            row_cache_bytes: config.row_cache_bytes,
            clock: config.clock.clone(),
            limits: LeaderLimits {
                txn_bytes: config.txn_bytes_limit,
                disk_reserve_bytes: config.disk_reserve_bytes,
                ..LeaderLimits::default()
            },
        };
        let voter = Voter::open(setup, network.clone()).await?;
        voter.form_group([(VOTER, BasicNode::default())].into()).await?;
        voter.elect().await?;
        voter.leader().wait_until_leading(config.start_timeout).await?;
        // From here on the voter has applied everything that was ever committed, so its definitions are
        // at least as new as what the columnar engine holds.
        let state = voter.leader().voter().clone();
        let setup = LearnerSetup {
            id: LEARNER,
            dir: config.data_dir.join("columnar"),
            engine: config.columnar.clone(),
            backlog_bytes: config.learner_backlog_bytes,
            beside: Beside::Voter {
                at: state.applied().commit_ts,
                catalog: state.catalog(),
                rows: Arc::new(VoterRows(state)),
            },
        };
        let learner = Arc::new(ColumnarLearner::open(setup, network).await?);
        voter.leader().add_learner(LEARNER, BasicNode::default()).await?;
        let maintenance = Maintenance::start(&config, voter.leader().clone(), learner.clone())?;
        Ok(Self { inner: Arc::new(Inner { voter, learner, maintenance }) })
    }

    fn leader(&self) -> &Arc<Leader> {
        self.inner.voter.leader()
    }

    /// A timestamp at which every commit acknowledged so far is visible, to rows at once and to the
    /// columnar engine after [`LeaderGroup::read_gate`]. Nothing else will become visible at it.
    ///
    /// Register it ([`LeaderGroup::begin`] does, [`LeaderGroup::read_snapshot`] does) if it is to be
    /// read at for longer than the GC life time. Errors: `NotLeader`, `Timeout`, `Closed`.
    pub async fn timestamp(&self) -> Result<Timestamp> {
        self.leader().read_ts().await
    }

    /// A timestamp as from [`LeaderGroup::timestamp`] that stays readable while the guard lives.
    pub async fn read_snapshot(&self) -> Result<ReaderGuard> {
        self.leader().read_snapshot().await
    }

    /// Keeps `ts` readable while the guard lives. Errors: `SnapshotTooOld`.
    pub fn register_reader(&self, ts: Timestamp) -> Result<ReaderGuard> {
        self.leader().register_reader(ts)
    }

    /// Begins a transaction. Errors: `NotLeader`, `Timeout`, `Closed`; `SnapshotTooOld` and `Invalid`
    /// (a timestamp in the future) for a fixed `read_ts`.
    pub async fn begin(&self, options: TxnOptions) -> Result<Transaction> {
        self.leader().begin(options).await
    }

    /// Reads rows at timestamps.
    pub fn reader(&self) -> RowReader {
        self.leader().reader()
    }

    /// The newest definitions applied on the leader.
    pub fn catalog(&self) -> Arc<CatalogSnapshot> {
        self.leader().voter().catalog()
    }

    /// The columnar engine. Take snapshots of it after [`LeaderGroup::read_gate`].
    pub fn columnar(&self) -> &Engine {
        self.inner.learner.engine()
    }

    /// Waits until the columnar engine has applied every commit at or below `ts`, at most `timeout`.
    /// After that `columnar().snapshot(table, ts)` sees them all. Cancel by dropping.
    ///
    /// Errors: `Timeout` (the learner is behind), `NotLeader`, `Closed`, `Invalid` (a timestamp in the
    /// future), and the learner's own error if it has stopped.
    pub async fn read_gate(&self, ts: Timestamp, timeout: Duration) -> Result<GateReport> {
        let begun = Instant::now();
        let position = self.leader().read_index(ts, timeout).await?;
        let left = timeout.saturating_sub(begun.elapsed());
        self.inner.learner.wait_applied(position, left).await?;
        Ok(GateReport { position, waited: begun.elapsed() })
    }

    /// Hands out `n` consecutive ids of a table: `AUTO_INCREMENT` values or hidden row ids. Returns the
    /// first, which is at or above `at_least` and above all handed out before; no id is ever handed out
    /// twice, over restarts too. With `n` = 0 it only pushes the counter to `at_least` (call it with
    /// the value after an explicitly inserted one). Mostly served from memory.
    /// Errors: `NotLeader`, `Timeout`, `Closed`, `OutcomeUnknown`, `Invalid` (no ids left).
    pub async fn allocate_ids(&self, table: TableId, n: u64, at_least: Option<u64>) -> Result<u64> {
        self.leader().allocate_ids(table, n, at_least).await
    }

    /// Removes the rows of a dropped table from all replicas. Call it after the commit that dropped its
    /// definition. Errors: `NotLeader`, `Timeout`, `Closed`.
    pub async fn drop_table_data(&self, table: TableId) -> Result<()> {
        self.leader().drop_table_data(table).await
    }

    /// Nothing below this timestamp can be read.
    pub fn safe_point(&self) -> Timestamp {
        self.leader().safe_point()
    }

    /// A look at the group's state.
    pub fn status(&self) -> GroupStatus {
        let leader = self.leader();
        let metrics = leader.raft().metrics().borrow().clone();
        let (proposals, commits) = leader.proposed();
        GroupStatus {
            leader: metrics.current_leader,
            term: metrics.current_term,
            last_log: metrics.last_log_index,
            purged: metrics.purged.map(|l| l.index),
            voter_applied: Some(leader.voter().applied().index),
            learner_applied: Some(self.inner.learner.applied().index),
            learner_durable: self.inner.learner.durable_index(),
            learner_error: self.inner.learner.failure().map(|e| e.to_string()),
            safe_point: leader.safe_point(),
            oldest_reader: leader.readers().oldest(),
            proposals,
            commits,
            log_syncs: leader.log().syncs(),
            row_disk_bytes: leader.voter().store.disk_bytes(),
        }
    }

    /// Stops: no new commits, what is under way ends, the engines flush. Other clones get `Closed`
    /// from here on. The data directory is free when all clones, readers and transactions are dropped.
    pub async fn shutdown(&self) -> Result<()> {
        crate::runtime::blocking(|| self.inner.maintenance.stop());
        // The voter first: then nothing more comes, and what the learner has is flushed.
        let voter = self.inner.voter.shutdown().await;
        let learner = self.inner.learner.shutdown().await;
        voter.and(learner)
    }
}
