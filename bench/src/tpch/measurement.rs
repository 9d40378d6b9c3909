//! The times and the result of one query on every engine.

use std::time::Duration;

use deltatree_query::tpch::answers::{QuotientRule, Row, compare};
use deltatree_query::tpch::queries::Query;

use crate::engine::Engine;
use crate::report::median;

/// What one query did on every engine, in the engines' order.
#[derive(Debug)]
pub struct Measurement {
    /// The query.
    pub query: Query,
    /// Rows of the result.
    pub rows: usize,
    /// The median time; `None`: it failed.
    pub medians: Vec<Option<Duration>>,
    /// What was wrong, in words.
    pub failures: Vec<String>,
}

/// Runs a query on every engine in turn: once to warm up, then `runs` times.
///
/// The result of each engine's first run is compared with the first engine's that gave one.
pub async fn measure(query: Query, engines: &mut [Box<dyn Engine>], runs: usize) -> Measurement {
    let mut times: Vec<Vec<Duration>> = vec![Vec::with_capacity(runs); engines.len()];
    let mut failures = Vec::new();
    let mut failed = vec![false; engines.len()];
    let mut results: Vec<Option<Vec<Row>>> = vec![None; engines.len()];
    for round in 0..=runs {
        for (index, engine) in engines.iter_mut().enumerate() {
            if failed[index] {
                continue;
            }
            match engine.run(query.sql).await {
                Ok(answer) if round == 0 => results[index] = Some(answer.rows),
                Ok(answer) => times[index].push(answer.elapsed),
                Err(error) => {
                    failed[index] = true;
                    failures.push(format!("{} on {}: {error:#}", query.name(), engine.name()));
                }
            }
        }
    }
    let reference = results.iter().position(Option::is_some);
    if let Some(reference) = reference {
        failures.extend(differences(&query, engines, &results, reference));
    }
    let medians = times.iter().map(|times| median(times)).collect();
    let rows = reference.and_then(|index| results[index].as_ref()).map_or(0, Vec::len);
    Measurement { query, rows, medians, failures }
}

fn differences(
    query: &Query,
    engines: &[Box<dyn Engine>],
    results: &[Option<Vec<Row>>],
    reference: usize,
) -> Vec<String> {
    let Some(expected) = &results[reference] else { return Vec::new() };
    let mut differences = Vec::new();
    for (index, result) in results.iter().enumerate().skip(reference + 1) {
        let Some(actual) = result else { continue };
        let exact = [reference, index].iter().all(|&one| engines[one].quotients() == QuotientRule::Exact);
        let rule = if exact { QuotientRule::Exact } else { QuotientRule::OneUnit };
        if let Err(mismatch) = compare(query, expected, actual, rule) {
            let (name, other) = (engines[index].name(), engines[reference].name());
            differences.push(format!("{}: {name} differs from {other}: {mismatch}", query.name()));
        }
    }
    differences
}
