//! What a voter holds is what the log says at its applied position; so voters at one position hold the
//! same.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Verdict;
use crate::codec::{KeyShape, key_shape};
use crate::raft::{NodeId, VoterState};
use crate::sim::history::{History, Taken};

/// Rows, definitions and counters at that position, dropped tables aside: those are collected bit by bit. After a
/// crash there may be parts of later commits, which it will be fed again.
pub(crate) fn check(history: &History, node: NodeId, state: &VoterState) -> Verdict {
    let (start, end) = (Bytes::from_static(&[0]), Bytes::from_static(&[0xff]));
    let mut found = BTreeMap::new();
    let ts = history.with(|t: &mut Taken| t.commit_ts_at(state.applied().index));
    for row in state.store.versions_at(&start, &end, ts).map_err(|e| e.to_string())? {
        let (row, _) = row.map_err(|e| e.to_string())?;
        found.insert(row.key_bytes(), row.value_bytes());
    }
    let catalog = state.catalog();
    let lives = |key: &[u8]| match key_shape(key) {
        Some(KeyShape::Row { table, .. } | KeyShape::Index { table, .. }) => catalog.table_by_id(table).is_some(),
        Some(KeyShape::Meta) | None => true,
    };
    found.retain(|key, _| lives(key));
    let expected: BTreeMap<Bytes, Bytes> = history.with(|t: &mut Taken| {
        let pairs = t.pairs_at(&start, &end, ts).filter(|(key, _)| lives(key));
        pairs.map(|(key, value)| (key.clone(), value.clone())).collect()
    });
    if found == expected {
        return Ok(());
    }
    let missing: Vec<_> = expected.iter().filter(|(k, v)| found.get(*k) != Some(v)).take(5).collect();
    let surplus: Vec<_> = found.iter().filter(|(k, v)| expected.get(*k) != Some(v)).take(5).collect();
    let at = state.applied();
    Err(format!("replicas_hold_the_same_rows: node {node} at {at:?}: missing {missing:?}, surplus {surplus:?}"))
}
