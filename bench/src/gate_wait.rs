//! How long the server's queries waited for the columnar replica, from its own histogram.

use anyhow::{Context, ensure};
use deltatree_query::metrics::READ_GATE_SECONDS;

use crate::server::Server;

/// Waits in buckets, as Prometheus' text format has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GateWaits {
    /// Upper bounds in seconds, ascending, and how many waits were no longer; the last bound is infinite.
    buckets: Vec<(f64, u64)>,
}

impl GateWaits {
    /// All waits since the server's start.
    ///
    /// # Errors
    /// When the server does not tell them.
    pub fn of(server: &Server) -> anyhow::Result<Self> {
        Self::read(&server.metrics()?)
    }

    /// Reads them out of all metrics. A server that had no wait yet does not name them.
    fn read(metrics: &str) -> anyhow::Result<Self> {
        let mut buckets = Vec::new();
        for line in metrics.lines() {
            let bound = line.strip_prefix(READ_GATE_SECONDS).and_then(|rest| rest.strip_prefix("_bucket{le=\""));
            let Some(rest) = bound else { continue };
            let (bound, count) = rest.split_once("\"} ").with_context(|| format!("not a bucket: {line}"))?;
            let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse()? };
            buckets.push((bound, count.parse()?));
        }
        ensure!(
            buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1),
            "the buckets of {READ_GATE_SECONDS} are out of order"
        );
        Ok(Self { buckets })
    }

    /// Those that came after an earlier state.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |bound: f64| earlier.buckets.iter().find(|(b, _)| *b == bound).map_or(0, |(_, count)| *count);
        let buckets = self.buckets.iter().map(|&(bound, count)| (bound, count.saturating_sub(before(bound))));
        Self { buckets: buckets.collect() }
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.buckets.last().map_or(0, |(_, count)| *count)
    }

    /// The wait, in milliseconds, that this share of all did not exceed: as if waits were spread evenly over
    /// their bucket. 0 of none; the largest finite bound if it is beyond that.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let wanted = share * self.count() as f64;
        let (mut from, mut below) = (0.0, 0_u64);
        for &(bound, count) in &self.buckets {
            if count as f64 >= wanted && count > below {
                if bound.is_infinite() {
                    break;
                }
                let within = ((wanted - below as f64) / (count - below) as f64).clamp(0.0, 1.0);
                return (from + (bound - from) * within) * 1e3;
            }
            (from, below) = (if bound.is_infinite() { from } else { bound }, count);
        }
        from * 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = "\
# TYPE deltatree_read_gate_seconds histogram
deltatree_read_gate_seconds_bucket{le=\"0.001\"} 50
deltatree_read_gate_seconds_bucket{le=\"0.002\"} 90
deltatree_read_gate_seconds_bucket{le=\"0.01\"} 100
deltatree_read_gate_seconds_bucket{le=\"+Inf\"} 100
deltatree_read_gate_seconds_sum 0.123
deltatree_read_gate_seconds_count 100
deltatree_statement_seconds_bucket{le=\"0.001\"} 7
";

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn quantiles_lie_within_their_bucket() {
        let waits = GateWaits::read(METRICS).unwrap();
        assert_eq!(waits.count(), 100);
        assert!(close(waits.quantile_ms(0.25), 0.5) && close(waits.quantile_ms(0.5), 1.0));
        assert!(close(waits.quantile_ms(0.7), 1.5) && close(waits.quantile_ms(0.95), 6.0));
        assert!(close(waits.quantile_ms(1.0), 10.0));
    }

    #[test]
    fn waits_are_counted_from_an_earlier_state_on() {
        let earlier = GateWaits::read(METRICS).unwrap();
        let later = GateWaits::read(&METRICS.replace(" 90", " 190").replace(" 100\n", " 300\n")).unwrap();
        let waits = later.since(&earlier);
        assert_eq!(waits.count(), 200);
        assert!(close(waits.quantile_ms(0.5), 2.0));
        assert_eq!(later.since(&GateWaits::default()), later);
    }

    #[test]
    fn no_waits_and_wrong_waits_are_told_apart() {
        let none = GateWaits::read("").unwrap();
        assert_eq!((none.count(), none.quantile_ms(0.5)), (0, 0.0));
        assert!(GateWaits::read("deltatree_read_gate_seconds_bucket{le=\"x\"} 1").is_err());
        assert!(GateWaits::read(&METRICS.replace("\"0.01\"} 100", "\"0.01\"} 10")).is_err());
    }
}
