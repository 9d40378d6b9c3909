//! The facade that sessions work with.

use std::sync::Arc;
use std::time::Duration;

use deltatree_storage::pack::PackRows;
use deltatree_storage::types::{TableId, Timestamp};
use openraft::BasicNode;

use super::GroupStatus;
use crate::access::{LeaderAccess, RowReader};
use crate::catalog::{CatalogSnapshot, TableInfo};
use crate::columnar::ColumnarReplica;
use crate::config::GroupConfig;
use crate::error::{Error, Result};
use crate::grpc::PeerLinks;
use crate::leader::{LeaderLimits, ReaderGuard};
use crate::maintenance::Maintenance;
use crate::raft::{Beside, Network, NodeId};
use crate::remote::{RemoteLeader, RemoteSetup};
use crate::replica::{ColumnarLearner, LearnerSetup, Voter, VoterRows, VoterSetup};
use crate::row_store::FillRun;
use crate::txn::{Transaction, TxnOptions};

/// What a read gate waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateReport {
    /// Log index that the columnar learner had to have applied.
    pub position: u64,
    /// How long that took.
    pub waited: Duration,
}

/// The leader group. Clones share it.
///
/// Must be opened and used within a tokio runtime. Replication runs on runtimes of its own, so that
/// neither queries nor a slow learner hold up commits.
#[derive(Clone)]
pub struct LeaderGroup {
    inner: Arc<Inner>,
}

struct Inner {
    leader: LeaderAccess,
    /// What of the group is in this process.
    replicas: Option<Replicas>,
}

struct Replicas {
    voter: Voter,
    learner: Arc<ColumnarLearner>,
    maintenance: Maintenance,
}

/// Where a group in other processes is.
#[derive(Clone)]
pub struct RemoteGroupConfig {
    /// Some of its voters, `host:port`. The others are found.
    pub addresses: Vec<String>,
    /// Bytes of keys and values that a transaction may hold.
    pub txn_bytes_limit: u64,
    /// The way to them.
    pub links: PeerLinks,
}

/// The only voter of a group in one process.
const VOTER: NodeId = 1;
/// The columnar learner beside it.
const LEARNER: NodeId = 2;

