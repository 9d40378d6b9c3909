//! Invariant 3. Whoever holds a snapshot reads the same from it again, whatever was written, flushed,
//! merged and collected meanwhile.

use super::Verdict;
use crate::sim::history::{Copy, Rows};

/// Of two reads of one snapshot.
pub(crate) fn check(copy: Copy, ts: deltatree_storage::types::Timestamp, first: &Rows, again: &Rows) -> Verdict {
    if first == again {
        return Ok(());
    }
    Err(format!("snapshot_reads_are_repeatable: {copy:?} at {ts}: first {first:?}, then {again:?}"))
}
