//! The services of a voter that lead to somebody else if this voter does not lead.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use deltatree_storage::types::{TableId, Timestamp};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use super::confirm::Confirmations;
use super::disk_space::DiskSpace;
use super::ids::IdRanges;
use super::proposer::{ProposerCounters, Submission};
use super::{ReaderGuard, Readers};
use crate::clock::Clock;
use crate::codec::runs_complete_key;
use crate::error::{Error, Result};
use crate::group::GroupStatus;
use crate::raft::{Command, DurableLog, NodeId, Raft, VoterState};
use crate::row_store::{FillRun, StoreReader, Version};
use crate::runtime::Spawner;
use crate::tso::WindowExhausted;
use crate::txn::{LockTable, Sequencer, Settled, TxnId};

/// Bounds of the leader's services.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeaderLimits {
    /// Bytes of keys and values that a transaction may hold.
    pub(crate) txn_bytes: u64,
    /// Bytes of all transactions that are being committed.
    pub(crate) committing_bytes: usize,
    /// Longest wait for an entry to be replicated and applied.
    pub(crate) replication: Duration,
    /// Bytes of the disk that transactions do not get; by default a gibibyte.
    pub(crate) disk_reserve_bytes: Option<u64>,
}

impl Default for LeaderLimits {
    fn default() -> Self {
        Self {
            txn_bytes: 1 << 30,
            committing_bytes: 256 << 20,
            replication: Duration::from_secs(30),
            disk_reserve_bytes: None,
        }
    }
}

/// See the module. Shared by all sessions of the process.
pub(crate) struct Leader {
    pub(super) id: NodeId,
    pub(super) raft: Raft,
    pub(super) log: DurableLog,
    pub(super) voter: Arc<VoterState>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: LeaderLimits,
    pub(super) disk: DiskSpace,
    pub(super) state: Mutex<LeaderState>,
    /// Grows whenever something in flight has finished or leadership has changed.
    pub(super) progress: watch::Sender<u64>,
    pub(super) queue: mpsc::Sender<Submission>,
    pub(super) committing: Semaphore,
    pub(super) counters: ProposerCounters,
    pub(super) confirmations: Confirmations,
    /// Whether this voter is the only one, so that its leadership needs no confirmation.
    pub(super) alone: AtomicBool,
    pub(super) ids: IdRanges,
    window: tokio::sync::Mutex<()>,
    /// Held while members change.
    pub(super) membership: tokio::sync::Mutex<()>,
    pub(super) readers: Readers,
    next_txn: AtomicU64,
    pub(super) stopping: watch::Sender<bool>,
    /// Where the services run.
    runtime: Spawner,
}

/// What is decided under the leader's lock.
#[derive(Default)]
pub(super) struct LeaderState {
    /// The term that this voter leads, once it may serve.
    pub(super) term: Option<LedTerm>,
    pub(super) locks: LockTable,
    /// Who to tell when a waiting transaction owns its key.
    pub(super) waiters: HashMap<TxnId, oneshot::Sender<()>>,
}

/// A term of leadership.
pub(super) struct LedTerm {
    pub(super) term: u64,
    pub(super) sequencer: Sequencer,
}

impl Leader {
    /// Starts the services on the current runtime, for a voter that lives in `dir`. They serve once this voter leads.
    pub(crate) fn start(
        id: NodeId,
        raft: Raft,
        log: DurableLog,
        voter: Arc<VoterState>,
        clock: Arc<dyn Clock>,
        limits: LeaderLimits,
        dir: &Path,
    ) -> Arc<Self> {
        const QUEUE: usize = 8192;
        let (queue, submissions) = mpsc::channel(QUEUE);
        let (confirmations, confirm_requests) = Confirmations::new();
        let leader = Arc::new(Self {
            id,
            raft,
            log,
            voter,
            clock,
            limits,
            disk: DiskSpace::new(dir, limits.disk_reserve_bytes),
            state: Mutex::default(),
            progress: watch::Sender::new(0),
            queue,
            committing: Semaphore::new(limits.committing_bytes),
            counters: ProposerCounters::default(),
            confirmations,
            alone: AtomicBool::new(false),
            ids: IdRanges::default(),
            window: tokio::sync::Mutex::default(),
            membership: tokio::sync::Mutex::default(),
            readers: Readers::default(),
            next_txn: AtomicU64::new(1),
            stopping: watch::Sender::new(false),
            runtime: Spawner::here(),
        });
        crate::runtime::spawn(super::proposer::run(leader.clone(), submissions));
        crate::runtime::spawn(super::leadership::run(leader.clone()));
        crate::runtime::spawn(super::disk_space::watch(leader.clone()));
        crate::runtime::spawn(super::confirm::run(leader.clone(), confirm_requests));
        leader
    }

