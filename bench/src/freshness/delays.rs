//! How long writes took to be seen.

use std::time::Duration;

use crate::report::ms;

/// Limits whose shares are shown, in milliseconds.
pub const LIMITS_MS: [u64; 5] = [1, 10, 100, 500, 1000];

/// From each acknowledgement to the result that showed the write.
#[derive(Clone, Debug, Default)]
pub struct Delays(Vec<Duration>);

impl Delays {
    /// In any order.
    pub fn new(mut delays: Vec<Duration>) -> Self {
        delays.sort_unstable();
        Self(delays)
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The share that was shorter, in per cent; 0 of none.
    pub fn share_below(&self, limit: Duration) -> f64 {
        let below = self.0.partition_point(|&delay| delay < limit);
        100.0 * below as f64 / self.0.len().max(1) as f64
    }

    /// The delay, in milliseconds, that this share did not exceed; 0 of none.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.max(1) - 1).or(self.0.last()).copied().map_or(0.0, ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_quantiles() {
        let delays = Delays::new((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(delays.share_below(Duration::from_millis(10)), 9.0);
        assert_eq!(delays.share_below(Duration::from_millis(500)), 100.0);
        assert_eq!((delays.quantile_ms(0.5), delays.quantile_ms(0.99), delays.quantile_ms(1.0)), (50.0, 99.0, 100.0));
        let none = Delays::default();
        assert_eq!((none.count(), none.share_below(Duration::from_secs(1)), none.quantile_ms(0.5)), (0, 0.0, 0.0));
    }
}
