//! Waiting for locks.

use std::time::Duration;

use bytes::Bytes;
use deltatree_storage::types::Timestamp;
use tokio::sync::oneshot;

use super::Leader;
use crate::error::{Error, Result};
use crate::runtime::{Instant, now, sleep};
use crate::txn::{Acquire, TxnId};

impl Leader {
    /// Locks `keys`, one after the other, for `txn`. Returns a timestamp at which whatever former
    /// owners committed is visible.
    pub(crate) async fn lock(&self, txn: TxnId, keys: &[Bytes], wait: Duration) -> Result<Timestamp> {
        let deadline = now() + wait;
        // One order for everybody makes most deadlocks impossible.
        let mut sorted: Vec<&Bytes> = keys.iter().collect();
        sorted.sort_unstable();
        for key in sorted {
            self.lock_one(txn, key, deadline).await?;
        }
        let newest = self.newest_commit(keys)?;
        let left = (deadline - now()).max(Duration::from_secs(1));
        self.settle(newest, left).await?;
        self.read_ts().await
    }

    async fn lock_one(&self, txn: TxnId, key: &Bytes, deadline: Instant) -> Result<()> {
        let granted = {
            let mut state = self.state.lock();
            if state.term.is_none() {
                drop(state);
                return Err(self.not_leader());
            }
            match state.locks.acquire(txn, key) {
                Acquire::Granted => return Ok(()),
                Acquire::Deadlock => return Err(Error::Deadlock { key: key.clone() }),
                Acquire::Waiting => {
                    let (grant, granted) = oneshot::channel();
                    state.waiters.insert(txn, grant);
                    granted
                }
            }
        };
        // If this future is dropped while it waits, the place in the queue must not stay.
        let _queued = Queued { leader: self, txn };
        tokio::select! {
            granted = granted => granted.map_err(|_| self.not_leader()),
            () = sleep(deadline - now()) => Err(Error::LockWaitTimeout { key: key.clone() }),
            () = self.stopped() => Err(Error::Closed),
        }
    }

    /// The newest commit of any of the keys that memory knows of, which may still be in flight.
    fn newest_commit(&self, keys: &[Bytes]) -> Result<Timestamp> {
        let state = self.state.lock();
        let Some(led) = &state.term else {
            drop(state);
            return Err(self.not_leader());
        };
        Ok(keys.iter().filter_map(|k| led.sequencer.newest_commit_of(k)).max().unwrap_or_default())
    }

    /// Gives up all locks of `txn`.
    pub(crate) fn release_locks(&self, txn: TxnId) {
        let mut state = self.state.lock();
        for next in state.locks.release(txn) {
            if let Some(grant) = state.waiters.remove(&next) {
                // A waiter that has just given up releases the lock when its transaction ends.
                let _ = grant.send(());
            }
        }
    }
}

/// A place in a lock's queue.
struct Queued<'a> {
    leader: &'a Leader,
    txn: TxnId,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let mut state = self.leader.state.lock();
        state.waiters.remove(&self.txn);
        state.locks.cancel(self.txn);
    }
}