impl LeaderGroup {
    /// Opens or creates a group of one voter and one columnar learner in `config.data_dir` and waits until
    /// it leads.
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
            threads: 1,
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
            threads: 1,
        };
        let learner = Arc::new(ColumnarLearner::open(setup, network).await?);
        voter.leader().add_learner(LEARNER, BasicNode::default()).await?;
        let maintenance = Maintenance::start(&config, voter.leader().clone(), learner.clone())?;
        let leader = LeaderAccess::Here(voter.leader().clone());
        Ok(Self { inner: Arc::new(Inner { leader, replicas: Some(Replicas { voter, learner, maintenance }) }) })
    }

    /// A group whose voters and columnar replicas are in other processes. Waits until a voter leads, for
    /// some time. Nothing of it is kept here but the definitions.
    ///
    /// Errors: `NotLeader` if no leader was found, `Invalid` if an address is none.
    pub async fn connect(config: RemoteGroupConfig) -> Result<Self> {
        let RemoteGroupConfig { addresses, txn_bytes_limit, links } = config;
        let leader = RemoteLeader::connect(RemoteSetup { addresses, txn_bytes_limit, links }).await?;
        Ok(Self { inner: Arc::new(Inner { leader: LeaderAccess::There(leader), replicas: None }) })
    }

    fn leader(&self) -> &LeaderAccess {
        &self.inner.leader
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

    /// Keeps `ts` readable while the guard lives. Errors: `SnapshotTooOld`, `NotLeader`.
    pub async fn register_reader(&self, ts: Timestamp) -> Result<ReaderGuard> {
        self.leader().register_reader(ts).await
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

    /// The newest definitions known in this process: those applied on a leader that is here, otherwise
    /// those learned last. Every timestamp, lock and commit brings news of them.
    pub fn catalog(&self) -> Arc<CatalogSnapshot> {
        self.leader().catalog()
    }

    /// Makes [`LeaderGroup::catalog`] show every schema change acknowledged so far, those made through
    /// other front ends included. Costs nothing if the leader is in this process, otherwise a round trip.
    /// Errors: `NotLeader`.
    pub async fn learn_definitions(&self) -> Result<()> {
        self.leader().learn_definitions().await
    }

    /// A columnar replica: the one in this process, or one of those elsewhere that answer. Read all tables
    /// of a query from the same, after its [`ColumnarReplica::read_gate`].
    pub fn columnar(&self) -> Option<ColumnarReplica> {
        match (&self.inner.replicas, self.leader()) {
            (Some(Replicas { voter, learner, .. }), _) => {
                Some(ColumnarReplica::here(voter.leader().clone(), learner.clone()))
            }
            (None, LeaderAccess::There(leader)) => leader.columnar().map(ColumnarReplica::there),
            (None, LeaderAccess::Here(_)) => None,
        }
    }

    /// Waits until a columnar replica shows every commit at or below `ts`: see
    /// [`ColumnarReplica::read_gate`]. Errors: as that, and `Invalid` if there is none.
    pub async fn read_gate(&self, ts: Timestamp, timeout: Duration) -> Result<GateReport> {
        self.columnar().ok_or(Error::NoColumnarReplica)?.read_gate(ts, timeout).await
    }

    /// Hands out `n` consecutive ids of a table: `AUTO_INCREMENT` values or hidden row ids. Returns the
    /// first, which is at or above `at_least` and above all handed out before; no id is ever handed out
    /// twice, over restarts too. With `n` = 0 it only pushes the counter to `at_least` (call it with
    /// the value after an explicitly inserted one). Mostly served from the leader's memory.
    /// Errors: `NotLeader`, `Timeout`, `Closed`, `OutcomeUnknown`, `Invalid` (no ids left).
    pub async fn allocate_ids(&self, table: TableId, n: u64, at_least: Option<u64>) -> Result<u64> {
        self.leader().allocate_ids(table, n, at_least).await
    }

    /// Removes the rows of a dropped table from all replicas. Call it after the commit that dropped its
    /// definition. Errors: `NotLeader`, `Timeout`, `Closed`.
    pub async fn drop_table_data(&self, table: TableId) -> Result<()> {
        self.leader().drop_table_data(table).await
    }

    /// Writes a run of a hidden table (see [`crate::catalog::begin_import`]) into the row store, past the log:
    /// pairs of ascending keys, as rows committed at `ts`. They are there, durably, when this returns; if it
    /// fails, none of them is. Returns their number. Blocks: call it on a thread that may.
    /// Errors: those of `fill`, `DuplicateKey`, `DiskFull`, `Io`, `NotLeader`, `Closed`.
    pub fn ingest(&self, ts: Timestamp, fill: &mut FillRun<'_>) -> Result<u64> {
        self.leader().ingest(ts, fill)
    }

    /// Sees to it that a majority of the voters has all runs of a hidden table, whose rows were committed at
    /// `ts`, durably. Only then may the table appear. Errors: `NotLeader`, `Timeout`, `Closed`, `Io`.
    pub async fn seal(&self, staging: TableId, ts: Timestamp) -> Result<()> {
        self.leader().seal_runs(staging, ts).await
    }

    /// Builds the columns of a hidden table while its import runs, if a columnar replica is in this process:
    /// others, and this one if it is not asked, build them from the rows when the table appears. `packs` are
    /// the rows at `ts`, in key order. Returns whether they were taken. Durable when this returns. Blocks.
    ///
    /// Errors: those of the engine and of `packs`.
    pub fn build_columns(
        &self,
        table: &TableInfo,
        ts: Timestamp,
        packs: &mut dyn Iterator<Item = deltatree_storage::error::Result<PackRows>>,
    ) -> Result<bool> {
        let Some(Replicas { learner, .. }) = self.inner.replicas.as_ref().filter(|_| table.columnar) else {
            return Ok(false);
        };
        learner.engine().bulk_build(table.columnar_schema(), ts, packs)?;
        learner.engine().flush()?;
        Ok(true)
    }

    /// Drops what [`LeaderGroup::build_columns`] has built for an import that was given up. Errors: those of
    /// the engine.
    pub fn drop_columns(&self, staging: TableId) -> Result<()> {
        match &self.inner.replicas {
            Some(Replicas { learner, .. }) => Ok(learner.engine().drop_table(staging)?),
            None => Ok(()),
        }
    }

    /// Nothing below this timestamp can be read.
    pub fn safe_point(&self) -> Timestamp {
        self.status().safe_point
    }

    /// A look at the group's state. If the leader is in another process, as of a second ago.
    pub fn status(&self) -> GroupStatus {
        let leader = self.leader().status();
        let Some(Replicas { learner, .. }) = &self.inner.replicas else { return leader };
        GroupStatus {
            learner_applied: Some(learner.applied().index),
            learner_durable: learner.durable_index(),
            learner_error: learner.failure().map(|e| e.to_string()),
            ..leader
        }
    }

    /// Stops: no new commits, what is under way ends, the engines flush. Other clones get `Closed`
    /// from here on. The data directory is free when all clones, readers and transactions are dropped.
    pub async fn shutdown(&self) -> Result<()> {
        if let LeaderAccess::There(leader) = self.leader() {
            leader.shutdown().await;
        }
        let Some(Replicas { voter, learner, maintenance }) = &self.inner.replicas else { return Ok(()) };
        crate::runtime::blocking(|| maintenance.stop());
        // The voter first: then nothing more comes, and what the learner has is flushed.
        let voter = voter.shutdown().await;
        let learner = learner.shutdown().await;
        voter.and(learner)
    }
}
