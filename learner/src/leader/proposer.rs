//! Group commit: one task that turns waiting transactions into log entries.
//!
//! Raft syncs each entry to disk before it looks at the next one. So the proposer puts everything that
//! waits into one entry, proposes it, and while that entry is being synced gathers the next. It
//! proposes again as soon as the sync is over; replication and applying of the former entry then
//! overlap with the sync of the next.
//!
//! ```text
//! commits    a b c d e f g h i j
//! entry 1    [a]                      sync ▒▒▒ apply ▓
//! entry 2      [b c d]                         sync ▒▒▒ apply ▓
//! entry 3            [e f g h]                          sync ▒▒▒
//! ```
//!
//! Being the only task that proposes transactions, it makes the order rule hold: timestamps are drawn
//! under the leader's lock, and the entry is handed to Raft before any other is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deltatree_storage::types::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use super::Leader;
use super::services::LeaderState;
use crate::error::{Error, Result};
use crate::raft::{Command, CommitRecord};
use crate::tso::WindowExhausted;
use crate::txn::{Admission, CommitRequest, ProposalId};

/// A transaction that waits to be proposed.
pub(super) struct Submission {
    pub(super) request: CommitRequest,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// What became of it.
pub(super) enum Reply {
    /// It committed, or it did not.
    Done(Result<Timestamp>),
    /// Look the keys up in the row store and come again.
    CheckAgain(CommitRequest),
    /// Wait for the lock on the mutation's key and come again.
    Locked(CommitRequest, usize),
}

/// For the status.
#[derive(Default)]
pub(super) struct ProposerCounters {
    pub(super) proposals: AtomicU64,
    pub(super) commits: AtomicU64,
}

/// Bytes of transactions after which an entry is full.
const ENTRY_BYTES: usize = 4 << 20;
/// Entries in flight, at most.
const IN_FLIGHT: usize = 16;

/// An admitted transaction's timestamp and who waits for it.
type Admitted = (Timestamp, oneshot::Sender<Reply>);

/// An entry to propose.
struct Proposal {
    /// Of leadership.
    term: u64,
    id: ProposalId,
    records: Vec<CommitRecord>,
    admitted: Vec<Admitted>,
}

/// Serves until the leader stops.
pub(super) async fn run(leader: Arc<Leader>, queue: mpsc::Receiver<Submission>) {
    let mut proposer = Proposer {
        pipeline: Pipeline::new(leader.log.durable_commands()),
        progress: leader.progress.subscribe(),
        waiting: VecDeque::new(),
        queue,
        leader: leader.clone(),
    };
    tokio::select! {
        () = proposer.serve() => {}
        () = leader.stopped() => {}
    }
    proposer.queue.close();
    while let Some(submission) = proposer.waiting.pop_front().or_else(|| proposer.queue.try_recv().ok()) {
        let _ = submission.reply.send(Reply::Done(Err(Error::Closed)));
    }
}

struct Proposer {
    leader: Arc<Leader>,
    queue: mpsc::Receiver<Submission>,
    waiting: VecDeque<Submission>,
    pipeline: Pipeline,
    progress: watch::Receiver<u64>,
}

impl Proposer {
    async fn serve(&mut self) {
        loop {
            if self.waiting.is_empty() {
                match self.queue.recv().await {
                    Some(submission) => self.waiting.push_back(submission),
                    None => return,
                }
            }
            self.wait_for_the_pipeline().await;
            while let Ok(more) = self.queue.try_recv() {
                self.waiting.push_back(more);
            }
            self.progress.mark_unchanged();
            let before = self.waiting.len();
            let (proposal, window) = self.admit();
            let proposed = proposal.is_some();
            if let Some(proposal) = proposal {
                self.propose(proposal).await;
            }
            if let Some(window) = window {
                self.extend_window(window).await;
            } else if !proposed && self.waiting.len() == before {
                self.wait_for_news().await;
            }
        }
    }

    /// Waits until the last entry is durable, or nothing is in flight.
    async fn wait_for_the_pipeline(&mut self) {
        // Should a signal ever be missed, this much time is lost.
        const GUARD: Duration = Duration::from_millis(100);
        loop {
            self.progress.mark_unchanged();
            let in_flight = self.leader.state.lock().term.as_ref().map_or(0, |led| led.sequencer.in_flight());
            if self.pipeline.is_open(in_flight) {
                return;
            }
            tokio::select! {
                _ = self.pipeline.durable.changed() => {}
                _ = self.progress.changed() => {}
                () = crate::runtime::sleep(GUARD) => {}
            }
        }
    }

    /// Everything that waits is held back: by something in flight, which will finish.
    async fn wait_for_news(&mut self) {
        tokio::select! {
            _ = self.progress.changed() => {}
            more = self.queue.recv() => if let Some(more) = more {
                self.waiting.push_back(more);
            }
        }
    }

