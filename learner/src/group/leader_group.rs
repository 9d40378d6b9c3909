//! The facade that sessions work with.

use std::sync::Arc;
use std::time::Duration;

use deltatree_storage::types::{TableId, Timestamp};
use openraft::BasicNode;

use super::GroupStatus;
use crate::catalog::CatalogSnapshot;
use crate::config::GroupConfig;
use crate::error::Result;
use crate::leader::{Leader, LeaderLimits, ReaderGuard};
use crate::raft::{Network, NodeId};
use crate::replica::{Voter, VoterSetup};
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
}

/// The only voter of the group.
const VOTER: NodeId = 1;

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
            limits: LeaderLimits { txn_bytes: config.txn_bytes_limit, ..LeaderLimits::default() },
        };
        let voter = Voter::open(setup, network).await?;
        voter.form_group([(VOTER, BasicNode::default())].into()).await?;
        voter.elect().await?;
        voter.leader().wait_until_leading(config.start_timeout).await?;
        Ok(Self { inner: Arc::new(Inner { voter }) })
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
            learner_applied: None,
            learner_durable: None,
            learner_error: None,
            safe_point: leader.safe_point(),
            oldest_reader: leader.readers().oldest(),
            proposals,
            commits,
            log_syncs: leader.log().syncs(),
            row_disk_bytes: leader.voter().store.disk_bytes(),
        }
    }

    /// Stops: no new commits, what is under way ends, the engines flush. Other clones get `Closed`
    /// from here on. Returns when the data directory is free.
    pub async fn shutdown(&self) -> Result<()> {
        self.inner.voter.shutdown().await
    }
}
