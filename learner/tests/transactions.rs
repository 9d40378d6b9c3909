//! Transactions on a group of one voter: what snapshot isolation promises, and what it does not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use bytes::Bytes;
use deltatree_learner::{ErrorKind, GroupConfig, LeaderGroup, TxnOptions};
use deltatree_storage::types::TableId;

fn b(s: &str) -> Bytes {
    Bytes::copy_from_slice(s.as_bytes())
}

async fn group(dir: &tempfile::TempDir) -> LeaderGroup {
    LeaderGroup::open(GroupConfig::new(dir.path())).await.unwrap()
}

async fn put(g: &LeaderGroup, key: &str, value: &str) {
    let mut t = g.begin(TxnOptions::optimistic()).await.unwrap();
    t.put(b(key), b(value)).unwrap();
    t.commit().await.unwrap();
}

async fn get(g: &LeaderGroup, key: &str) -> Option<Bytes> {
    g.begin(TxnOptions::optimistic()).await.unwrap().get(key.as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_seen_by_whoever_begins_after_it_and_by_nobody_before() {
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    let before = g.begin(TxnOptions::optimistic()).await.unwrap();
    put(&g, "k", "1").await;
    assert_eq!(before.get(b"k").unwrap(), None);
    assert_eq!(get(&g, "k").await, Some(b("1")));
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_update_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    put(&g, "k", "0").await;
    let mut a = g.begin(TxnOptions::optimistic()).await.unwrap();
    let mut c = g.begin(TxnOptions::optimistic()).await.unwrap();
    a.put(b("k"), b("a")).unwrap();
    c.put(b("k"), b("c")).unwrap();
    a.commit().await.unwrap();
    assert_eq!(c.commit().await.unwrap_err().kind(), ErrorKind::WriteConflict);
    assert_eq!(get(&g, "k").await, Some(b("a")));
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn write_skew_is_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    let mut a = g.begin(TxnOptions::optimistic()).await.unwrap();
    let mut c = g.begin(TxnOptions::optimistic()).await.unwrap();
    assert_eq!(a.get(b"y").unwrap(), None);
    assert_eq!(c.get(b"x").unwrap(), None);
    a.put(b("x"), b("1")).unwrap();
    c.put(b("y"), b("1")).unwrap();
    a.commit().await.unwrap();
    c.commit().await.unwrap();
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshot_reads_are_repeatable_over_overwrites_and_deletes() {
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    for key in ["a", "b", "c"] {
        put(&g, key, "old").await;
    }
    let reader = g.begin(TxnOptions::optimistic()).await.unwrap();
    let mut writer = g.begin(TxnOptions::optimistic()).await.unwrap();
    writer.put(b("a"), b("new")).unwrap();
    writer.delete(b("b")).unwrap();
    writer.put(b("d"), b("new")).unwrap();
    writer.commit().await.unwrap();
    let rows = |t: &deltatree_learner::Transaction, reverse| -> Vec<(Bytes, Bytes)> {
        t.scan(b("a"), b("z"), reverse).map(|r| r.map(|r| (r.key_bytes(), r.value_bytes())).unwrap()).collect()
    };
    let old: Vec<_> = ["a", "b", "c"].map(|k| (b(k), b("old"))).into();
    assert_eq!(rows(&reader, false), old);
    assert_eq!(rows(&reader, true), old.into_iter().rev().collect::<Vec<_>>());
    let now = g.begin(TxnOptions::optimistic()).await.unwrap();
    assert_eq!(rows(&now, false), [(b("a"), b("new")), (b("c"), b("old")), (b("d"), b("new"))]);
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_show_own_writes_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    for key in ["a", "c", "e"] {
        put(&g, key, "stored").await;
    }
    let mut t = g.begin(TxnOptions::optimistic()).await.unwrap();
    t.put(b("b"), b("own")).unwrap();
    t.put(b("c"), b("own")).unwrap();
    t.delete(b("e")).unwrap();
    t.put(b("f"), b("own")).unwrap();
    let keys = |reverse| -> Vec<Bytes> { t.scan(b("a"), b("z"), reverse).map(|r| r.unwrap().key_bytes()).collect() };
    assert_eq!(keys(false), ["a", "b", "c", "f"].map(b));
    assert_eq!(keys(true), ["f", "c", "b", "a"].map(b));
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_of_an_existing_key_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    put(&g, "k", "1").await;
    let mut t = g.begin(TxnOptions::optimistic()).await.unwrap();
    t.insert(b("k"), b("2")).unwrap();
    match t.commit().await.unwrap_err() {
        deltatree_learner::Error::DuplicateKey { key } => assert_eq!(key, b("k")),
        other => panic!("{other}"),
    }
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_inserts_of_one_key_one_wins_and_the_others_are_duplicates() {
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    let tasks: Vec<_> = (0..16)
        .map(|i| {
            let g = g.clone();
            tokio::spawn(async move {
                let mut t = g.begin(TxnOptions::optimistic()).await.unwrap();
                t.insert(b("k"), b(&i.to_string())).unwrap();
                t.commit().await.map_err(|e| e.kind())
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(kind) => assert_eq!(kind, ErrorKind::DuplicateKey),
        }
    }
    assert_eq!(won, 1);
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_key_can_be_inserted_again() {
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    put(&g, "k", "1").await;
    let mut t = g.begin(TxnOptions::optimistic()).await.unwrap();
    t.delete(b("k")).unwrap();
    t.commit().await.unwrap();
    let mut t = g.begin(TxnOptions::optimistic()).await.unwrap();
    t.insert(b("k"), b("2")).unwrap();
    t.commit().await.unwrap();
    assert_eq!(get(&g, "k").await, Some(b("2")));
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_counters_lose_no_increment() {
    const TASKS: usize = 8;
    const ROUNDS: usize = 25;
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    put(&g, "n", "0").await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let g = g.clone();
            tokio::spawn(async move {
                for _ in 0..ROUNDS {
                    let mut t = g.begin(TxnOptions::default()).await.unwrap();
                    let locked = t.lock_keys(&[b("n")], Duration::from_secs(20)).await.unwrap();
                    let n = t.get_at(b"n", locked.for_update_ts).unwrap().unwrap();
                    let n: usize = std::str::from_utf8(&n).unwrap().parse().unwrap();
                    t.put(b("n"), b(&(n + 1).to_string())).unwrap();
                    t.commit().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(get(&g, "n").await, Some(b(&(TASKS * ROUNDS).to_string())));
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_waited_for_no_longer_than_asked() {
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    let mut a = g.begin(TxnOptions::default()).await.unwrap();
    let mut c = g.begin(TxnOptions::default()).await.unwrap();
    a.lock_keys(&[b("k")], Duration::from_secs(1)).await.unwrap();
    let e = c.lock_keys(&[b("k")], Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::LockWaitTimeout);
    a.rollback();
    c.lock_keys(&[b("k")], Duration::from_millis(50)).await.unwrap();
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_found_and_the_other_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    let wait = Duration::from_secs(20);
    let mut a = g.begin(TxnOptions::default()).await.unwrap();
    let mut c = g.begin(TxnOptions::default()).await.unwrap();
    a.lock_keys(&[b("x")], wait).await.unwrap();
    c.lock_keys(&[b("y")], wait).await.unwrap();
    let waiting = tokio::spawn(async move { a.lock_keys(&[b("y")], wait).await.map(|_| a) });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let e = c.lock_keys(&[b("x")], wait).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Deadlock);
    drop(c);
    waiting.await.unwrap().unwrap();
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_optimistic_commit_waits_for_a_lock_and_then_conflicts() {
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    let mut locker = g.begin(TxnOptions::default()).await.unwrap();
    locker.lock_keys(&[b("k")], Duration::from_secs(1)).await.unwrap();
    let mut writer = g.begin(TxnOptions::optimistic()).await.unwrap();
    writer.put(b("k"), b("w")).unwrap();
    let commit = tokio::spawn(writer.commit());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!commit.is_finished());
    locker.put(b("k"), b("l")).unwrap();
    locker.commit().await.unwrap();
    assert_eq!(commit.await.unwrap().unwrap_err().kind(), ErrorKind::WriteConflict);
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_acknowledged_is_there_after_reopening_and_time_went_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut newest = deltatree_storage::types::Timestamp::ZERO;
    for life in 0..3 {
        let g = group(&dir).await;
        for earlier in 0..life {
            assert_eq!(get(&g, &format!("k{earlier}")).await, Some(b("v")));
        }
        let ts = g.timestamp().await.unwrap();
        assert!(ts > newest);
        put(&g, &format!("k{life}"), "v").await;
        newest = g.timestamp().await.unwrap();
        g.shutdown().await.unwrap();
        drop(g);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_opener_is_told_that_the_directory_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    let second = LeaderGroup::open(GroupConfig::new(dir.path())).await;
    assert_eq!(second.err().unwrap().kind(), ErrorKind::Locked);
    put(&g, "k", "v").await;
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_commits_share_a_sync() {
    const CLIENTS: usize = 64;
    const COMMITS: usize = 20;
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    let before = g.status();
    let tasks: Vec<_> = (0..CLIENTS)
        .map(|c| {
            let g = g.clone();
            tokio::spawn(async move {
                for i in 0..COMMITS {
                    put(&g, &format!("{c}-{i}"), "v").await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let after = g.status();
    let (commits, syncs) = (after.commits - before.commits, after.log_syncs - before.log_syncs);
    assert_eq!(commits, (CLIENTS * COMMITS) as u64);
    assert!(syncs * 4 < commits, "{syncs} syncs for {commits} commits");
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_handed_out_once_and_explicit_values_push_them() {
    let dir = tempfile::tempdir().unwrap();
    let table = TableId(7);
    let g = group(&dir).await;
    assert_eq!(g.allocate_ids(table, 3, None).await.unwrap(), 1);
    assert_eq!(g.allocate_ids(table, 1, None).await.unwrap(), 4);
    g.allocate_ids(table, 0, Some(100_000)).await.unwrap();
    assert_eq!(g.allocate_ids(table, 1, None).await.unwrap(), 100_000);
    g.shutdown().await.unwrap();
    drop(g);
    let g = group(&dir).await;
    assert!(g.allocate_ids(table, 1, None).await.unwrap() > 100_000);
    g.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_served_after_shutdown() {
    let dir = tempfile::tempdir().unwrap();
    let g = group(&dir).await;
    let mut t = g.begin(TxnOptions::optimistic()).await.unwrap();
    t.put(b("k"), b("v")).unwrap();
    g.shutdown().await.unwrap();
    assert_eq!(t.commit().await.unwrap_err().kind(), ErrorKind::Closed);
    assert!(g.begin(TxnOptions::optimistic()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_has_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    let g = LeaderGroup::open(GroupConfig { txn_bytes_limit: 1_000, ..GroupConfig::new(dir.path()) }).await.unwrap();
    let mut t = g.begin(TxnOptions::optimistic()).await.unwrap();
    let value = Bytes::from(vec![0; 600]);
    t.put(b("a"), value.clone()).unwrap();
    assert_eq!(t.put(b("b"), value).unwrap_err().kind(), ErrorKind::TxnTooLarge);
    g.shutdown().await.unwrap();
}