    /// Ends the services. What is queued fails with `Closed`.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Resolves when [`Leader::stop`] was called.
    pub(super) async fn stopped(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.stopping.subscribe().wait_for(|&stopping| stopping).await;
    }

    /// Whether [`Leader::stop`] was called.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// The error for a request that only the leader can serve.
    pub(super) fn not_leader(&self) -> Error {
        if self.is_stopping() {
            return Error::Closed;
        }
        let metrics = self.raft.metrics();
        let now = metrics.borrow();
        match &now.running_state {
            Err(e) => self.fatal(e),
            Ok(()) => Error::NotLeader { leader: now.current_leader.filter(|&l| l != self.id) },
        }
    }

    /// Waits until this voter leads and serves.
    pub(crate) async fn wait_until_leading(&self, timeout: Duration) -> Result<()> {
        let mut progress = self.progress.subscribe();
        let wait = async {
            while self.state.lock().term.is_none() {
                tokio::select! {
                    _ = progress.changed() => {}
                    () = self.stopped() => return Err(Error::Closed),
                }
            }
            Ok(())
        };
        let late = || Error::Timeout { what: "a leader".into(), waited_ms: timeout.as_millis() as u64 };
        crate::runtime::timeout(timeout, wait).await.map_err(|_| late())?
    }

    /// Whether this voter leads and serves.
    pub(crate) fn is_leading(&self) -> bool {
        self.state.lock().term.is_some()
    }

