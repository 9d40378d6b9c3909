//! The read gate of a learner whose leader is in another process.

use std::time::Duration;

use deltatree_storage::types::Timestamp;

use crate::error::{Error, ErrorKind, Result};
use crate::raft::read_index;
use crate::replica::ColumnarLearner;
use crate::runtime::now;

/// Waits until `learner` shows every commit at or below `ts`, at most `timeout`; a zero `ts` asks the leader
/// for one. Returns the timestamp and the log index. While there is no leader, or the leader changes, it asks
/// again. Errors: `Timeout`, `Closed`, `Invalid`, and the learner's own if it has stopped.
pub(crate) async fn pass_gate(learner: &ColumnarLearner, ts: Timestamp, timeout: Duration) -> Result<(Timestamp, u64)> {
    let network = learner.network();
    let ask = |address: String, left| async move { read_index(network, &address, ts, left).await };
    pass_gate_by(learner, timeout, ask).await
}

/// Like [`pass_gate`]; `ask` asks the leader at an address, waiting at most so long.
pub(crate) async fn pass_gate_by<F>(
    learner: &ColumnarLearner,
    timeout: Duration,
    ask: impl Fn(String, Duration) -> F,
) -> Result<(Timestamp, u64)>
where
    F: Future<Output = Result<(Timestamp, u64)>> + Send,
{
    const AGAIN: Duration = Duration::from_millis(50);
    let begun = now();
    loop {
        let left = timeout.saturating_sub(now() - begun);
        let asked = match learner.leader_address() {
            Some(address) => ask(address, left).await,
            None => Err(Error::NotLeader { leader: None }),
        };
        match asked {
            Ok((ts, position)) => {
                let left = timeout.saturating_sub(now() - begun);
                learner.wait_applied(position, left).await?;
                return Ok((ts, position));
            }
            Err(e) if e.kind() == ErrorKind::NotLeader && left > AGAIN => crate::runtime::sleep(AGAIN).await,
            Err(e) if e.kind() == ErrorKind::NotLeader => {
                return Err(Error::Timeout { what: "a leader".into(), waited_ms: timeout.as_millis() as u64 });
            }
            Err(e) => return Err(e),
        }
    }
}
