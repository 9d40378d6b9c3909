//! The leader, seen from a front end.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use deltatree_proto::v1::{
    AllocateIdsRequest, CheckedChange, CommitTransaction, DefinitionsRequest, DropTableDataRequest, HoldRequest,
    KeepAliveRequest, LockKeysReply, LockKeysRequest, LockedKey, ReleaseLocksRequest, TimestampReply, TimestampRequest,
    UsedSchema,
};
use deltatree_storage::types::{TableId, Timestamp};

use super::finder::{Finder, Repeat};
use super::lockers::Lockers;
use super::replicas::Replicas;
use crate::catalog::CatalogSnapshot;
use crate::columnar::RemoteReplica;
use crate::error::{Error, Result};
use crate::group::GroupStatus;
use crate::grpc::PeerLinks;
use crate::leader::{ReaderGuard, Readers};
use crate::runtime::{Favour, OwnRuntime};
use crate::txn::{CommitRequest, LockedKeys, TxnId};

/// What a front end knows of its group at the start.
#[derive(Clone)]
pub(crate) struct RemoteSetup {
    /// Some of the voters, `host:port`.
    pub(crate) addresses: Vec<String>,
    /// Bytes that a transaction may hold.
    pub(crate) txn_bytes_limit: u64,
    /// The way to them.
    pub(crate) links: PeerLinks,
}

/// See the module.
pub(crate) struct RemoteLeader {
    /// Number of this front end; drawn at random, so that nobody has had it before.
    id: u64,
    pub(super) finder: Arc<Finder>,
    /// Who reads in this process.
    readers: Readers,
    definitions: ArcSwap<CatalogSnapshot>,
    /// The leader's, from its last answer to a sign of life.
    status: ArcSwap<GroupStatus>,
    next_txn: AtomicU64,
    lockers: Lockers,
    txn_bytes_limit: u64,
    replicas: Arc<Replicas>,
    /// Where connections live and signs of life are sent: queries must not delay them.
    runtime: Arc<OwnRuntime>,
}

/// Longest wait for an answer that takes the leader no time. Its wait for a majority is in it.
pub(super) const ATTEMPT: Duration = Duration::from_secs(12);
/// Longest wait for a commit: it may wait for locks, and then for a majority.
const COMMIT: Duration = Duration::from_secs(90);
/// Pause between two signs of life.
const ALIVE: Duration = Duration::from_secs(1);

impl RemoteLeader {
    /// Finds the leader and learns the definitions. Errors: `NotLeader`, `Invalid`, `Internal`.
    pub(crate) async fn connect(setup: RemoteSetup) -> Result<Arc<Self>> {
        const THREADS: usize = 1;
        let runtime = Arc::new(OwnRuntime::start("front-end", THREADS, Favour::RELAY)?);
        let RemoteSetup { addresses, txn_bytes_limit, links } = setup;
        let found_by = links.clone();
        let finder = Arc::new(runtime.run(async move { Finder::new(&addresses, found_by) }).await??);
        let leader = Arc::new(Self {
            id: RandomState::new().hash_one(std::process::id()),
            finder,
            readers: Readers::default(),
            definitions: ArcSwap::default(),
            status: ArcSwap::default(),
            next_txn: AtomicU64::new(1),
            lockers: Lockers::default(),
            txn_bytes_limit,
            replicas: Arc::new(Replicas::new(links, runtime.clone())),
            runtime,
        });
        leader.learn_definitions().await?;
        let first = leader.clone();
        leader.runtime.run(async move { first.say_alive().await }).await??;
        leader.replicas.watch()?;
        let alive = Arc::downgrade(&leader);
        leader.runtime.spawn(async move {
            loop {
                tokio::time::sleep(ALIVE).await;
                let Some(leader) = alive.upgrade() else { return };
                if let Err(e) = leader.say_alive().await {
                    tracing::warn!(error = %e, "the group does not hear this front end");
                }
            }
        })?;
        Ok(leader)
    }

    /// Where to run what others wait for.
    pub(super) fn runtime(&self) -> &OwnRuntime {
        &self.runtime
    }

    /// A columnar replica that answers, each in turn if there are several.
    pub(crate) fn columnar(&self) -> Option<Arc<RemoteReplica>> {
        self.replicas.next()
    }