    /// Decides about what waits, in order, until an entry is full.
    fn admit(&mut self) -> (Option<Proposal>, Option<WindowExhausted>) {
        let now_ms = self.leader.clock.now_ms();
        let catalog = self.leader.voter.catalog();
        let version = |table| catalog.table_by_id(table).map(|t| t.schema_version);
        let mut state = self.leader.state.lock();
        let LeaderState { term, locks, .. } = &mut *state;
        let Some(led) = term else {
            drop(state);
            for submission in self.waiting.drain(..) {
                let _ = submission.reply.send(Reply::Done(Err(self.leader.not_leader())));
            }
            return (None, None);
        };
        let mut records = Vec::new();
        let mut admitted: Vec<Admitted> = Vec::new();
        let mut held = VecDeque::new();
        let mut bytes = 0;
        let mut window = None;
        while bytes < ENTRY_BYTES
            && let Some(submission) = self.waiting.pop_front()
        {
            if submission.reply.is_closed() {
                continue;
            }
            let Submission { request, reply } = submission;
            match led.sequencer.admit(&request, locks, version, now_ms) {
                Admission::Admitted(commit_ts) => {
                    bytes += request.size();
                    records.push(record(request, commit_ts));
                    admitted.push((commit_ts, reply));
                }
                Admission::Hold => held.push_back(Submission { request, reply }),
                Admission::Window(exhausted) => {
                    window = Some(exhausted);
                    self.waiting.push_front(Submission { request, reply });
                    break;
                }
                Admission::Locked { mutation } => drop(reply.send(Reply::Locked(request, mutation))),
                Admission::CheckAgain => drop(reply.send(Reply::CheckAgain(request))),
                Admission::Rejected(e) => drop(reply.send(Reply::Done(Err(e)))),
            }
        }
        while let Some(submission) = held.pop_back() {
            self.waiting.push_front(submission);
        }
        let proposal = led.sequencer.seal().map(|id| Proposal { term: led.term, id, records, admitted });
        (proposal, window)
    }

    async fn propose(&mut self, proposal: Proposal) {
        let Proposal { term, id, records, admitted } = proposal;
        let leader = self.leader.clone();
        leader.counters.proposals.fetch_add(1, Ordering::Relaxed);
        leader.counters.commits.fetch_add(records.len() as u64, Ordering::Relaxed);
        self.pipeline.sent();
        match leader.raft.client_write_ff(Command::Commits(Arc::new(records))).await {
            Ok(outcome) => {
                crate::runtime::spawn(async move {
                    let failed = match outcome.await {
                        Ok(Ok(_)) => None,
                        Ok(Err(e)) => Some(e.to_string()),
                        Err(_) => Some("the voter stopped".into()),
                    };
                    leader.finish((term, id), admitted, failed.map(Error::OutcomeUnknown));
                });
            }
            Err(e) => {
                let error = leader.fatal(&e);
                leader.finish((term, id), admitted, Some(error));
            }
        }
    }

    async fn extend_window(&mut self, window: WindowExhausted) {
        let extended = self.leader.extend_window(window).await;
        if let Err(e) = extended {
            for submission in self.waiting.drain(..) {
                let _ = submission.reply.send(Reply::Done(Err(e.clone())));
            }
        }
    }
}

fn record(request: CommitRequest, commit_ts: Timestamp) -> CommitRecord {
    let mutations = request.mutations.into_iter().map(|m| m.mutation).collect();
    CommitRecord { start_ts: request.start_ts, commit_ts, mutations }
}

impl Leader {
    /// An entry was applied, or failed.
    fn finish(&self, (term, id): (u64, ProposalId), admitted: Vec<Admitted>, failed: Option<Error>) {
        match &mut self.state.lock().term {
            // What failed may still be applied, by this leader or a later one: it stays in flight, so that no
            // timestamp above it is given out, until the term ends. It is over, or nothing would have failed.
            Some(led) if led.term == term && failed.is_none() => led.sequencer.finish(id),
            // The sequencer that knew the proposal is gone.
            Some(_) | None => {}
        }
        self.notify_progress();
        for (commit_ts, reply) in admitted {
            // Whoever has stopped waiting needs no answer.
            let _ = reply.send(Reply::Done(failed.clone().map_or(Ok(commit_ts), Err)));
        }
    }
}

/// When to propose next.
struct Pipeline {
    /// Counts entries with a command that the log has made durable.
    durable: watch::Receiver<u64>,
    /// What it must show before the last proposal is known to be durable.
    expected: u64,
}

impl Pipeline {
    fn new(durable: watch::Receiver<u64>) -> Self {
        Self { durable, expected: 0 }
    }

    fn is_open(&mut self, in_flight: usize) -> bool {
        let durable = *self.durable.borrow_and_update();
        in_flight == 0 || (in_flight < IN_FLIGHT && durable >= self.expected)
    }

    /// Other commands may become durable in between; then the next proposal comes a little early.
    fn sent(&mut self) {
        self.expected = self.expected.max(*self.durable.borrow()) + 1;
    }
}
