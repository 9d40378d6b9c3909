//! Transactions of front ends in other processes: voters and front ends meet over gRPC only.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{define_table, put_row, stored_rows};
use deltatree_learner::cluster::{NodeConfig, VoterNode};
use deltatree_learner::{Error, ErrorKind, LeaderGroup, RemoteGroupConfig, Transaction, TxnOptions};
use deltatree_storage::types::TableId;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

const PATIENCE: Duration = Duration::from_secs(60);

fn b(s: &str) -> Bytes {
    Bytes::copy_from_slice(s.as_bytes())
}

/// Voters with a leader.
async fn voters(dir: &tempfile::TempDir, count: u64) -> Vec<VoterNode> {
    let mut voters = Vec::new();
    for id in 1..=count {
        let config = NodeConfig::on_loopback(id, dir.path().join(id.to_string()));
        voters.push(VoterNode::open(config).await.unwrap());
    }
    let members = (1..).zip(&voters).map(|(id, v)| (id, v.address().to_string())).collect();
    voters[0].form_group(members).await.unwrap();
    leader(&voters).await;
    voters
}

async fn leader(voters: &[VoterNode]) -> usize {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(i) = voters.iter().position(VoterNode::is_leading) {
            return i;
        }
        assert!(Instant::now() < deadline, "no leader");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn connect(addresses: Vec<String>) -> LeaderGroup {
    LeaderGroup::connect(RemoteGroupConfig { addresses, txn_bytes_limit: 64 << 20 }).await.unwrap()
}

async fn front_end(voters: &[VoterNode]) -> LeaderGroup {
    connect(voters.iter().map(|v| v.address().to_string()).collect()).await
}

async fn begin(g: &LeaderGroup) -> Transaction {
    g.begin(TxnOptions::optimistic()).await.unwrap()
}

async fn put(g: &LeaderGroup, key: &str, value: &str) {
    let mut t = begin(g).await;
    t.put(b(key), b(value)).unwrap();
    t.commit().await.unwrap();
}

fn keys(t: &Transaction, reverse: bool) -> Vec<Bytes> {
    t.scan(b("a"), b("z"), reverse).map(|row| row.unwrap().key_bytes()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn front_ends_see_what_others_commit_and_their_snapshots_stay() {
    let dir = tempfile::tempdir().unwrap();
    let voters = voters(&dir, 1).await;
    let (one, two) = (front_end(&voters).await, front_end(&voters).await);
    let before = begin(&two).await;
    for key in ["a", "c", "e"] {
        put(&one, key, "stored").await;
    }
    assert_eq!(before.get(b"a").unwrap(), None);
    assert!(keys(&before, false).is_empty());
    let mut t = begin(&two).await;
    t.put(b("b"), b("own")).unwrap();
    t.delete(b("e")).unwrap();
    assert_eq!(keys(&t, false), ["a", "b", "c"].map(b));
    assert_eq!(keys(&t, true), ["c", "b", "a"].map(b));
    put(&one, "c", "newer").await;
    assert_eq!(t.get(b"c").unwrap(), Some(b("stored")));
    let found = two.reader().multi_get(&["a", "nothing", "c"], t.start_ts()).unwrap();
    assert_eq!(found, [Some(b("stored")), None, Some(b("stored"))]);
    t.commit().await.unwrap();
    let mut late = begin(&one).await;
    late.insert(b("b"), b("again")).unwrap();
    assert!(matches!(late.commit().await, Err(Error::DuplicateKey { key }) if key == b("b")));
    let (mut first, mut second) = (begin(&one).await, begin(&two).await);
    first.put(b("c"), b("1")).unwrap();
    second.put(b("c"), b("2")).unwrap();
    first.commit().await.unwrap();
    assert_eq!(second.commit().await.unwrap_err().kind(), ErrorKind::WriteConflict);
    assert_eq!(one.allocate_ids(TableId(7), 3, None).await.unwrap(), 1);
    assert_eq!(two.allocate_ids(TableId(7), 1, None).await.unwrap(), 4);
    assert!(two.register_reader(before.start_ts()).await.is_ok());
    assert!(two.status().leader.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_of_many_rows_arrives_complete_and_in_order() {
    const ROWS: usize = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let voters = voters(&dir, 1).await;
    let g = front_end(&voters).await;
    let mut t = g.begin(TxnOptions::optimistic()).await.unwrap();
    for i in 0..ROWS {
        t.put(b(&format!("k{i:06}")), Bytes::from_static(&[7; 40])).unwrap();
    }
    t.commit().await.unwrap();
    let t = begin(&g).await;
    for reverse in [false, true] {
        let mut found = keys(&t, reverse);
        if reverse {
            found.reverse();
        }
        assert_eq!(found.len(), ROWS);
        assert!(found.is_sorted());
    }
    assert_eq!(t.scan(b("a"), b("z"), false).take(3).count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_of_one_front_end_reach_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let voters = voters(&dir, 1).await;
    let (one, two) = (front_end(&voters).await, front_end(&voters).await);
    let mut t = begin(&one).await;
    let first = define_table(&mut t, "first");
    t.commit().await.unwrap();
    assert!(one.catalog().table("test", "first").is_some(), "its own commit brings the news");
    assert!(two.catalog().table("test", "first").is_none());
    two.learn_definitions().await.unwrap();
    assert!(two.catalog().table("test", "first").is_some());
    let mut t = begin(&one).await;
    define_table(&mut t, "second");
    t.commit().await.unwrap();
    two.timestamp().await.unwrap();
    assert!(two.catalog().table("test", "second").is_some(), "a timestamp brings the news");
    let mut t = begin(&two).await;
    put_row(&mut t, &first, 1, 10);
    t.use_schema(first.id, first.schema_version + 1);
    assert_eq!(t.commit().await.unwrap_err().kind(), ErrorKind::SchemaChanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_hold_across_front_ends_and_end_with_their_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let voters = voters(&dir, 1).await;
    let (one, two) = (front_end(&voters).await, front_end(&voters).await);
    put(&one, "n", "1").await;
    let mut a = one.begin(TxnOptions::default()).await.unwrap();
    let mut c = two.begin(TxnOptions::default()).await.unwrap();
    a.lock_keys(&[b("n")], Duration::from_secs(1)).await.unwrap();
    let e = c.lock_keys(&[b("n")], Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::LockWaitTimeout);
    a.put(b("n"), b("2")).unwrap();
    let waiting = tokio::spawn(async move {
        let locked = c.lock_keys(&[b("n")], PATIENCE).await.unwrap();
        let seen = c.get_at(b"n", locked.for_update_ts).unwrap();
        c.put(b("n"), b("3")).unwrap();
        c.commit().await.unwrap();
        seen
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    a.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap(), Some(b("2")), "the lock shows what its owner committed");
    let mut rolled_back = one.begin(TxnOptions::default()).await.unwrap();
    rolled_back.lock_keys(&[b("n")], Duration::from_secs(1)).await.unwrap();
    drop(rolled_back);
    let mut next = two.begin(TxnOptions::default()).await.unwrap();
    next.lock_keys(&[b("n")], Duration::from_secs(2)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_between_front_ends_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let voters = voters(&dir, 1).await;
    let (one, two) = (front_end(&voters).await, front_end(&voters).await);
    let mut a = one.begin(TxnOptions::default()).await.unwrap();
    let mut c = two.begin(TxnOptions::default()).await.unwrap();
    a.lock_keys(&[b("x")], PATIENCE).await.unwrap();
    c.lock_keys(&[b("y")], PATIENCE).await.unwrap();
    let waiting = tokio::spawn(async move { a.lock_keys(&[b("y")], PATIENCE).await.map(|_| a) });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(c.lock_keys(&[b("x")], PATIENCE).await.unwrap_err().kind(), ErrorKind::Deadlock);
    drop(c);
    waiting.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_of_a_dead_front_end_are_freed() {
    let dir = tempfile::tempdir().unwrap();
    let voters = voters(&dir, 1).await;
    let (dying, living) = (front_end(&voters).await, front_end(&voters).await);
    let mut orphan = dying.begin(TxnOptions::default()).await.unwrap();
    orphan.lock_keys(&[b("k")], Duration::from_secs(1)).await.unwrap();
    dying.shutdown().await.unwrap();
    drop((orphan, dying));
    let begun = Instant::now();
    let mut heir = living.begin(TxnOptions::default()).await.unwrap();
    heir.lock_keys(&[b("k")], Duration::from_secs(20)).await.unwrap();
    assert!(begun.elapsed() > Duration::from_secs(1), "the dead one's lease was honoured");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_leader_goes_on_with_reads_and_commits_of_the_old_ones_transactions() {
    let dir = tempfile::tempdir().unwrap();
    let mut voters = voters(&dir, 3).await;
    let g = front_end(&voters).await;
    let mut t = begin(&g).await;
    let info = define_table(&mut t, "t");
    t.commit().await.unwrap();
    let mut t = begin(&g).await;
    (0..50).for_each(|id| put_row(&mut t, &info, id, id));
    t.commit().await.unwrap();

    let mut doomed = g.begin(TxnOptions::default()).await.unwrap();
    doomed.lock_keys(&[b("lost")], Duration::from_secs(1)).await.unwrap();
    let mut open = begin(&g).await;
    put_row(&mut open, &info, 50, 50);
    let old = leader(&voters).await;
    let dead = voters.remove(old);
    dead.shutdown().await.unwrap();
    drop(dead);

    assert_eq!(stored_rows(&open, &info).unwrap().len(), 51, "the snapshot is readable at the new leader");
    open.commit().await.unwrap();
    assert_eq!(stored_rows(&begin(&g).await, &info).unwrap().len(), 51);
    // Locks end with the leader that kept them; what they protected is checked at commit.
    put(&g, "lost", "by another").await;
    doomed.put(b("lost"), b("mine")).unwrap();
    assert_eq!(doomed.commit().await.unwrap_err().kind(), ErrorKind::WriteConflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_leader_there_is_a_clear_error_in_bounded_time() {
    let dir = tempfile::tempdir().unwrap();
    let voters = voters(&dir, 1).await;
    let g = front_end(&voters).await;
    let mut open = begin(&g).await;
    open.put(b("k"), b("v")).unwrap();
    for voter in &voters {
        voter.shutdown().await.unwrap();
    }
    drop(voters);
    let begun = Instant::now();
    let (began, committed) = tokio::join!(g.timestamp(), open.commit());
    assert_eq!(began.unwrap_err().kind(), ErrorKind::NotLeader);
    let e = committed.unwrap_err();
    assert!(matches!(e.kind(), ErrorKind::NotLeader | ErrorKind::OutcomeUnknown), "{e}");
    assert!(begun.elapsed() < Duration::from_secs(40));
}

/// Passes connections on, and cuts all of them when told to.
async fn proxy(to: SocketAddr) -> (String, broadcast::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (cut, _) = broadcast::channel(1);
    let cuts = cut.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut cut = cuts.subscribe();
            tokio::spawn(async move {
                let Ok(mut server) = TcpStream::connect(to).await else { return };
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    _ = cut.recv() => {}
                }
            });
        }
    });
    (address, cut)
}

/// Inserts tell: one that was repeated after it had happened would find its own key.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_never_repeated() {
    const WRITERS: usize = 8;
    let dir = tempfile::tempdir().unwrap();
    let voters = voters(&dir, 1).await;
    let (address, cut) = proxy(voters[0].address()).await;
    let g = Arc::new(connect(vec![address]).await);
    let end = Instant::now() + Duration::from_secs(5);
    let cutter = tokio::spawn(async move {
        while Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(15)).await;
            let _ = cut.send(());
        }
    });
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let g = g.clone();
            tokio::spawn(async move {
                let (mut written, mut unknown, mut n) = (Vec::new(), 0, 0);
                while Instant::now() < end {
                    n += 1;
                    let key = b(&format!("k{writer}-{n}"));
                    let mut t = g.begin(TxnOptions::optimistic()).await.unwrap();
                    t.insert(key.clone(), b("v")).unwrap();
                    match t.commit().await {
                        Ok(_) => written.push(key),
                        Err(e) if e.kind() == ErrorKind::OutcomeUnknown => unknown += 1,
                        Err(e) => panic!("{e}"),
                    }
                }
                (written, unknown)
            })
        })
        .collect();
    let (mut written, mut unknown) = (Vec::new(), 0);
    for writer in writers {
        let (w, u) = writer.await.unwrap();
        written.extend(w);
        unknown += u;
    }
    cutter.await.unwrap();
    let t = begin(&g).await;
    let stored = keys(&t, false);
    assert!(written.iter().all(|key| stored.contains(key)), "what was acknowledged is there");
    assert!(stored.len() <= written.len() + unknown);
    assert!(unknown > 0 && !written.is_empty(), "{unknown} of {} outcomes were lost", written.len() + unknown);
}
