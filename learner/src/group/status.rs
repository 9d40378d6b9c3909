//! What the group is doing, for people and metrics.

use deltatree_storage::types::Timestamp;
use serde::{Deserialize, Serialize};

/// A look at the group. Figures are from slightly different moments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// Node id of the leader, if there is one.
    pub leader: Option<u64>,
    /// Current term.
    pub term: u64,
    /// Index of the last entry of the log.
    pub last_log: Option<u64>,
    /// Index of the last entry removed from the log.
    pub purged: Option<u64>,
    /// Index applied to the row store.
    pub voter_applied: Option<u64>,
    /// Index applied to the columnar engine.
    pub learner_applied: Option<u64>,
    /// Index that the columnar engine would resume from after a crash.
    pub learner_durable: Option<u64>,
    /// Why the learner stopped, if it did.
    pub learner_error: Option<String>,
    /// Nothing below this can be read.
    pub safe_point: Timestamp,
    /// Readers hold the safe point here.
    pub oldest_reader: Option<Timestamp>,
    /// Log entries proposed by transactions.
    pub proposals: u64,
    /// Transactions in them.
    pub commits: u64,
    /// Durable log writes.
    pub log_syncs: u64,
    /// Bytes on disk: log, row store.
    pub row_disk_bytes: u64,
}
