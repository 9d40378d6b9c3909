//! The timestamp oracle.
//!
//! A timestamp is physical milliseconds shifted left by 18 bits, plus a counter. The oracle hands out
//! `max(last + 1, now)`, so a clock that stands still or jumps back costs nothing but resolution. To
//! stay ahead of what an earlier leader or an earlier life of this process handed out, timestamps come
//! only from below a *window* that was agreed on through the log before: whoever takes over starts at
//! the agreed end.

use deltatree_storage::types::Timestamp;

/// Bits of the counter.
const LOGICAL_BITS: u32 = 18;
/// How far ahead of the clock a window reaches.
const WINDOW_MS: u64 = 3_000;

/// The window must be extended through the log first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowExhausted {
    /// What to agree on.
    pub(crate) upto: Timestamp,
}

/// Hands out timestamps.
///
/// Invariants: `last < window`; every timestamp returned is above all returned before.
#[derive(Debug)]
pub(crate) struct Oracle {
    last: Timestamp,
    window: Timestamp,
}

impl Oracle {
    /// Starts above `floor`, the largest timestamp that may have been handed out before, without a
    /// window of its own.
    pub(crate) fn new(floor: Timestamp) -> Self {
        Self { last: floor, window: floor }
    }

    /// A timestamp above all before.
    pub(crate) fn next(&mut self, now_ms: u64) -> Result<Timestamp, WindowExhausted> {
        let next = self.last.0.saturating_add(1).max(physical(now_ms));
        if next >= self.window.0 {
            return Err(self.exhausted(now_ms));
        }
        self.last = Timestamp(next);
        Ok(self.last)
    }

    /// The extension to ask for soon, if little of the window is left.
    pub(crate) fn wants_extension(&self, now_ms: u64) -> Option<WindowExhausted> {
        let next = self.last.0.max(physical(now_ms));
        (next.saturating_add(physical(WINDOW_MS / 2)) >= self.window.0).then(|| self.exhausted(now_ms))
    }

    /// The first window to agree on.
    pub(crate) fn first_window(&self, now_ms: u64) -> Timestamp {
        self.exhausted(now_ms).upto
    }

    fn exhausted(&self, now_ms: u64) -> WindowExhausted {
        let from = self.last.0.max(physical(now_ms));
        WindowExhausted { upto: Timestamp(from.saturating_add(physical(WINDOW_MS))) }
    }

    /// Timestamps below `upto` were agreed on.
    pub(crate) fn extend(&mut self, upto: Timestamp) {
        self.window = self.window.max(upto);
    }
}

/// The smallest timestamp of a millisecond.
pub(crate) fn timestamp_at(ms: u64) -> Timestamp {
    Timestamp(physical(ms))
}

fn physical(ms: u64) -> u64 {
    ms.saturating_mul(1 << LOGICAL_BITS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_comes_without_a_window() {
        assert!(Oracle::new(Timestamp(5)).next(1_000).is_err());
    }

    #[test]
    fn a_busy_millisecond_overflows_into_the_next() {
        let mut o = Oracle::new(Timestamp::ZERO);
        o.extend(Timestamp(u64::MAX));
        let first = o.next(7).unwrap();
        for _ in 0..(1 << LOGICAL_BITS) {
            o.next(7).unwrap();
        }
        assert_eq!(o.last.0, first.0 + (1 << LOGICAL_BITS));
    }

    proptest! {
        /// Any clock, any lives: restarting from the agreed window never repeats a timestamp.
        #[test]
        fn never_goes_back(steps in prop::collection::vec((0u64..100_000, any::<bool>()), 1..200)) {
            let mut agreed = Timestamp::ZERO;
            let mut oracle = Oracle::new(agreed);
            let mut newest = Timestamp::ZERO;
            for (now_ms, restart) in steps {
                if restart {
                    oracle = Oracle::new(agreed);
                }
                let ts = match oracle.next(now_ms) {
                    Ok(ts) => ts,
                    Err(WindowExhausted { upto }) => {
                        agreed = agreed.max(upto);
                        oracle.extend(upto);
                        oracle.next(now_ms).unwrap()
                    }
                };
                prop_assert!(ts > newest);
                prop_assert!(ts < agreed);
                newest = ts;
            }
        }
    }
}
