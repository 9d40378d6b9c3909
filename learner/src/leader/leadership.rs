//! Becoming and ceasing to be the leader.
//!
//! Raft elects; that is not yet enough to serve. A new leader first commits an entry of its own term,
//! after which everything of earlier terms is applied here. Then it agrees on a window of timestamps
//! above everything that an earlier leader can have handed out. Only then are there a sequencer and
//! answers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use openraft::ServerState;

use super::Leader;
use super::services::LedTerm;
use crate::error::Result;
use crate::raft::Command;
use crate::tso::Oracle;
use crate::txn::Sequencer;

/// Follows Raft's elections until the leader stops.
pub(super) async fn run(leader: Arc<Leader>) {
    const RETRY: Duration = Duration::from_millis(200);
    let mut metrics = leader.raft.server_metrics();
    loop {
        let (state, term, voters) = {
            let now = metrics.borrow_and_update();
            (now.state, now.vote.leader_id().term, now.membership_config.membership().voter_ids().count())
        };
        leader.alone.store(voters == 1, Ordering::Release);
        let led = leader.state.lock().term.as_ref().map(|led| led.term);
        let leads = state == ServerState::Leader;
        if led.is_some() && (!leads || led != Some(term)) {
            leader.resign();
        }
        let mut retry = None;
        if leads
            && led != Some(term)
            && let Err(e) = leader.assume(term).await
        {
            tracing::warn!(term, error = %e, "cannot serve as leader yet");
            retry = Some(RETRY);
        }
        tokio::select! {
            changed = metrics.changed() => if changed.is_err() { break },
            () = crate::runtime::sleep(retry.unwrap_or_default()), if retry.is_some() => {}
            () = leader.stopped() => break,
        }
    }
    leader.resign();
}

impl Leader {
    /// Begins to serve in `term`.
    async fn assume(&self, term: u64) -> Result<()> {
        self.replicate(Command::Noop).await?;
        let floor = self.voter.tso_window().max(self.voter.applied().commit_ts);
        let upto = Oracle::new(floor).first_window(self.clock.now_ms());
        self.replicate(Command::TsoWindow { upto }).await?;
        let mut sequencer = Sequencer::new(floor);
        sequencer.extend_window(upto);
        self.state.lock().term = Some(LedTerm { term, sequencer });
        tracing::info!(node = self.id, term, "serving as leader");
        self.notify_progress();
        Ok(())
    }

    /// Stops serving: locks are void, whoever waits is told.
    fn resign(&self) {
        let mut state = self.state.lock();
        if state.term.take().is_some() {
            tracing::info!(node = self.id, "no longer serving as leader");
        }
        state.locks = Default::default();
        // Dropping the senders wakes the waiters, who then find no leader.
        state.waiters.clear();
        drop(state);
        self.ids.clear();
        self.notify_progress();
    }
}