    /// Replicates a command that is no transaction.
    pub(super) async fn replicate(&self, command: Command) -> Result<()> {
        let write = self.raft.client_write(command);
        match crate::runtime::timeout(self.limits.replication, write).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(openraft::error::RaftError::APIError(_))) => Err(self.not_leader()),
            Ok(Err(openraft::error::RaftError::Fatal(e))) => Err(self.fatal(&e)),
            Err(_) => Err(self.unreplicated()),
        }
    }

    /// No majority answered in time.
    pub(super) fn unreplicated(&self) -> Error {
        Error::Timeout { what: "a majority of voters".into(), waited_ms: self.limits.replication.as_millis() as u64 }
    }

    /// What a stopped Raft means for a request that did not get in.
    pub(super) fn fatal(&self, e: &openraft::error::Fatal<NodeId>) -> Error {
        match e {
            openraft::error::Fatal::Stopped => Error::Closed,
            openraft::error::Fatal::StorageError(e) => {
                Error::Io { action: "replicate: the voter has stopped", reason: e.to_string() }
            }
            openraft::error::Fatal::Panicked => Error::Internal("the voter has panicked".into()),
        }
    }

    /// A timestamp at which everything acknowledged is visible in the row store.
    pub(crate) async fn read_ts(&self) -> Result<Timestamp> {
        self.confirm_leadership().await?;
        loop {
            match self.try_read_ts()? {
                Ok(ts) => return Ok(ts),
                Err(exhausted) => self.extend_window(exhausted).await?,
            }
        }
    }

    fn try_read_ts(&self) -> Result<Result<Timestamp, WindowExhausted>> {
        let now_ms = self.clock.now_ms();
        match &mut self.state.lock().term {
            Some(led) => Ok(led.sequencer.read_ts(now_ms)),
            None => Err(self.not_leader()),
        }
    }

    /// A read timestamp, registered.
    pub(crate) async fn read_snapshot(&self) -> Result<ReaderGuard> {
        enum Failed {
            Window(WindowExhausted),
            Other(Error),
        }
        self.confirm_leadership().await?;
        loop {
            let registered =
                self.readers.register_at(|| self.try_read_ts().map_err(Failed::Other)?.map_err(Failed::Window));
            match registered {
                Ok(guard) => return Ok(guard),
                Err(Failed::Window(exhausted)) => self.extend_window(exhausted).await?,
                Err(Failed::Other(e)) => return Err(e),
            }
        }
    }

    /// Registers a reader at `ts`.
    pub(crate) fn register_reader(&self, ts: Timestamp) -> Result<ReaderGuard> {
        self.readers.register_at(|| {
            let safe_point = self.safe_point();
            if ts < safe_point {
                return Err(Error::SnapshotTooOld { ts: ts.0, safe_point: safe_point.0 });
            }
            Ok(ts)
        })
    }

    /// Agrees on a later end of the oracle's window, once for all who ask at the same time.
    pub(super) async fn extend_window(&self, exhausted: WindowExhausted) -> Result<()> {
        let _one_at_a_time = self.window.lock().await;
        let now_ms = self.clock.now_ms();
        let (term, upto) = match &self.state.lock().term {
            None => return Err(self.not_leader()),
            Some(led) => match led.sequencer.wants_window(now_ms) {
                None => return Ok(()),
                Some(wanted) => (led.term, wanted.upto.max(exhausted.upto)),
            },
        };
        self.replicate(Command::TsoWindow { upto }).await?;
        match &mut self.state.lock().term {
            Some(led) if led.term == term => led.sequencer.extend_window(upto),
            // A later term has a window of its own.
            Some(_) | None => {}
        }
        Ok(())
    }

    /// Registers a reader at `ts`, once nothing at or below it can become visible any more.
    pub(crate) async fn snapshot_at(&self, ts: Timestamp) -> Result<ReaderGuard> {
        let guard = self.register_reader(ts)?;
        self.settle(ts, self.limits.replication).await?;
        Ok(guard)
    }

    /// A number that no transaction has had in this life.
    pub(crate) fn new_txn_id(&self) -> TxnId {
        TxnId(self.next_txn.fetch_add(1, Ordering::Relaxed))
    }

    /// Waits until every commit at or below `ts` is applied here and no other will ever come.
    pub(crate) async fn settle(&self, ts: Timestamp, timeout: Duration) -> Result<()> {
        let mut progress = self.progress.subscribe();
        let wait = async {
            loop {
                progress.mark_unchanged();
                match self.try_settled(ts)? {
                    Ok(Settled::Yes) => return Ok(()),
                    Ok(Settled::Future) => return Err(Error::Invalid(format!("timestamp {ts} is in the future"))),
                    Err(exhausted) => self.extend_window(exhausted).await?,
                    Ok(Settled::InFlight) => tokio::select! {
                        _ = progress.changed() => {}
                        () = self.stopped() => return Err(Error::Closed),
                    },
                }
            }
        };
        let late =
            || Error::Timeout { what: format!("commits below timestamp {ts}"), waited_ms: timeout.as_millis() as u64 };
        crate::runtime::timeout(timeout, wait).await.map_err(|_| late())?
    }

    fn try_settled(&self, ts: Timestamp) -> Result<Result<Settled, WindowExhausted>> {
        let now_ms = self.clock.now_ms();
        match &mut self.state.lock().term {
            Some(led) => Ok(led.sequencer.settled(ts, now_ms)),
            None => Err(self.not_leader()),
        }
    }

    /// Index that a replica must have applied to hold every commit at or below `ts`.
    pub(crate) async fn read_index(&self, ts: Timestamp, timeout: Duration) -> Result<u64> {
        self.confirm_leadership().await?;
        self.settle(ts, timeout).await?;
        Ok(self.voter.applied().index)
    }

    /// Removes a dropped table's rows from all replicas.
    pub(crate) async fn drop_table_data(&self, table_id: TableId) -> Result<()> {
        self.ids.forget(table_id);
        self.replicate(Command::DropTableData { table_id }).await
    }

    /// Writes a run of a hidden table; see [`crate::LeaderGroup::ingest`].
    pub(crate) fn ingest(&self, ts: Timestamp, fill: &mut FillRun<'_>) -> Result<u64> {
        if !self.is_leading() {
            return Err(self.not_leader());
        }
        self.voter.ingest(ts, &|| if self.is_stopping() { Err(Error::Closed) } else { self.disk.admit(false) }, fill)
    }

    /// Takes in a run that another process sends: rows with their times. A copy is taken by any voter.
    pub(crate) fn ingest_versions(
        &self,
        copy: bool,
        versions: &mut dyn Iterator<Item = Result<Version>>,
    ) -> Result<u64> {
        if !copy && !self.is_leading() {
            return Err(self.not_leader());
        }
        let admit = || if self.is_stopping() { Err(Error::Closed) } else { self.disk.admit(false) };
        self.voter.ingest_versions(&admit, versions)
    }

    /// See [`crate::LeaderGroup::seal`].
    pub(crate) async fn seal_runs(self: &Arc<Self>, table: TableId, ts: Timestamp) -> Result<()> {
        crate::runtime::blocking(|| {
            if self.voter.has_runs(table)? {
                return Ok(0);
            }
            self.ingest(ts, &mut |sink| sink.put(&runs_complete_key(table), &[]))
        })?;
        let voters: Vec<_> = self.members()?.into_iter().filter(|member| member.voter).collect();
        let others = voters.iter().filter(|member| member.id != self.id).map(|member| member.address.as_str());
        let mut have = 1;
        for address in others {
            // Whoever cannot take them now gets them when it applies the entry that makes them visible.
            match crate::remote::copy_runs(&self.voter, table, address).await {
                Ok(_) => have += 1,
                Err(e) => tracing::warn!(%table, address, error = %e, "a voter did not take an import's rows"),
            }
        }
        if have > voters.len() / 2 { Ok(()) } else { Err(self.unreplicated()) }
    }

    /// Purges the log up to `index`, as far as it is applied. Returns at once.
    pub(crate) fn purge_log(self: &Arc<Self>, index: u64) {
        let leader = self.clone();
        self.runtime.spawn(async move {
            // Only what a raft snapshot covers may go; a snapshot costs nothing here.
            let purged = async {
                leader.raft.trigger().snapshot().await?;
                leader.raft.trigger().purge_log(index).await
            };
            if let Err(e) = purged.await {
                tracing::warn!(error = %e, "cannot purge the log");
            }
        });
    }

    /// Reads rows of this voter.
    pub(crate) fn reader(&self) -> StoreReader {
        self.voter.store.reader()
    }

    /// Nothing below this can be read.
    pub(crate) fn safe_point(&self) -> Timestamp {
        self.voter.store.safe_point()
    }

    /// Bytes that a transaction may hold.
    pub(crate) fn txn_bytes_limit(&self) -> u64 {
        self.limits.txn_bytes
    }

    /// The voter's state.
    pub(crate) fn voter(&self) -> &Arc<VoterState> {
        &self.voter
    }

    /// The replica.
    pub(crate) fn raft(&self) -> &Raft {
        &self.raft
    }

    /// The log.
    pub(crate) fn log(&self) -> &DurableLog {
        &self.log
    }

    /// Active readers.
    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }

    /// What this voter says of the group.
    pub(crate) fn status(&self) -> GroupStatus {
        let metrics = self.raft.metrics().borrow().clone();
        GroupStatus {
            leader: metrics.current_leader,
            term: metrics.current_term,
            last_log: metrics.last_log_index,
            purged: metrics.purged.map(|l| l.index),
            voter_applied: Some(self.voter.applied().index),
            safe_point: self.safe_point(),
            oldest_reader: self.readers.oldest(),
            proposals: self.counters.proposals.load(Ordering::Relaxed),
            commits: self.counters.commits.load(Ordering::Relaxed),
            log_syncs: self.log.syncs(),
            row_disk_bytes: self.voter.store.disk_bytes(),
            ..GroupStatus::default()
        }
    }

    /// Whether no lock is held or waited for, and nothing is in flight.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        let in_flight = state.term.as_ref().map_or(0, |led| led.sequencer.in_flight());
        state.locks.is_empty() && state.waiters.is_empty() && in_flight == 0
    }

    /// Tells everybody who waits for progress.
    pub(super) fn notify_progress(&self) {
        self.progress.send_modify(|n| *n = n.wrapping_add(1));
    }
}
