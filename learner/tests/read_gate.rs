//! What the columnar engine shows after the read gate.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use common::{columnar_rows, define_table, delete_row, put_row, stored_rows};
use deltatree_learner::catalog::{TableInfo, set_gc_life};
use deltatree_learner::clock::ManualClock;
use deltatree_learner::{ErrorKind, GroupConfig, LeaderGroup, TxnOptions};
use deltatree_storage::types::Timestamp;

const PATIENCE: Duration = Duration::from_secs(30);

async fn with_table(config: GroupConfig) -> (LeaderGroup, TableInfo) {
    let g = LeaderGroup::open(config).await.unwrap();
    let mut txn = g.begin(TxnOptions::optimistic()).await.unwrap();
    let info = define_table(&mut txn, "t");
    txn.commit().await.unwrap();
    (g, info)
}

async fn put(g: &LeaderGroup, info: &TableInfo, id: i64, v: i64) {
    let mut txn = g.begin(TxnOptions::optimistic()).await.unwrap();
    put_row(&mut txn, info, id, v);
    txn.commit().await.unwrap();
}

/// The rows of both engines at one timestamp, which must be equal.
async fn rows(g: &LeaderGroup, info: &TableInfo) -> BTreeMap<i64, i64> {
    let txn = g.begin(TxnOptions::optimistic()).await.unwrap();
    g.read_gate(txn.start_ts(), PATIENCE).await.unwrap();
    let columnar = columnar_rows(g.columnar().unwrap().engine().unwrap(), info.id, txn.start_ts());
    assert_eq!(columnar, stored_rows(&txn, info).unwrap());
    columnar
}

/// Invariant 4, reads_see_every_commit_before_them: commit, then read the columns, under load.
#[tokio::test(flavor = "multi_thread")]
async fn reads_see_every_commit_before_them() {
    const TRIES: i64 = 1_500;
    let dir = tempfile::tempdir().unwrap();
    let (g, info) = with_table(GroupConfig::new(dir.path())).await;
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..4)
        .map(|writer| {
            let (g, info, stop) = (g.clone(), info.clone(), stop.clone());
            tokio::spawn(async move {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    put(&g, &info, 1_000 + writer, n).await;
                    n += 1;
                }
            })
        })
        .collect();
    for n in 0..TRIES {
        put(&g, &info, n % 7, n).await;
        let ts = g.timestamp().await.unwrap();
        g.read_gate(ts, PATIENCE).await.unwrap();
        let seen = columnar_rows(g.columnar().unwrap().engine().unwrap(), info.id, ts);
        assert_eq!(seen.get(&(n % 7)), Some(&n), "try {n}");
    }
    stop.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    g.shutdown().await.unwrap();
}

