//! Invariant 7. A scan with a predicate, which may skip what zone maps rule out, gives the rows of a
//! full scan for which the predicate is true.

use deltatree_storage::api::ScanRequest;
use deltatree_storage::predicate::{CompareOp, Predicate};
use deltatree_storage::scan::Snapshot;
use deltatree_storage::types::Value;

use super::Verdict;
use crate::sim::columns::{rows_of, width};
use crate::sim::history::Rows;

/// `all` are the snapshot's rows.
pub(crate) fn check(snapshot: &Snapshot, all: &Rows, column: usize, bound: i64) -> Verdict {
    let predicate = Predicate::Compare { column, op: CompareOp::GtEq, value: Value::Int(bound) };
    let projection = (0..width(snapshot)).collect();
    let request = ScanRequest { predicates: vec![predicate], ..ScanRequest::all(projection) };
    let found = rows_of(snapshot, request)?;
    let expected: Rows = all
        .iter()
        .filter(|(_, row)| row[column].is_some_and(|v| v >= bound))
        .map(|(id, row)| (*id, row.clone()))
        .collect();
    if found == expected {
        return Ok(());
    }
    Err(format!(
        "pruning_never_drops_a_row: column {column} >= {bound} at {}: expected {expected:?}, found {found:?}",
        snapshot.timestamp()
    ))
}
