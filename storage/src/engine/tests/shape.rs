//! What merges leave behind: splits, history, tombstones, kept packs.

use super::harness::{Harness, TABLE, schema};
use crate::api::CancelFlag;
use crate::config::Config;
use crate::engine::SegmentStats;
use crate::types::{FileId, KeyKind, StoredType};

const TYPES: [StoredType; 2] = [StoredType::Int64, StoredType::Int64];

fn put(keys: std::ops::Range<u16>, seed: Option<i64>) -> Vec<Vec<(u16, Option<i64>)>> {
    vec![keys.map(|k| (k, seed)).collect()]
}

fn segments(harness: &Harness) -> Vec<SegmentStats> {
    harness.engine.stats(TABLE).unwrap().segments
}

fn files(harness: &Harness) -> Vec<Option<FileId>> {
    segments(harness).iter().flat_map(|s| s.packs.clone()).map(|p| p.file).collect()
}

/// Four full packs in one segment, durable, and nothing in the delta.
fn four_packs() -> Harness {
    let mut harness = Harness::new(schema(KeyKind::Int, &TYPES));
    harness.apply(&put(0..160, Some(1)));
    harness.engine.compact(TABLE, &CancelFlag::default()).unwrap();
    harness.engine.flush().unwrap();
    assert_eq!(files(&harness).len(), 4);
    harness
}

/// Nobody reads the past, and nothing is replayed.
fn forget_the_past(harness: &mut Harness) {
    harness.set_safe_point(u64::MAX);
    harness.engine.flush().unwrap();
}

#[test]
fn a_segment_that_grows_too_large_is_split() {
    let mut harness = Harness::new(schema(KeyKind::Int, &TYPES));
    harness.apply(&put(0..900, Some(1)));
    harness.engine.compact(TABLE, &CancelFlag::default()).unwrap();
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
    harness.engine.compact(TABLE, &CancelFlag::default()).unwrap();
    harness.apply(&put(0..30, Some(2)));
    harness.engine.compact(TABLE, &CancelFlag::default()).unwrap();
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
    harness.engine.compact(TABLE, &CancelFlag::default()).unwrap();
    let delta = |h: &Harness| h.engine.stats(TABLE).unwrap().segments[0].delta_rows;
    assert_eq!(delta(&harness), 30);
    harness.engine.flush().unwrap();
    harness.engine.compact(TABLE, &CancelFlag::default()).unwrap();
    assert_eq!(delta(&harness), 0);
    harness.check();
}

