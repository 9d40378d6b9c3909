//! A replica as its transports see it.

use std::sync::Arc;
use std::time::Duration;

use openraft::error::{Fatal, RaftError};
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse};
use openraft::{Snapshot, Vote};

use crate::raft::{NodeId, Raft, TypeConfig};

/// Says whether a replica has too much to do already.
pub(crate) trait Backlog: Send + Sync + 'static {
    /// Whether entries should wait.
    fn is_full(&self) -> bool;
    /// Resolves when that may have changed.
    fn wait(&self) -> futures::future::BoxFuture<'_, ()>;
}

/// A replica in this process.
#[derive(Clone)]
pub(crate) struct LocalPeer {
    raft: Raft,
    backlog: Option<Arc<dyn Backlog>>,
}

/// What a replica answers.
pub(crate) type Answer<T> = Result<T, RaftError<NodeId>>;

impl LocalPeer {
    pub(crate) fn new(raft: Raft, backlog: Option<Arc<dyn Backlog>>) -> Self {
        Self { raft, backlog }
    }

    /// Takes entries. While the replica's backlog is full it takes only the news of what is committed,
    /// so that it can work the backlog off, and the entries wait, at most `patience`.
    pub(crate) async fn append_entries(
        &self,
        request: AppendEntriesRequest<TypeConfig>,
        patience: Duration,
    ) -> Answer<AppendEntriesResponse<NodeId>> {
        if let Some(backlog) = &self.backlog
            && !request.entries.is_empty()
            && backlog.is_full()
        {
            let news = AppendEntriesRequest {
                vote: request.vote,
                prev_log_id: request.prev_log_id,
                entries: Vec::new(),
                leader_commit: request.leader_commit,
            };
            let answer = self.raft.append_entries(news).await?;
            if !matches!(answer, AppendEntriesResponse::Success) {
                return Ok(answer);
            }
            let drained = async {
                while backlog.is_full() {
                    backlog.wait().await;
                }
            };
            if crate::runtime::timeout(patience, drained).await.is_err() {
                // Nothing of the request was taken: what it starts from is all there is.
                return Ok(AppendEntriesResponse::PartialSuccess(request.prev_log_id));
            }
        }
        self.raft.append_entries(request).await
    }

    /// Asks for a vote.
    pub(crate) async fn vote(&self, request: VoteRequest<NodeId>) -> Answer<VoteResponse<NodeId>> {
        self.raft.vote(request).await
    }

    /// Installs a raft snapshot.
    pub(crate) async fn install_snapshot(
        &self,
        vote: Vote<NodeId>,
        snapshot: Snapshot<TypeConfig>,
    ) -> Result<SnapshotResponse<NodeId>, Fatal<NodeId>> {
        self.raft.install_full_snapshot(vote, snapshot).await
    }
}
