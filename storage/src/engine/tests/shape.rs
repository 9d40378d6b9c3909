//! What merges leave behind: splits, history, tombstones, kept packs.

use super::harness::{Harness, TABLE, schema};
use crate::types::{KeyKind, StoredType};

const TYPES: [StoredType; 2] = [StoredType::Int64, StoredType::Int64];

fn put(keys: std::ops::Range<u16>, seed: Option<i64>) -> Vec<Vec<(u16, Option<i64>)>> {
    vec![keys.map(|k| (k, seed)).collect()]
}

#[test]
fn a_segment_that_grows_too_large_is_split() {
    let mut harness = Harness::new(schema(KeyKind::Int, &TYPES));
    harness.apply(&put(0..900, Some(1)));
    harness.engine.compact(TABLE).unwrap();
    let segments = harness.engine.stats(TABLE).unwrap().segments;
    assert!(segments.len() >= 4, "{} segments", segments.len());
    assert!(segments.iter().all(|s| s.stable_rows <= 200 && s.delta_rows == 0));
    harness.apply(&put(100..300, Some(2)));
    harness.check();
    harness.engine.flush().unwrap();
    harness.reopen(0);
    assert_eq!(harness.engine.stats(TABLE).unwrap().segments.len(), segments.len());
    harness.check();
}

#[test]
fn superseded_rows_stay_until_the_safe_point_passes_them() {
    let mut harness = Harness::new(schema(KeyKind::Int, &TYPES));
    harness.apply(&put(0..30, Some(1)));
    harness.engine.compact(TABLE).unwrap();
    harness.apply(&put(0..30, Some(2)));
    harness.engine.compact(TABLE).unwrap();
    let history = |h: &Harness| h.engine.stats(TABLE).unwrap().segments.iter().map(|s| s.history_rows).sum::<u64>();
    assert_eq!(history(&harness), 30);
    harness.check();
    harness.set_safe_point(2);
    while harness.engine.maintain().unwrap().is_some() {}
    assert_eq!(history(&harness), 0);
    harness.check();
}

#[test]
fn tombstones_stay_until_the_replay_position_is_durable() {
    let mut harness = Harness::new(schema(KeyKind::Int, &TYPES));
    harness.apply(&put(0..30, Some(1)));
    harness.apply(&put(0..30, None));
    harness.set_safe_point(2);
    harness.engine.compact(TABLE).unwrap();
    let delta = |h: &Harness| h.engine.stats(TABLE).unwrap().segments[0].delta_rows;
    assert_eq!(delta(&harness), 30);
    harness.engine.flush().unwrap();
    harness.engine.compact(TABLE).unwrap();
    assert_eq!(delta(&harness), 0);
    harness.check();
}

#[test]
fn appending_keys_rewrites_no_full_pack() {
    let mut harness = Harness::new(schema(KeyKind::Int, &TYPES));
    harness.apply(&put(0..80, Some(1)));
    harness.engine.compact(TABLE).unwrap();
    let files = |h: &Harness| -> Vec<_> {
        h.engine.stats(TABLE).unwrap().segments.iter().flat_map(|s| s.packs.clone()).map(|p| p.file).collect()
    };
    let before = files(&harness);
    harness.apply(&put(80..120, Some(1)));
    harness.engine.compact(TABLE).unwrap();
    assert_eq!(files(&harness)[..2], before[..]);
    assert_eq!(files(&harness).len(), 3);
}

#[test]
fn a_stream_of_single_rows_leaves_few_parts() {
    let mut harness = Harness::new(schema(KeyKind::Int, &TYPES));
    for key in 0..600 {
        harness.apply(&put(key % 240..key % 240 + 1, Some(i64::from(key))));
        if key % 3 == 0 {
            harness.engine.flush().unwrap();
        }
    }
    let parts = harness.engine.stats(TABLE).unwrap().segments[0].chunks.len();
    assert!(parts <= 40, "{parts} parts");
    harness.check();
}
