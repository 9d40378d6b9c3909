//! Versions against a model.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use deltatree_storage::types::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::raft::{CommitRecord, Mutation};

fn store() -> (TempDir, RowStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = RowStore::open(dir.path(), 1 << 20).unwrap();
    (dir, store)
}

/// The mutations are not in key order, as they are in the log: order is for speed only.
fn record(ts: u64, changes: &BTreeMap<u8, Option<u8>>) -> CommitRecord {
    let mutations = changes
        .iter()
        .map(|(&k, v)| Mutation { key: key(k), value: v.map(|v| Bytes::copy_from_slice(&[v])) })
        .collect();
    CommitRecord { start_ts: Timestamp(ts - 1), commit_ts: Timestamp(ts), mutations }
}

/// Keys of different lengths, some of which start with others.
fn key(k: u8) -> Bytes {
    Bytes::from([b"k".as_slice(), &vec![0xff; usize::from(k % 3) * 9], &[k]].concat())
}

fn apply(store: &RowStore, commits: &[CommitRecord]) {
    let mut batch = ApplyBatch::new(store);
    commits.iter().for_each(|c| batch.commit(c, commits.len() > 1).unwrap());
    batch.finish().unwrap();
}

type Rows = BTreeMap<Bytes, Bytes>;

fn scan(store: &RowStore, ts: u64, reverse: bool) -> Vec<(Bytes, Bytes)> {
    let scan = store.reader().scan(Bytes::new(), Bytes::from_static(b"z"), Timestamp(ts), reverse);
    scan.map(|r| r.map(|r| (r.key_bytes(), r.value_bytes())).unwrap()).collect()
}

fn collect_all(store: &RowStore) {
    store.settle().unwrap();
    while store.collect(3).unwrap().more {}
}

/// What happens after a commit.
#[derive(Clone, Copy, Debug)]
enum Then {
    Nothing,
    SettleMost,
    Settle,
    /// The process dies; the log is applied again from the position on.
    Crash,
}

type History = Vec<(BTreeMap<u8, Option<u8>>, bool, Then)>;

const POSITION: &[u8] = b"position";

fn apply_entry(store: &RowStore, index: usize, commits: &[CommitRecord]) {
    let mut batch = ApplyBatch::new(store);
    commits.iter().for_each(|c| batch.commit(c, commits.len() > 1).unwrap());
    batch.set_position(POSITION, vec![index as u8]);
    batch.finish().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Commits, in entries of one or two, some applied again; then every timestamp is read, the safe
    /// point moves, garbage goes, and everything at or above it is read again.
    #[test]
    fn every_timestamp_reads_as_in_the_model(
        history in prop::collection::vec(
            (
                prop::collection::btree_map(0u8..12, prop::option::weighted(0.7, any::<u8>()), 1..12),
                any::<bool>(),
                prop_oneof![6 => Just(Then::Nothing), 1 => Just(Then::SettleMost), 1 => Just(Then::Settle), 1 => Just(Then::Crash)],
            ),
            1..40,
        ),
        safe in 0u64..50,
    ) {
        let history: History = history;
        let (dir, mut store) = store();
        let mut model: BTreeMap<u64, Rows> = BTreeMap::from([(0, Rows::new())]);
        let mut commits = Vec::new();
        for (i, (changes, alone, then)) in history.iter().enumerate() {
            let ts = i as u64 + 1;
            let mut rows = model[&(ts - 1)].clone();
            for (&k, v) in changes {
                match v {
                    Some(v) => drop(rows.insert(key(k), Bytes::copy_from_slice(&[*v]))),
                    None => drop(rows.remove(&key(k))),
                }
            }
            model.insert(ts, rows);
            commits.push(record(ts, changes));
            let several = !alone && i > 0;
            // With the one before again: applying twice changes nothing.
            let from = |i: usize, several: bool| if several { i - 1 } else { i };
            apply_entry(&store, i, &commits[from(i, several)..]);
            match then {
                Then::Nothing => {}
                Then::SettleMost => store.settle_most().unwrap(),
                Then::Settle => store.settle().unwrap(),
                Then::Crash => {
                    drop(store);
                    store = RowStore::open(dir.path(), 1 << 20).unwrap();
                    let next = store.meta(POSITION).unwrap().map_or(0, |p| usize::from(p[0]) + 1);
                    for again in next..=i {
                        let several = !history[again].1 && again > 0;
                        apply_entry(&store, again, &commits[from(again, several)..=again]);
                    }
                }
            }
        }
        let check = |from: u64| {
            for (&ts, rows) in model.range(from..) {
                let wanted: Vec<_> = rows.clone().into_iter().collect();
                assert_eq!(scan(&store, ts, false), wanted, "at {ts}");
                assert_eq!(scan(&store, ts, true), wanted.into_iter().rev().collect::<Vec<_>>(), "at {ts}");
                for k in 0..12 {
                    let got = store.reader().get(&key(k), Timestamp(ts)).unwrap();
                    assert_eq!(got.as_ref(), rows.get(&key(k)), "key {k} at {ts}");
                }
            }
        };
        check(0);
        let safe = safe.min(history.len() as u64);
        store.raise_safe_point(Timestamp(safe));
        collect_all(&store);
        check(safe);
        // At the end of time only the newest rows are left.
        let newest = history.len() as u64;
        store.raise_safe_point(Timestamp(newest));
        collect_all(&store);
        check(newest);
        let left: Vec<_> = store.pin().unwrap().into_items().map(|i| i.unwrap()).collect();
        prop_assert_eq!(left.len(), model[&newest].len());
    }
}