    async fn say_alive(&self) -> Result<()> {
        let oldest_reader = self.readers.oldest().map(|ts| ts.0);
        let (sent, open_transactions) = self.lockers.all();
        let alive = KeepAliveRequest { front_end: self.id, oldest_reader, sent, open_transactions };
        let send = |mut client: super::finder::Client| {
            let alive = alive.clone();
            async move { client.keep_alive(alive).await }
        };
        let answer = self.finder.call(Repeat::Always, ATTEMPT, send).await?;
        let status: GroupStatus = postcard::from_bytes(&answer.status)
            .map_err(|e| Error::Internal(format!("the leader's status cannot be read: {e}")))?;
        let (voters, learners): (Vec<_>, Vec<_>) = answer.members.into_iter().partition(|member| member.voter);
        self.finder.learn(voters.into_iter().map(|member| member.address).collect());
        self.replicas.learn(learners.into_iter().map(|member| member.address).collect());
        self.status.store(Arc::new(status));
        Ok(())
    }

    /// The timestamp of an answer, once the definitions are as new as the leader's were.
    async fn answered(&self, answer: TimestampReply) -> Result<Timestamp> {
        if answer.definitions > self.definitions.load().version() {
            self.learn_definitions().await?;
        }
        Ok(Timestamp(answer.timestamp))
    }

    /// Makes the definitions as new as the leader's are.
    pub(crate) async fn learn_definitions(&self) -> Result<()> {
        let request = DefinitionsRequest { known: self.definitions.load().version() };
        let send = |mut client: super::finder::Client| async move { client.get_definitions(request).await };
        let answer = self.finder.call(Repeat::Always, ATTEMPT, send).await?;
        if answer.unchanged {
            return Ok(());
        }
        let entries = answer.entries.iter().map(|entry| (&entry.key, &entry.value));
        let learned = Arc::new(
            CatalogSnapshot::load(entries)
                .map_err(|e| Error::Corrupt { what: "definitions", reason: e.to_string() })?,
        );
        // Of two answers at once the newer one stays.
        self.definitions.rcu(|known| if learned.version() > known.version() { learned.clone() } else { known.clone() });
        Ok(())
    }

    /// The definitions learned last.
    pub(crate) fn catalog(&self) -> Arc<CatalogSnapshot> {
        self.definitions.load_full()
    }

    /// What the leader said of the group last.
    pub(crate) fn status(&self) -> GroupStatus {
        let progress = self.replicas.progress();
        GroupStatus {
            learner_applied: progress.as_ref().map(|p| p.applied),
            learner_durable: progress.map(|p| p.durable),
            oldest_reader: self.readers.oldest(),
            ..GroupStatus::clone(&self.status.load())
        }
    }

    /// Bytes that a transaction may hold.
    pub(crate) fn txn_bytes_limit(&self) -> u64 {
        self.txn_bytes_limit
    }

    pub(crate) fn new_txn_id(&self) -> TxnId {
        TxnId(self.next_txn.fetch_add(1, Ordering::Relaxed))
    }

    /// A timestamp at which everything acknowledged is visible.
    pub(crate) async fn read_ts(&self) -> Result<Timestamp> {
        let send = |mut client: super::finder::Client| async move { client.get_timestamp(TimestampRequest {}).await };
        let answer = self.finder.call(Repeat::Always, ATTEMPT, send).await?;
        self.answered(answer).await
    }

    /// A read timestamp, registered: the next sign of life tells the leader. Until then the GC life time
    /// protects it.
    pub(crate) async fn read_snapshot(&self) -> Result<ReaderGuard> {
        let ts = self.read_ts().await?;
        self.readers.register_at(|| Ok(ts))
    }

    /// Registers a reader at `ts`, once nothing at or below it can become visible any more.
    pub(crate) async fn register_reader(&self, ts: Timestamp) -> Result<ReaderGuard> {
        let guard = self.readers.register_at(|| Ok::<_, Error>(ts))?;
        let hold = HoldRequest { front_end: self.id, timestamp: ts.0 };
        let send = |mut client: super::finder::Client| async move { client.hold_timestamp(hold).await };
        let answer = self.finder.call(Repeat::Always, ATTEMPT, send).await?;
        self.answered(answer).await?;
        Ok(guard)
    }

