//! The columnar replicas: how far they are, and what they consist of.

use super::relation::Kind::{Float, Int, Text, UInt};
use super::relation::{Cell, Relation};
use crate::error::Result;
use crate::planner::QueryReads;

/// Whether each table's replica can be read now, and how much of the log it has applied.
pub(super) fn tiflash_replica(reads: &QueryReads) -> Result<Relation> {
    let mut out = Relation::new(&[
        ("TABLE_SCHEMA", Text),
        ("TABLE_NAME", Text),
        ("TABLE_ID", UInt),
        ("REPLICA_COUNT", UInt),
        ("LOCATION_LABELS", Text),
        ("AVAILABLE", Int),
        ("PROGRESS", Float),
    ]);
    let status = reads.group().status();
    let behind = match (status.learner_applied, status.last_log) {
        (Some(applied), Some(last)) if last > 0 => (applied.min(last) as f64) / (last as f64),
        (_, None | Some(_)) => 0.0,
    };
    for table in reads.catalog().tables().filter(|table| table.columnar) {
        let available = status.learner_error.is_none() && reads.peek(table).is_some();
        out.push(vec![
            table.database.as_str().into(),
            table.name.as_str().into(),
            table.id.0.into(),
            1u64.into(),
            "".into(),
            i64::from(available).into(),
            Cell::Float(if available { behind } else { 0.0 }),
        ]);
    }
    Ok(out)
}
