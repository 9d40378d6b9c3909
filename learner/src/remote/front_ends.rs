//! What the leader holds for front ends in other processes, and until when.
//!
//! A front end says every second that it lives. One that falls silent, because it was killed or cut off,
//! loses its locks and its place among the readers after the lease. If it comes back it is as if its
//! transactions had never locked anything: they find out about conflicts when they commit.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deltatree_storage::types::Timestamp;
use parking_lot::Mutex;

use crate::leader::{Leader, ReaderGuard};
use crate::txn::TxnId;

/// How long a front end may be silent.
pub(super) const LEASE: Duration = Duration::from_secs(6);

/// The front ends that live.
pub(super) struct FrontEnds {
    leader: Arc<Leader>,
    open: Mutex<HashMap<u64, FrontEnd>>,
}

/// One of them.
struct FrontEnd {
    heard: Instant,
    /// Holds the oldest timestamp that it reads at.
    reads: Option<ReaderGuard>,
    /// Its transactions that may hold locks, by its own numbers.
    transactions: HashMap<u64, Locker>,
}

/// A transaction that may hold locks.
struct Locker {
    txn: TxnId,
    /// What its newest request for locks said of when it was sent.
    asked: u64,
}

impl FrontEnd {
    fn new() -> Self {
        Self { heard: Instant::now(), reads: None, transactions: HashMap::new() }
    }
}

impl FrontEnds {
    /// Nobody yet. Leases are looked after on the current runtime until the leader stops.
    pub(super) fn start(leader: Arc<Leader>) -> Arc<Self> {
        const LOOK: Duration = Duration::from_millis(500);
        let front_ends = Arc::new(Self { leader, open: Mutex::default() });
        let watched = front_ends.clone();
        tokio::spawn(async move {
            while !watched.leader.is_stopping() {
                tokio::time::sleep(LOOK).await;
                watched.end_silent(LEASE);
            }
        });
        front_ends
    }

    /// A front end lives, and reads at nothing older than `oldest`. Of its transactions that asked for locks before
    /// `sent`, only those in `open` have not ended.
    pub(super) fn heard(&self, front_end: u64, oldest: Option<Timestamp>, sent: u64, open: &[u64]) {
        // A timestamp that is too old cannot be held: whoever reads at it is told so.
        let reads = oldest.and_then(|ts| self.leader.register_reader(ts).ok());
        let mut ended = Vec::new();
        {
            let mut front_ends = self.open.lock();
            let front_end = front_ends.entry(front_end).or_insert_with(FrontEnd::new);
            front_end.heard = Instant::now();
            front_end.reads = reads;
            front_end.transactions.retain(|number, locker| {
                let lives = locker.asked > sent || open.contains(number);
                if !lives {
                    ended.push(locker.txn);
                }
                lives
            });
        }
        ended.into_iter().for_each(|txn| self.leader.release_locks(txn));
    }

    /// Keeps the timestamp of `reads` readable until the front end is heard of next.
    pub(super) fn hold(&self, front_end: u64, reads: ReaderGuard) {
        let mut open = self.open.lock();
        let front_end = open.entry(front_end).or_insert_with(FrontEnd::new);
        if front_end.reads.as_ref().is_none_or(|held| reads.ts() < held.ts()) {
            front_end.reads = Some(reads);
        }
    }

    /// The transaction under the leader's own number, to lock for. `asked`: what its request says of when it was
    /// sent.
    pub(super) fn transaction(&self, front_end: u64, number: u64, asked: u64) -> TxnId {
        let mut open = self.open.lock();
        let front_end = open.entry(front_end).or_insert_with(FrontEnd::new);
        let new = || Locker { txn: self.leader.new_txn_id(), asked };
        let locker = front_end.transactions.entry(number).or_insert_with(new);
        locker.asked = locker.asked.max(asked);
        locker.txn
    }

    /// The same, if it may hold locks.
    pub(super) fn known(&self, front_end: u64, number: u64) -> Option<TxnId> {
        self.open.lock().get(&front_end)?.transactions.get(&number).map(|locker| locker.txn)
    }

    /// A transaction has ended.
    pub(super) fn end(&self, front_end: u64, number: u64) {
        let ended = self.open.lock().get_mut(&front_end).and_then(|f| f.transactions.remove(&number));
        if let Some(locker) = ended {
            self.leader.release_locks(locker.txn);
        }
    }

    /// Lets go of what front ends hold that have been silent for longer than `lease`.
    fn end_silent(&self, lease: Duration) {
        let mut silent = Vec::new();
        self.open.lock().retain(|_, front_end| {
            let lives = front_end.heard.elapsed() <= lease;
            if !lives {
                silent.extend(front_end.transactions.drain().map(|(_, locker)| locker.txn));
            }
            lives
        });
        for txn in silent {
            self.leader.release_locks(txn);
        }
    }
}

/// A lock that is being waited for. If its transaction ends meanwhile, or the asker goes away, what was
/// granted is given back.
pub(super) struct Locking<'a> {
    pub(super) front_ends: &'a FrontEnds,
    pub(super) front_end: u64,
    pub(super) number: u64,
    pub(super) txn: TxnId,
}

impl Drop for Locking<'_> {
    fn drop(&mut self) {
        if self.front_ends.known(self.front_end, self.number) != Some(self.txn) {
            self.front_ends.leader.release_locks(self.txn);
        }
    }
}