    /// Locks keys for a transaction.
    pub(crate) async fn lock(&self, txn: TxnId, keys: &[Bytes], wait: Duration) -> Result<LockedKeys> {
        let request = LockKeysRequest {
            front_end: self.id,
            transaction: txn.0,
            keys: keys.to_vec(),
            wait_ms: wait.as_millis() as u64,
            sent: self.lockers.asks(txn.0),
        };
        let send = |mut client: super::finder::Client| {
            let request = request.clone();
            async move { client.lock_keys(request).await }
        };
        let LockKeysReply { timestamp, definitions, rows } =
            self.finder.call(Repeat::Always, wait + ATTEMPT, send).await?;
        let for_update_ts = self.answered(TimestampReply { timestamp, definitions }).await?;
        Ok(LockedKeys { for_update_ts, rows: rows.into_iter().map(|row| row.value).collect() })
    }

    /// Gives up all locks of a transaction, soon. If the leader cannot be told, it finds out by the next sign of
    /// life, or when this front end has been silent for too long.
    pub(crate) fn release_locks(self: &Arc<Self>, txn: TxnId) {
        self.lockers.ended(txn.0);
        let leader = self.clone();
        let released = self.runtime.spawn(async move {
            let release = ReleaseLocksRequest { front_end: leader.id, transaction: txn.0 };
            let send = |mut client: super::finder::Client| async move { client.release_locks(release).await };
            if let Err(e) = leader.finder.call(Repeat::Always, ATTEMPT, send).await {
                tracing::warn!(error = %e, "cannot release the locks of a transaction");
            }
        });
        if let Err(e) = released {
            tracing::debug!(error = %e, "the front end has ended, its locks end with its lease");
        }
    }

    /// Commits. Returns when the transaction is applied on the leader.
    pub(crate) async fn commit(&self, request: CommitRequest) -> Result<Timestamp> {
        let changes = request.mutations.into_iter().map(|m| CheckedChange {
            key: m.mutation.key,
            value: m.mutation.value,
            unchanged_since: m.unchanged_since.0,
            must_be_new: m.must_be_new,
        });
        let locked = request.locked.into_iter();
        let locked = locked.map(|l| LockedKey { key: l.key, unchanged_since: l.unchanged_since.0 });
        let commit = CommitTransaction {
            front_end: self.id,
            transaction: request.txn.0,
            start_timestamp: request.start_ts.0,
            changes: changes.collect(),
            schemas: request.schemas.iter().map(|&(table, version)| UsedSchema { table: table.0, version }).collect(),
            locked: locked.collect(),
        };
        let send = |mut client: super::finder::Client| {
            let commit = commit.clone();
            async move { client.commit(commit).await }
        };
        let answer = self.finder.call(Repeat::Never, COMMIT, send).await?;
        // The commit has happened, whatever becomes of the definitions: the next statement asks again.
        let commit_ts = Timestamp(answer.timestamp);
        if let Err(e) = self.answered(answer).await {
            tracing::warn!(error = %e, "cannot learn the definitions after a commit");
        }
        Ok(commit_ts)
    }

    /// See [`crate::LeaderGroup::allocate_ids`].
    pub(crate) async fn allocate_ids(&self, table: TableId, n: u64, at_least: Option<u64>) -> Result<u64> {
        let request = AllocateIdsRequest { table: table.0, count: n, at_least };
        let send = |mut client: super::finder::Client| async move { client.allocate_ids(request).await };
        // Ids that were handed out and not received are lost, which does no harm.
        Ok(self.finder.call(Repeat::Always, ATTEMPT, send).await?.first)
    }

    /// See [`crate::LeaderGroup::drop_table_data`].
    pub(crate) async fn drop_table_data(&self, table: TableId) -> Result<()> {
        let request = DropTableDataRequest { table: table.0 };
        let send = |mut client: super::finder::Client| async move { client.drop_table_data(request).await };
        self.finder.call(Repeat::Always, ATTEMPT, send).await.map(drop)
    }

    /// Ends connections and signs of life.
    pub(crate) async fn shutdown(&self) {
        self.runtime.stop().await;
    }
}
