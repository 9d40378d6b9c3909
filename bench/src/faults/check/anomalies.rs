//! What snapshot isolation forbids, found by the dependencies between transactions (`adya`).
//!
//! The level asked for is *strong* snapshot isolation: a transaction that begins after another one was
//! acknowledged sees it, whichever front end and access path either takes.

use std::fmt::Write;
use std::time::Duration;

use adya::{History, Opts, Valid, Workload, check};

use crate::faults::history::Event;

/// Anomalies of one kind that are told in full.
const TOLD: usize = 2;

/// What is wrong with a history of transactions, in words.
pub fn anomalies(events: &[Event], workload: Workload) -> Vec<String> {
    let mut text = String::new();
    for (index, event) in events.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", event.line(index));
    }
    let history = match History::from_json(&text) {
        Ok(history) => history,
        Err(error) => return vec![format!("the history cannot be read: {error}")],
    };
    let options = Opts {
        models: vec!["strong-snapshot-isolation".into()],
        timeout: Duration::from_secs(10),
        wfr_keys: true,
        ..Opts::default()
    };
    let report = check(&history, workload, &options);
    if report.valid == Valid::True {
        return Vec::new();
    }
    let told = report.anomalies.iter().flat_map(|(kind, found)| {
        let all = found.len();
        found.iter().take(TOLD).map(move |one| format!("{kind}, one of {all}: {}", one.explanation))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::faults::history::Kind;

    /// Transactions, each with its begin and its end on a common clock.
    fn history(transactions: &[(u32, u32, Value)]) -> Vec<Event> {
        let mut moments: Vec<(u32, Event)> = Vec::new();
        for (&(began, ended, ref value), process) in transactions.iter().zip(0..) {
            let event = |kind| Event { kind, process, value: value.clone(), at: Duration::ZERO, note: None };
            moments.extend([(began, event(Kind::Invoke)), (ended, event(Kind::Ok))]);
        }
        moments.sort_by_key(|(moment, _)| *moment);
        moments.into_iter().map(|(_, event)| event).collect()
    }

    fn found(transactions: &[(u32, u32, Value)]) -> bool {
        !anomalies(&history(transactions), Workload::ListAppend).is_empty()
    }

    #[test]
    fn write_skew_is_allowed() {
        assert!(!found(&[
            (0, 2, json!([["r", 1, []], ["r", 2, []], ["append", 1, 1]])),
            (1, 3, json!([["r", 1, []], ["r", 2, []], ["append", 2, 2]])),
            (4, 5, json!([["r", 1, [1]], ["r", 2, [2]]])),
        ]));
    }

    #[test]
    fn a_lost_update_is_not() {
        assert!(found(&[
            (0, 2, json!([["r", 1, []], ["append", 1, 1]])),
            (1, 3, json!([["r", 1, []], ["append", 1, 2]])),
            (4, 5, json!([["r", 1, [1, 2]]])),
        ]));
    }

    #[test]
    fn a_long_fork_is_not() {
        assert!(found(&[
            (0, 4, json!([["append", 1, 1]])),
            (1, 5, json!([["append", 2, 2]])),
            (2, 6, json!([["r", 1, [1]], ["r", 2, []]])),
            (3, 7, json!([["r", 1, []], ["r", 2, [2]]])),
            (8, 9, json!([["r", 1, [1]], ["r", 2, [2]]])),
        ]));
    }

    #[test]
    fn a_stale_read_is_not() {
        let both = |began| {
            [(0, 1, json!([["append", 1, 1]])), (began, 4, json!([["r", 1, []]])), (5, 6, json!([["r", 1, [1]]]))]
        };
        assert!(!found(&both(0)));
        assert!(found(&both(2)));
    }
}
