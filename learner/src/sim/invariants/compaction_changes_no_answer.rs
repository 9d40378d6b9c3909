//! Invariant 11. What a table shows at a timestamp is the same before and after the engine's own work.

use deltatree_storage::api::ScanRequest;
use deltatree_storage::engine::Engine;
use deltatree_storage::types::Timestamp;

use super::Verdict;
use crate::sim::columns::{rows_of, width};
use crate::sim::history::{History, Rows};

/// Lets the engine do a piece of work, and looks at all tables before and after.
pub(crate) fn check(history: &History, engine: &Engine) -> Verdict {
    let newest = Timestamp::MAX;
    let tables: Vec<_> = engine.tables().into_iter().map(|t| t.table).collect();
    let look = |table| -> Option<Result<Rows, String>> {
        let snapshot = engine.snapshot(table, newest).ok()?;
        let all = ScanRequest::all((0..width(&snapshot)).collect());
        Some(rows_of(&snapshot, all))
    };
    let before: Vec<_> = tables.iter().map(|t| look(*t)).collect();
    match engine.maintain() {
        Ok(None) => return Ok(()),
        Ok(Some(_)) => history.count("merges and splits"),
        // The disk may fail; then it is tried again.
        Err(e) => history.event(format!("the engine's work failed: {e}")),
    }
    let after: Vec<_> = tables.iter().map(|t| look(*t)).collect();
    for ((table, before), after) in tables.iter().zip(before).zip(after) {
        if before.is_some() && before != after {
            return Err(format!("compaction_changes_no_answer: table {table}: before {before:?}, after {after:?}"));
        }
    }
    Ok(())
}
