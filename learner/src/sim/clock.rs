//! The clocks of nodes.

use std::sync::atomic::{AtomicI64, Ordering};

use super::executor::Executor;
use crate::clock::Clock;

/// Simulated time, wrong by as much as one likes.
pub(crate) struct SimClock {
    executor: Executor,
    off_ms: AtomicI64,
}

impl SimClock {
    /// A clock that is right.
    pub(crate) fn new(executor: Executor) -> Self {
        Self { executor, off_ms: AtomicI64::new(0) }
    }

    /// Jumps.
    pub(crate) fn set_off(&self, off_ms: i64) {
        self.off_ms.store(off_ms, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now_ms(&self) -> u64 {
        const BEGINNING_MS: u64 = 1_700_000_000_000;
        let now = BEGINNING_MS + self.executor.now().as_millis() as u64;
        now.saturating_add_signed(self.off_ms.load(Ordering::Relaxed))
    }
}
