//! The gate that every commit of this front end passes, and that can be closed for a while.
//!
//! Whoever closes it does not wait for the commits that have passed, but for a moment. One of them may wait for a
//! row that a transaction has locked whose own commit stands before the gate: waiting for it would be waiting for
//! oneself. So a closed gate means that few commit, not that nobody does.

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, watch};

/// How long commits that have passed are waited for.
const MOMENT: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Default)]
pub(crate) struct CommitGate {
    closing: Mutex<()>,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, Default)]
struct State {
    closed: bool,
    /// Commits that have passed and are not done.
    passed: usize,
}

impl CommitGate {
    /// Passes, once the gate is open. The commit is done when the result is dropped.
    pub(crate) async fn pass(&self) -> Passed<'_> {
        loop {
            let passes = self.state.send_if_modified(|state| {
                let open = !state.closed;
                state.passed += usize::from(open);
                open
            });
            if passes {
                return Passed(self);
            }
            // The sender lives in `self`.
            let _ = self.state.subscribe().wait_for(|state| !state.closed).await;
        }
    }

    /// Closes the gate until the result is dropped. Waits until nobody else has closed it.
    pub(crate) async fn close(&self) -> Closed<'_> {
        let closing = self.closing.lock().await;
        let closed = Closed { gate: self, _alone: closing };
        self.state.send_modify(|state| state.closed = true);
        let mut state = self.state.subscribe();
        // Whoever is still not done is done without.
        let _ = tokio::time::timeout(MOMENT, state.wait_for(|state| state.passed == 0)).await;
        closed
    }
}

/// A commit that has passed.
pub(crate) struct Passed<'a>(&'a CommitGate);

impl Drop for Passed<'_> {
    fn drop(&mut self) {
        self.0.state.send_modify(|state| state.passed -= 1);
    }
}

/// A closed gate.
pub(crate) struct Closed<'a> {
    gate: &'a CommitGate,
    _alone: MutexGuard<'a, ()>,
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.gate.state.send_modify(|state| state.closed = false);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn whoever_closes_waits_a_moment_for_those_that_have_passed_and_others_wait_before_it() {
        let gate = CommitGate::default();
        let stuck = gate.pass().await;
        let closed = gate.close().await;
        let mut later = std::pin::pin!(gate.pass());
        assert!(poll!(later.as_mut()).is_pending());
        let mut other = std::pin::pin!(gate.close());
        assert!(poll!(other.as_mut()).is_pending());
        drop(stuck);
        assert!(poll!(later.as_mut()).is_pending());
        drop(closed);
        assert!(matches!(poll!(later.as_mut()), Poll::Ready(_)));
        drop(other.await);
        drop(gate.pass().await);
    }
}
