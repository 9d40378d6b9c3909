//! How openraft is set up.

use std::sync::Arc;

use openraft::{Config, SnapshotPolicy};

use crate::error::{Error, Result};

/// Raft's own timers, in milliseconds. A follower stands for election when it has heard nothing for the
/// upper bound (the leader's lease) and then for a random time within the bounds: 1.7 to 2.2 s. A busy
/// machine with few cores must not lose its leader over a late heartbeat, and writes shall be accepted again
/// 3 s after a leader's death. A single voter elects itself at once whatever they say.
const HEARTBEAT_MS: u64 = 150;
const ELECTION_MS: std::ops::Range<u64> = 600..1_100;

/// The configuration of every replica.
pub(crate) fn raft_config() -> Result<Arc<Config>> {
    let config = Config {
        cluster_name: "deltatree".into(),
        heartbeat_interval: HEARTBEAT_MS,
        election_timeout_min: ELECTION_MS.start,
        election_timeout_max: ELECTION_MS.end,
        // A raft snapshot is a whole copy of the data: it takes as long as it takes.
        install_snapshot_timeout: 3_600_000,
        max_payload_entries: 64,
        // Snapshots are virtual and the log is purged by bytes: the group's maintenance asks for both.
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: u64::MAX,
        ..Config::default()
    };
    config.validate().map(Arc::new).map_err(|e| Error::Internal(format!("raft configuration: {e}")))
}
