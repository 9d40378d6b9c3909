//! The columnar replicas: how far they are, and what they consist of.

use deltatree_learner::catalog::TableInfo;
use deltatree_storage::engine::{SegmentStats, TableStats};
use deltatree_storage::types::{KeyRange, RowKey};

use super::relation::Kind::{Float, Int, Text, UInt};
use super::relation::{Cell, Relation};
use crate::planner::QueryReads;

/// Whether each table's replica can be read now, and how much of the log it has applied.
pub(super) fn tiflash_replica(reads: &QueryReads) -> Relation {
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
    out
}

/// One row a table: its rows and bytes, stable and delta.
pub(super) fn tiflash_tables(reads: &QueryReads) -> Relation {
    let mut out = Relation::new(&[
        ("TIDB_DATABASE", Text),
        ("TIDB_TABLE", Text),
        ("TABLE_ID", UInt),
        ("SEGMENT_COUNT", UInt),
        ("TOTAL_ROWS", UInt),
        ("TOTAL_SIZE", UInt),
        ("TOTAL_DELTA_ROWS", UInt),
        ("TOTAL_DELTA_SIZE", UInt),
        ("TOTAL_STABLE_ROWS", UInt),
        ("TOTAL_STABLE_SIZE", UInt),
        ("TOTAL_STABLE_DELETED_ROWS", UInt),
        ("DELETE_VECTOR_SIZE", UInt),
        ("MAX_COMMIT_TS", UInt),
    ]);
    for (table, stats) in replicas(reads) {
        let sum = |of: fn(&SegmentStats) -> u64| stats.segments.iter().map(of).sum::<u64>();
        let delta_bytes = sum(delta_bytes);
        let stable_bytes = sum(|s| s.stable_bytes);
        out.push(vec![
            table.database.as_str().into(),
            table.name.as_str().into(),
            table.id.0.into(),
            (stats.segments.len() as u64).into(),
            stats.rows.into(),
            (delta_bytes + stable_bytes).into(),
            sum(|s| s.delta_rows).into(),
            delta_bytes.into(),
            sum(|s| s.stable_rows).into(),
            stable_bytes.into(),
            sum(|s| s.stable_deleted_rows).into(),
            sum(|s| s.delete_vector_bytes).into(),
            stats.max_commit_ts.0.into(),
        ]);
    }
    out
}

/// One row a segment.
pub(super) fn tiflash_segments(reads: &QueryReads) -> Relation {
    let mut out = Relation::new(&[
        ("TIDB_DATABASE", Text),
        ("TIDB_TABLE", Text),
        ("TABLE_ID", UInt),
        ("SEGMENT_ID", UInt),
        ("RANGE", Text),
        ("ROWS", UInt),
        ("DELTA_ROWS", UInt),
        ("DELTA_SIZE", UInt),
        ("DELTA_CHUNKS", UInt),
        ("DELTA_INDEX_KEYS", UInt),
        ("STABLE_ROWS", UInt),
        ("STABLE_SIZE", UInt),
        ("STABLE_PACKS", UInt),
        ("STABLE_DELETED_ROWS", UInt),
        ("HISTORY_ROWS", UInt),
        ("DELETE_VECTOR_SIZE", UInt),
    ]);
    for (table, stats) in replicas(reads) {
        for segment in &stats.segments {
            out.push(vec![
                table.database.as_str().into(),
                table.name.as_str().into(),
                table.id.0.into(),
                segment.segment.0.into(),
                range_text(&segment.range).into(),
                segment.rows.into(),
                segment.delta_rows.into(),
                delta_bytes(segment).into(),
                (segment.chunks.len() as u64).into(),
                segment.index_keys.into(),
                segment.stable_rows.into(),
                segment.stable_bytes.into(),
                (segment.packs.len() as u64).into(),
                segment.stable_deleted_rows.into(),
                segment.history_rows.into(),
                segment.delete_vector_bytes.into(),
            ]);
        }
    }
    out
}

/// Tables with a replica that can be read, and its figures.
fn replicas(reads: &QueryReads) -> impl Iterator<Item = (&TableInfo, TableStats)> {
    let tables = reads.catalog().tables().filter(|table| table.columnar);
    tables.filter_map(|table| Some((table.as_ref(), reads.columnar()?.engine()?.stats(table.id).ok()?)))
}

fn delta_bytes(segment: &SegmentStats) -> u64 {
    segment.delta_memory_bytes + segment.delta_disk_bytes
}

/// `[start, end)`, open ends as infinities, byte keys in hexadecimal.
fn range_text(range: &KeyRange) -> String {
    let key = |key: &Option<RowKey>, open: &str| match key {
        None => open.to_owned(),
        Some(RowKey::Int(v)) => v.to_string(),
        Some(RowKey::Bytes(bytes)) => bytes.iter().map(|b| format!("{b:02x}")).collect(),
    };
    format!("[{}, {})", key(&range.start, "-inf"), key(&range.end, "+inf"))
}
