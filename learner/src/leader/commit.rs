//! The way of one commit, as its own task sees it.

use std::sync::Arc;

use deltatree_storage::types::Timestamp;
use tokio::sync::oneshot;

use super::Leader;
use super::checks::{self, Depth};
use super::disk_space::frees_space;
use super::proposer::{Reply, Submission};
use crate::error::{Error, Result};
use crate::txn::{CommitRequest, TxnId};

/// Keys above which a look into the row store must not block the runtime's worker.
const MANY_KEYS: usize = 256;

impl Leader {
    /// Commits. Returns when the transaction is applied here.
    pub(crate) async fn commit(self: &Arc<Self>, mut request: CommitRequest) -> Result<Timestamp> {
        self.disk.admit(frees_space(&request))?;
        let bytes = request.size().min(self.limits.committing_bytes);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let _room = self.committing.acquire_many(bytes).await.map_err(|_| Error::Closed)?;
        let mut depth = Depth::NewKeys;
        let mut waited = None;
        loop {
            self.check(&mut request, depth)?;
            match self.submit(request).await? {
                Reply::Done(outcome) => return outcome,
                Reply::CheckAgain(back) => {
                    request = back;
                    depth = Depth::AllKeys;
                }
                Reply::Locked(back, key) => {
                    request = back;
                    waited.get_or_insert(ReleaseLocks { leader: self, txn: request.txn });
                    let key = request.mutations[key].key().clone();
                    self.lock(request.txn, &[key], self.limits.replication).await?;
                    depth = Depth::NewKeys;
                }
            }
        }
    }

    fn check(&self, request: &mut CommitRequest, depth: Depth) -> Result<()> {
        let applied = match &self.state.lock().term {
            Some(led) => led.sequencer.applied(),
            None => return Err(self.not_leader()),
        };
        let store = &self.voter.store;
        if request.mutations.len() + request.locked.len() > MANY_KEYS {
            crate::runtime::blocking(|| checks::check(store, request, applied, depth))
        } else {
            checks::check(store, request, applied, depth)
        }
    }

    async fn submit(&self, request: CommitRequest) -> Result<Reply> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Submission { request, reply }).await.map_err(|_| Error::Closed)?;
        match crate::runtime::timeout(self.limits.replication, answer).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) => Err(Error::OutcomeUnknown("the leader stopped".into())),
            Err(_) => Err(Error::OutcomeUnknown(format!(
                "no majority of voters answered within {} ms",
                self.limits.replication.as_millis()
            ))),
        }
    }
}

/// Gives up the locks that a commit took to wait for their owners, however it ends.
struct ReleaseLocks<'a> {
    leader: &'a Leader,
    txn: TxnId,
}

impl Drop for ReleaseLocks<'_> {
    fn drop(&mut self) {
        self.leader.release_locks(self.txn);
    }
}
