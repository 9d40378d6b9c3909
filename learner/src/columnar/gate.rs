//! The read gate of a learner whose leader is in another process.

use std::time::{Duration, Instant};

use deltatree_storage::types::Timestamp;

use crate::error::{Error, ErrorKind, Result};
use crate::raft::read_index;
use crate::replica::ColumnarLearner;

/// Waits until `learner` shows every commit at or below `ts`, at most `timeout`; a zero `ts` asks the leader
/// for one. Returns the timestamp and the log index. While there is no leader, or the leader changes, it asks
/// again. Errors: `Timeout`, `Closed`, `Invalid`, and the learner's own if it has stopped.
pub(crate) async fn pass_gate(learner: &ColumnarLearner, ts: Timestamp, timeout: Duration) -> Result<(Timestamp, u64)> {
    const AGAIN: Duration = Duration::from_millis(50);
    let begun = Instant::now();
    loop {
        let left = timeout.saturating_sub(begun.elapsed());
        let asked = match learner.leader_address() {
            Some(address) => read_index(learner.network(), &address, ts, left).await,
            None => Err(Error::NotLeader { leader: None }),
        };
        match asked {
            Ok((ts, position)) => {
                let left = timeout.saturating_sub(begun.elapsed());
                learner.wait_applied(position, left).await?;
                return Ok((ts, position));
            }
            Err(e) if e.kind() == ErrorKind::NotLeader && left > AGAIN => tokio::time::sleep(AGAIN).await,
            Err(e) if e.kind() == ErrorKind::NotLeader => {
                return Err(Error::Timeout { what: "a leader".into(), waited_ms: timeout.as_millis() as u64 });
            }
            Err(e) => return Err(e),
        }
    }
}
