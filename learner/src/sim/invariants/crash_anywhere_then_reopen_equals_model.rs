//! Invariant 12. What a replica opens after a crash is what the log says at the position that it goes
//! on from.

use deltatree_storage::api::ScanRequest;
use deltatree_storage::engine::Engine;

use super::Verdict;
use crate::raft::{Applied, NodeId, VoterState};
use crate::sim::columns::{rows_of, width};
use crate::sim::history::History;

/// A voter's rows, definitions and counters, dropped tables aside: those are collected bit by bit.
pub(crate) fn check_voter(history: &History, node: NodeId, state: &VoterState) -> Verdict {
    let applied = state.applied();
    super::replicas_hold_the_same_rows::check(history, node, state)
        .map_err(|e| format!("crash_anywhere_then_reopen_equals_model: at entry {}: {e}", applied.index))
}

/// A learner's tables. It may hold commits after the position, which it will be fed again, and tables
/// that it has meanwhile been told to drop.
pub(crate) fn check_learner(history: &History, node: NodeId, engine: &Engine, applied: Applied) -> Verdict {
    for schema in engine.tables() {
        let Ok(snapshot) = engine.snapshot(schema.table, applied.commit_ts) else { continue };
        let found = rows_of(&snapshot, ScanRequest::all((0..width(&snapshot)).collect()))?;
        let expected = history.with(|t| {
            let info = t.definition(schema.table, schema.version)?;
            Some(t.rows_at(&info, applied.commit_ts))
        });
        if expected.as_ref().is_some_and(|expected| *expected != found) {
            return Err(format!(
                "crash_anywhere_then_reopen_equals_model: table {} of node {node} at {}: expected {expected:?}, found {found:?}",
                schema.table, applied.commit_ts
            ));
        }
    }
    Ok(())
}