/// Invariants 2 and 6: both engines hold the same rows at every timestamp, and a transfer between rows
/// is never seen in part.
#[tokio::test(flavor = "multi_thread")]
async fn columnar_equals_row_at_ts_and_no_partial_transaction_is_visible() {
    const ACCOUNTS: i64 = 8;
    let dir = tempfile::tempdir().unwrap();
    let (g, info) = with_table(GroupConfig::new(dir.path())).await;
    let mut txn = g.begin(TxnOptions::optimistic()).await.unwrap();
    (0..ACCOUNTS).for_each(|id| put_row(&mut txn, &info, id, 100));
    txn.commit().await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let transfers = Arc::new(AtomicI64::new(0));
    let load: Vec<_> = (0..4)
        .map(|seed: i64| {
            let (g, info, stop, transfers) = (g.clone(), info.clone(), stop.clone(), transfers.clone());
            tokio::spawn(async move {
                let mut n = seed;
                while !stop.load(Ordering::Relaxed) {
                    n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let (from, to) = ((n >> 33).rem_euclid(ACCOUNTS), (n >> 40).rem_euclid(ACCOUNTS));
                    if from == to {
                        continue;
                    }
                    let mut txn = g.begin(TxnOptions::optimistic()).await.unwrap();
                    let now = stored_rows(&txn, &info).unwrap();
                    put_row(&mut txn, &info, from, now[&from] - 1);
                    put_row(&mut txn, &info, to, now[&to] + 1);
                    match txn.commit().await {
                        Ok(_) => drop(transfers.fetch_add(1, Ordering::Relaxed)),
                        Err(e) => assert_eq!(e.kind(), ErrorKind::WriteConflict),
                    }
                }
            })
        })
        .collect();
    // On a busy machine the reads may be done before the first transfer is.
    let mut reads = 0;
    while reads < 300 || (transfers.load(Ordering::Relaxed) == 0 && reads < 100_000) {
        reads += 1;
        let seen = rows(&g, &info).await;
        assert_eq!(seen.values().sum::<i64>(), 100 * ACCOUNTS);
    }
    stop.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    assert!(transfers.load(Ordering::Relaxed) > 0);
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_learner_resumes_from_its_replay_position() {
    let dir = tempfile::tempdir().unwrap();
    let (g, info) = with_table(GroupConfig::new(dir.path())).await;
    let mut expected = BTreeMap::new();
    for id in 0..50 {
        put(&g, &info, id, id).await;
        expected.insert(id, id);
    }
    assert_eq!(rows(&g, &info).await, expected);
    g.shutdown().await.unwrap();
    drop(g);
    for life in 1..4 {
        let g = LeaderGroup::open(GroupConfig::new(dir.path())).await.unwrap();
        assert!(g.status().learner_applied > Some(1), "it did not begin at the beginning");
        assert_eq!(rows(&g, &info).await, expected);
        let mut txn = g.begin(TxnOptions::optimistic()).await.unwrap();
        put_row(&mut txn, &info, life, -life);
        delete_row(&mut txn, &info, 40 + life);
        txn.commit().await.unwrap();
        expected.insert(life, -life);
        expected.remove(&(40 + life));
        assert_eq!(rows(&g, &info).await, expected);
        g.shutdown().await.unwrap();
        drop(g);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_columns_are_built_again_from_the_row_store() {
    let dir = tempfile::tempdir().unwrap();
    let (g, info) = with_table(GroupConfig::new(dir.path())).await;
    for id in 0..20 {
        put(&g, &info, id, id).await;
    }
    let before = rows(&g, &info).await;
    g.shutdown().await.unwrap();
    drop(g);
    std::fs::remove_dir_all(dir.path().join("columnar")).unwrap();
    let g = LeaderGroup::open(GroupConfig::new(dir.path())).await.unwrap();
    assert_eq!(rows(&g, &info).await, before);
    put(&g, &info, 7, 70).await;
    assert_eq!(rows(&g, &info).await[&7], 70);
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_columns_come_back_by_raft_snapshot_when_the_log_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let config = GroupConfig {
        log_keep_bytes: 0,
        log_limit_bytes: 0,
        columnar_flush_interval: Duration::from_millis(100),
        ..GroupConfig::new(dir.path())
    };
    let (g, info) = with_table(config.clone()).await;
    for id in 0..100 {
        put(&g, &info, id, id).await;
    }
    let before = rows(&g, &info).await;
    let deadline = std::time::Instant::now() + PATIENCE;
    while g.status().purged.is_none_or(|p| p < 50) {
        assert!(std::time::Instant::now() < deadline, "the log is not purged: {:?}", g.status());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    g.shutdown().await.unwrap();
    drop(g);
    std::fs::remove_dir_all(dir.path().join("columnar")).unwrap();
    let g = LeaderGroup::open(config).await.unwrap();
    assert_eq!(rows(&g, &info).await, before);
    put(&g, &info, 7, 70).await;
    assert_eq!(rows(&g, &info).await[&7], 70);
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_dropped_and_made_again_is_empty_in_both_engines() {
    let dir = tempfile::tempdir().unwrap();
    let (g, info) = with_table(GroupConfig::new(dir.path())).await;
    put(&g, &info, 1, 1).await;
    let mut txn = g.begin(TxnOptions::optimistic()).await.unwrap();
    let ops = deltatree_learner::catalog::drop_table(&g.catalog(), info.id).unwrap();
    common::buffer(&mut txn, ops);
    txn.commit().await.unwrap();
    g.drop_table_data(info.id).await.unwrap();
    let mut stale = g.begin(TxnOptions::optimistic()).await.unwrap();
    put_row(&mut stale, &info, 2, 2);
    assert_eq!(stale.commit().await.unwrap_err().kind(), ErrorKind::SchemaChanged);
    let mut txn = g.begin(TxnOptions::optimistic()).await.unwrap();
    let again = define_table(&mut txn, "t");
    txn.commit().await.unwrap();
    assert_ne!(again.id, info.id);
    assert_eq!(rows(&g, &again).await, BTreeMap::new());
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_versions_are_collected_but_not_under_a_reader() {
    let dir = tempfile::tempdir().unwrap();
    let config = GroupConfig { gc_life: Duration::from_millis(200), ..GroupConfig::new(dir.path()) };
    let (g, info) = with_table(config).await;
    put(&g, &info, 1, 0).await;
    let reader = g.begin(TxnOptions::optimistic()).await.unwrap();
    let old = reader.start_ts();
    for n in 1..20 {
        put(&g, &info, 1, n).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(stored_rows(&reader, &info).unwrap()[&1], 0);
    assert!(g.safe_point() <= old);
    drop(reader);
    let deadline = std::time::Instant::now() + PATIENCE;
    while g.safe_point() <= old {
        assert!(std::time::Instant::now() < deadline, "the safe point stands still");
        put(&g, &info, 2, 0).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(g.register_reader(old).await.err().map(|e| e.kind()), Some(ErrorKind::SnapshotTooOld));
    assert_eq!(rows(&g, &info).await[&1], 19);
    g.shutdown().await.unwrap();
}

/// The group keeps how long versions stay, over restarts. The first look for work is soon after a start.
#[tokio::test(flavor = "multi_thread")]
async fn versions_live_for_as_long_as_the_group_was_told() {
    const MINUTE: u64 = 60_000;
    let dir = tempfile::tempdir().unwrap();
    let begin = 1_700_000_000_000;
    let clock = Arc::new(ManualClock::at(begin));
    let config = GroupConfig { clock: clock.clone(), ..GroupConfig::new(dir.path()) };
    let (g, info) = with_table(config.clone()).await;
    put(&g, &info, 1, 0).await;
    let old = g.timestamp().await.unwrap();
    put(&g, &info, 1, 1).await;
    assert_eq!(g.catalog().gc_life(), None);
    let mut txn = g.begin(TxnOptions::optimistic()).await.unwrap();
    common::buffer(&mut txn, set_gc_life(&g.catalog(), Duration::from_secs(3600)));
    txn.commit().await.unwrap();
    g.shutdown().await.unwrap();
    drop(g);

    clock.set(begin + 11 * MINUTE);
    let g = LeaderGroup::open(config.clone()).await.unwrap();
    assert_eq!(g.catalog().gc_life(), Some(Duration::from_secs(3600)));
    for n in 2..10 {
        put(&g, &info, 1, n).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(g.safe_point() <= old);
    drop(g.register_reader(old).await.unwrap());
    g.shutdown().await.unwrap();
    drop(g);

    clock.set(begin + 61 * MINUTE);
    let g = LeaderGroup::open(config).await.unwrap();
    let deadline = std::time::Instant::now() + PATIENCE;
    while g.safe_point() <= old {
        assert!(std::time::Instant::now() < deadline, "the safe point stands still");
        put(&g, &info, 1, 10).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(g.register_reader(old).await.err().map(|e| e.kind()), Some(ErrorKind::SnapshotTooOld));
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_future_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let (g, _) = with_table(GroupConfig::new(dir.path())).await;
    let gate = g.read_gate(Timestamp(u64::MAX), PATIENCE).await;
    assert_eq!(gate.unwrap_err().kind(), ErrorKind::Invalid);
    g.shutdown().await.unwrap();
}