#[test]
fn below_the_safe_point_nothing_is_read() {
    let (_dir, store) = store();
    store.raise_safe_point(Timestamp(10));
    let e = store.reader().get(b"k", Timestamp(9)).unwrap_err();
    assert_eq!(e.kind(), crate::ErrorKind::SnapshotTooOld);
    assert!(store.reader().scan(Bytes::new(), Bytes::from_static(b"z"), Timestamp(9), false).next().unwrap().is_err());
}

#[test]
fn a_replaced_store_holds_the_copy_and_survives_reopening() {
    let (_from_dir, from) = store();
    let (to_dir, to) = store();
    apply(&from, &[record(1, &BTreeMap::from([(1, Some(1)), (2, Some(2))]))]);
    apply(&from, &[record(2, &BTreeMap::from([(1, Some(3)), (2, None)]))]);
    apply(&to, &[record(1, &BTreeMap::from([(9, Some(9))]))]);
    from.raise_safe_point(Timestamp(1));
    from.keep_safe_point().unwrap();
    to.replace_all(
        from.pin().unwrap().into_items(),
        &[(b"name", b"value".to_vec())],
        from.pin().unwrap().safe_point().unwrap(),
    )
    .unwrap();
    assert_eq!(to.safe_point(), from.safe_point(), "what was collected there cannot be read here");
    for ts in [1, 2] {
        assert_eq!(scan(&to, ts, false), scan(&from, ts, false));
    }
    drop(to);
    let to = RowStore::open(to_dir.path(), 1 << 20).unwrap();
    assert_eq!(scan(&to, 1, false), scan(&from, 1, false));
    assert_eq!(to.meta(b"name").unwrap().as_deref(), Some(b"value".as_slice()));
}

#[test]
fn a_failed_replacement_leaves_the_old_content() {
    let (_dir, store) = store();
    apply(&store, &[record(1, &BTreeMap::from([(1, Some(1))]))]);
    let cut_off = || Err(crate::Error::Io { action: "receive", reason: "for the test".into() });
    assert!(store.replace_all(std::iter::once_with(cut_off), &[], Timestamp::ZERO).is_err());
    assert_eq!(scan(&store, 1, false).len(), 1);
}

#[test]
fn a_dropped_table_goes_in_steps() {
    use deltatree_storage::types::{KeyRef, TableId};
    let (_dir, store) = store();
    let row = |table: u64, n: i64| crate::codec::row_key(TableId(table), KeyRef::Int(n));
    for table in [1, 2] {
        let mutations =
            (0..20).map(|n| Mutation { key: row(table, n), value: Some(Bytes::from_static(b"v")) }).collect();
        apply(&store, &[CommitRecord { start_ts: Timestamp(1), commit_ts: Timestamp(2), mutations }]);
    }
    let mut batch = ApplyBatch::new(&store);
    batch.drop_table(TableId(1));
    batch.finish().unwrap();
    collect_all(&store);
    assert_eq!(store.reader().get(&row(1, 3), Timestamp::MAX).unwrap(), None);
    assert_eq!(scan(&store, u64::MAX, false).len(), 20);
    assert_eq!(store.pin().unwrap().into_items().count(), 20);
}

#[test]
fn bulk_runs_meet_existing_keys_in_their_midst() {
    let (_dir, store) = store();
    let key = |n: u32| Bytes::copy_from_slice(&n.to_be_bytes());
    let put = |ts: u64, keys: &[u32]| {
        let mutations =
            keys.iter().map(|&n| Mutation { key: key(n), value: Some(Bytes::from(ts.to_string())) }).collect();
        apply(&store, &[CommitRecord { start_ts: Timestamp(ts - 1), commit_ts: Timestamp(ts), mutations }]);
    };
    put(1, &[100, 250]);
    put(2, &(0..300).collect::<Vec<_>>());
    let at = |n, ts| store.reader().get(&key(n), Timestamp(ts)).unwrap();
    assert_eq!(at(100, 1), Some(Bytes::from_static(b"1")));
    assert_eq!(at(250, 1), Some(Bytes::from_static(b"1")));
    assert_eq!(at(99, 1), None);
    assert!((0..300).all(|n| at(n, 2) == Some(Bytes::from_static(b"2"))));
    let found = Arc::new(parking_lot::Mutex::new(0));
    let keys: Vec<_> = (0..400).map(key).collect();
    store
        .newest_headers(keys.iter().map(|k| k.as_ref()), |_, h| {
            *found.lock() += usize::from(h.is_some());
            Ok(())
        })
        .unwrap();
    assert_eq!(*found.lock(), 300);
}

#[test]
fn the_safe_point_survives_reopening() {
    let (dir, store) = store();
    store.raise_safe_point(Timestamp(10));
    store.keep_safe_point().unwrap();
    drop(store);
    assert_eq!(RowStore::open(dir.path(), 1 << 20).unwrap().safe_point(), Timestamp(10));
}
