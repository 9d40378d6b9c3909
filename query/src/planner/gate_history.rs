//! How long read gates have taken lately, to price the next one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A moving average over waits. The newest counts for an eighth.
#[derive(Debug)]
pub(super) struct GateHistory {
    average_us: AtomicU64,
}

/// What a gate on an idle learner takes.
const FIRST_GUESS_US: u64 = 200;

impl Default for GateHistory {
    fn default() -> Self {
        Self { average_us: AtomicU64::new(FIRST_GUESS_US) }
    }
}

impl GateHistory {
    /// Takes a wait into account. Two at the same moment may count as one.
    pub(super) fn record(&self, waited: Duration) {
        let waited = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        let average = self.average_us.load(Ordering::Relaxed);
        self.average_us.store(average - average / 8 + waited / 8, Ordering::Relaxed);
    }

    /// The average.
    pub(super) fn expected(&self) -> Duration {
        Duration::from_micros(self.average_us.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_follows_the_waits() {
        let history = GateHistory::default();
        for _ in 0..100 {
            history.record(Duration::from_millis(8));
        }
        let expected = history.expected();
        assert!(expected > Duration::from_millis(7) && expected <= Duration::from_millis(8), "{expected:?}");
    }
}
