//! A columnar replica, here or there.

use std::sync::Arc;
use std::time::Duration;

use deltatree_storage::engine::Engine;
use deltatree_storage::types::{TableId, Timestamp};

use super::{RemoteReplica, TableSnapshot};
use crate::error::Result;
use crate::group::GateReport;
use crate::leader::Leader;
use crate::replica::ColumnarLearner;
use crate::runtime::now;

/// The columns of a group. Clones share them.
#[derive(Clone)]
pub struct ColumnarReplica(Place);

#[derive(Clone)]
enum Place {
    Here { leader: Arc<Leader>, learner: Arc<ColumnarLearner> },
    There(Arc<RemoteReplica>),
}

impl ColumnarReplica {
    pub(crate) fn here(leader: Arc<Leader>, learner: Arc<ColumnarLearner>) -> Self {
        Self(Place::Here { leader, learner })
    }

    pub(crate) fn there(replica: Arc<RemoteReplica>) -> Self {
        Self(Place::There(replica))
    }

    /// The engine, if it is in this process.
    pub fn engine(&self) -> Option<&Engine> {
        match &self.0 {
            Place::Here { learner, .. } => Some(learner.engine()),
            Place::There(_) => None,
        }
    }

    /// Waits until the replica has applied every commit at or below `ts`, at most `timeout`. After that a
    /// snapshot at `ts` shows them all. Cancel by dropping.
    ///
    /// Errors: `Timeout` (the replica is behind), `NotLeader`, `Closed`, `Invalid` (a timestamp in the
    /// future), `Io` (the replica cannot be reached), and its own error if it has stopped.
    pub async fn read_gate(&self, ts: Timestamp, timeout: Duration) -> Result<GateReport> {
        let begun = now();
        let position = match &self.0 {
            Place::Here { leader, learner } => {
                let position = leader.read_index(ts, timeout).await?;
                learner.wait_applied(position, timeout.saturating_sub(now() - begun)).await?;
                position
            }
            Place::There(replica) => replica.pass_gate(ts, timeout).await?,
        };
        Ok(GateReport { position, waited: now() - begun })
    }

    /// A table as the replica has it at `ts`: complete if the gate for `ts` was passed. Never waits for the
    /// log; blocks on the network if the replica is elsewhere. Errors: the table is unknown there or damaged,
    /// or versions that the snapshot needs may be gone; `Io` if the replica cannot be reached.
    pub fn snapshot(&self, table: TableId, ts: Timestamp) -> Result<TableSnapshot> {
        match &self.0 {
            Place::Here { learner, .. } => Ok(TableSnapshot::here(learner.engine().snapshot(table, ts)?)),
            Place::There(replica) => Ok(TableSnapshot::there(replica.snapshot(table, ts)?)),
        }
    }
}
