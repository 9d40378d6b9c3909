//! A client that runs the 22 queries one after the other, over and over.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mysql::Conn;

use super::queries::{QUERIES, Query};
use crate::report::median;
use crate::tpcc::window::Window;

/// How far apart two analysts begin in the sequence of queries.
const APART: usize = 7;

/// What analysts did while they were measured.
#[derive(Clone, Debug, Default)]
pub struct QueryTally {
    /// By query: how long each run took, result included.
    times: [Vec<Duration>; QUERIES.len()],
    /// What failed. A query that fails once is not run again.
    pub failures: Vec<String>,
}

impl QueryTally {
    /// Adds what another analyst did.
    pub fn add(&mut self, other: Self) {
        for (all, times) in self.times.iter_mut().zip(other.times) {
            all.extend(times);
        }
        self.failures.extend(other.failures);
    }

    /// Runs of all queries.
    pub fn runs(&self) -> usize {
        self.times.iter().map(Vec::len).sum()
    }

    /// The middle time of each query that ran, in seconds.
    pub fn medians(&self) -> impl Iterator<Item = (Query, f64)> {
        let median = |times: &Vec<Duration>| Some(median(times)?.as_secs_f64());
        QUERIES.into_iter().zip(&self.times).filter_map(move |(query, times)| Some((query, median(times)?)))
    }

    /// Queries an hour of so many analysts, if each query counts as much as any other: by their mean times,
    /// so that it does not matter at which query the measurement ended.
    pub fn queries_per_hour(&self, analysts: usize) -> f64 {
        let means: Vec<f64> = self
            .times
            .iter()
            .filter(|times| !times.is_empty())
            .map(|times| times.iter().sum::<Duration>().as_secs_f64() / times.len() as f64)
            .collect();
        let round: f64 = means.iter().sum();
        if round > 0.0 { 3600.0 * analysts as f64 * means.len() as f64 / round } else { 0.0 }
    }
}

/// Runs a query, result included.
pub type Ask<'a> = dyn Fn(&mut Conn, &Query) -> anyhow::Result<()> + Sync + 'a;

/// Runs the queries until the window closes. Leaves `in_first_round` once it has run each within the open
/// window, or ends. Blocks.
pub fn run(
    mut connection: Conn,
    number: usize,
    window: &Window,
    in_first_round: &AtomicUsize,
    ask: &Ask<'_>,
) -> QueryTally {
    let mut tally = QueryTally::default();
    let mut left = QUERIES.len();
    let mut failed = [false; QUERIES.len()];
    let first = number * APART % QUERIES.len();
    for at in (0..QUERIES.len()).cycle().skip(first) {
        if window.is_closed() || failed.iter().all(|&failed| failed) {
            break;
        }
        if failed[at] {
            continue;
        }
        let counts = window.is_open();
        let start = Instant::now();
        let result = ask(&mut connection, &QUERIES[at]);
        let took = start.elapsed();
        match result {
            Ok(()) if counts && !window.is_closed() => tally.times[at].push(took),
            Ok(()) => {}
            Err(error) => {
                tally.failures.push(format!("{}: {error:#}", QUERIES[at].name()));
                failed[at] = true;
            }
        }
        if counts && left > 0 {
            left = (0..QUERIES.len()).filter(|&at| tally.times[at].is_empty() && !failed[at]).count();
            if left == 0 {
                in_first_round.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
    if left > 0 {
        in_first_round.fetch_sub(1, Ordering::SeqCst);
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_counts_the_same() {
        let mut tally = QueryTally::default();
        for (at, times) in tally.times.iter_mut().enumerate() {
            // The first query ran more often than the others, which changes nothing.
            *times = vec![Duration::from_secs(1); if at == 0 { 5 } else { 1 }];
        }
        assert!((tally.queries_per_hour(2) - 7200.0).abs() < 1e-6);
        assert_eq!((tally.runs(), tally.medians().count()), (26, 22));
        assert_eq!(QueryTally::default().queries_per_hour(1), 0.0);
    }
}