#[test]
fn appending_keys_rewrites_no_full_pack() {
    let mut harness = Harness::new(schema(KeyKind::Int, &TYPES));
    harness.apply(&put(0..80, Some(1)));
    harness.engine.compact(TABLE, &CancelFlag::default()).unwrap();
    let before = files(&harness);
    harness.apply(&put(80..120, Some(1)));
    harness.engine.compact(TABLE, &CancelFlag::default()).unwrap();
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

#[test]
fn hot_keys_leave_cold_packs_alone() {
    let mut harness = four_packs();
    let before = files(&harness);
    harness.apply(&put(130..133, Some(2)));
    harness.apply(&put(0..40, Some(3)));
    forget_the_past(&mut harness);
    harness.settle();
    assert_eq!(files(&harness)[1..], before[1..]);
    assert_ne!(files(&harness)[0], before[0]);
    // The cold keys stay in the delta, without the hot ones.
    let segment = &segments(&harness)[0];
    assert_eq!((segment.index_keys, segment.rows, segment.stable_rows), (3, 160, 160));
    harness.check();
    harness.engine.flush().unwrap();
    harness.reopen(0);
    assert_eq!(segments(&harness)[0].index_keys, 3);
    harness.apply(&put(0..160, Some(4)));
    harness.check();
}

/// A merge of one pack drops a tombstone but leaves its bytes in the delta. They must not be taken for
/// the newest version of the key when the index is built from them.
#[test]
fn a_dropped_tombstone_does_not_come_back() {
    let mut harness = four_packs();
    let hot = (0..40).map(|k| (k, (k != 7).then_some(2)));
    let cold = (41..160).step_by(3).chain(200..205).map(|k| (k, Some(2)));
    harness.apply(&[hot.chain(cold).collect()]);
    forget_the_past(&mut harness);
    harness.settle();
    let chunks = |h: &Harness| segments(h)[0].chunks.iter().map(|c| c.rows).collect::<Vec<_>>();
    assert_eq!((segments(&harness)[0].index_keys, chunks(&harness)), (45, vec![85]));
    harness.apply(&put(0..40, Some(3)));
    forget_the_past(&mut harness);
    harness.settle();
    assert_eq!((segments(&harness)[0].index_keys, chunks(&harness)), (45, vec![85]));
    harness.engine.flush().unwrap();
    harness.reopen(0);
    assert_eq!(segments(&harness)[0].index_keys, 45);
    harness.apply(&put(5..10, Some(4)));
    harness.check();
}

#[test]
fn dead_rows_leave_the_delta_without_a_pack_being_written() {
    let mut harness = four_packs();
    let before = files(&harness);
    // A part that is all alive comes first, and stays as it is.
    harness.apply(&put(100..105, Some(9)));
    harness.engine.flush().unwrap();
    for seed in 0..30 {
        harness.apply(&put(50..54, Some(seed)));
    }
    forget_the_past(&mut harness);
    harness.settle();
    assert_eq!(files(&harness), before);
    assert_eq!((segments(&harness)[0].delta_rows, segments(&harness)[0].index_keys), (9, 9));
    harness.check();
    harness.engine.flush().unwrap();
    harness.reopen(0);
    harness.apply(&put(50..102, Some(99)));
    harness.check();
}

#[test]
fn segments_that_have_shrunk_are_joined() {
    let mut harness = Harness::new(schema(KeyKind::Int, &TYPES));
    harness.apply(&put(0..900, Some(1)));
    harness.engine.compact(TABLE, &CancelFlag::default()).unwrap();
    let many = segments(&harness).len();
    harness.hold(harness.now);
    harness.apply(&put(10..890, None));
    harness.apply(&put(300..303, Some(2)));
    harness.check();
    harness.release();
    forget_the_past(&mut harness);
    harness.settle();
    harness.check();
    assert!(many >= 4 && segments(&harness).len() <= 2, "{many} segments became {}", segments(&harness).len());
    harness.apply(&put(295..310, Some(3)));
    harness.check();
    harness.engine.flush().unwrap();
    harness.reopen(3);
    harness.apply(&put(0..900, Some(4)));
    harness.check();
}

#[test]
fn scattered_updates_are_written_three_times() {
    let rows = 10_000u32;
    let config = Config { pack_rows: 1024, segment_rows_limit: 1 << 20, merge_rows_min: 1024, ..Config::tiny() };
    let config = Config { delta_memory_limit: 1 << 30, delta_rows_limit: 1 << 20, ..config };
    let mut harness = Harness::with_config(schema(KeyKind::Int, &TYPES), config);
    harness.apply(&put(0..rows as u16, Some(1)));
    harness.engine.compact(TABLE, &CancelFlag::default()).unwrap();
    harness.engine.flush().unwrap();
    let before = harness.engine.write_stats();
    for step in 0..40 {
        let key = |i: u32| ((step * 1000 + i) * 7919 % rows) as u16;
        harness.apply(&[(0..1000).map(|i| (key(i), Some(i64::from(step)))).collect()]);
        forget_the_past(&mut harness);
        harness.settle();
    }
    harness.engine.flush().unwrap();
    let written = harness.engine.write_stats().since(&before);
    assert_eq!(written.rows_applied, 40_000);
    assert!(written.row_amplification() <= 3.01, "{written:?}");
    assert!(written.pack_bytes > 0 && written.chunk_bytes > 0 && written.delete_bytes > 0);
    let space = harness.engine.stats(TABLE).unwrap().space_amplification();
    assert!((1.0..=1.61).contains(&space), "{space}");
}
