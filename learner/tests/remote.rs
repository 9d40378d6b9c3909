//! Transactions of front ends in other processes: voters and front ends meet over gRPC only.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use common::{buffer, columnar_rows, define_table, put_row, stored_rows};
use deltatree_learner::catalog::{CatalogSnapshot, TableInfo, alter_table};
use deltatree_learner::cluster::{LearnerNode, MemberConfig, NodeConfig, VoterNode};
use deltatree_learner::codec::meta_range;
use deltatree_learner::columnar::{ColumnarReplica, TableScan};
use deltatree_learner::{
    Error, ErrorKind, LeaderGroup, LockOutcome, PeerLinks, RemoteGroupConfig, Transaction, TxnOptions,
};
use deltatree_proto::v1::group_leader_client::GroupLeaderClient;
use deltatree_proto::v1::{KeepAliveRequest, LockKeysRequest, ReleaseLocksRequest};
use deltatree_storage::api::ScanRequest;
use deltatree_storage::predicate::{CompareOp, Predicate, RowFilter};
use deltatree_storage::types::{KeyArray, TableId, Value};
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
    LeaderGroup::connect(RemoteGroupConfig { addresses, txn_bytes_limit: 64 << 20, links: PeerLinks::default() })
        .await
        .unwrap()
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
async fn rows_come_with_their_locks() {
    let dir = tempfile::tempdir().unwrap();
    let mut voters = voters(&dir, 1).await;
    let g = front_end(&voters).await;
    put(&g, "old", "1").await;
    let mut t = g.begin(TxnOptions::default()).await.unwrap();
    put(&g, "old", "2").await;
    let LockOutcome { for_update_ts } = t.lock_keys(&[b("old"), b("new")], PATIENCE).await.unwrap();
    assert_eq!(t.get(b"old").unwrap(), Some(b("1")), "the snapshot is as it was");
    voters.remove(0).shutdown().await.unwrap();

    // Nobody can be asked any more.
    let locked = t.multi_get_at(&[b("old"), b("new")], for_update_ts).unwrap();
    assert_eq!(locked, [Some(b("2")), None]);
    t.put(b("new"), b("3")).unwrap();
    assert_eq!(t.multi_get_at(&[b("new"), b("old")], for_update_ts).unwrap(), [Some(b("3")), Some(b("2"))]);
    assert_eq!(t.get_at(b"new", for_update_ts).unwrap(), Some(b("3")));
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

/// The network may deliver a request for a lock after its transaction was rolled back.
#[tokio::test(flavor = "multi_thread")]
async fn locks_that_were_asked_for_before_their_transaction_ended_and_granted_after_are_freed() {
    let dir = tempfile::tempdir().unwrap();
    let voters = voters(&dir, 1).await;
    let mut client = GroupLeaderClient::connect(format!("http://{}", voters[0].address())).await.unwrap();
    let front_end = 1;
    let release = |transaction| ReleaseLocksRequest { front_end, transaction };
    let lock =
        |transaction, key, sent| LockKeysRequest { front_end, transaction, keys: vec![b(key)], wait_ms: 1, sent };
    let alive = |sent, open| KeepAliveRequest { front_end, oldest_reader: None, sent, open_transactions: open };
    client.release_locks(release(1)).await.unwrap();
    client.lock_keys(lock(1, "late", 1)).await.unwrap();
    client.lock_keys(lock(2, "held", 2)).await.unwrap();
    client.lock_keys(lock(3, "newer", 4)).await.unwrap();
    client.keep_alive(alive(3, vec![2])).await.unwrap();

    let other = self::front_end(&voters).await;
    let mut t = other.begin(TxnOptions::default()).await.unwrap();
    t.lock_keys(&[b("late")], Duration::from_millis(10)).await.unwrap();
    for key in ["held", "newer"] {
        let refused = t.lock_keys(&[b(key)], Duration::from_millis(10)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::LockWaitTimeout, "{key}: {refused}");
    }
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
    let [mut relying, mut locking_again] =
        [g.begin(TxnOptions::default()).await.unwrap(), g.begin(TxnOptions::default()).await.unwrap()];
    relying.lock_keys(&[b("read")], Duration::from_secs(1)).await.unwrap();
    locking_again.lock_keys(&[b("read again")], Duration::from_secs(1)).await.unwrap();
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
    // So is what was locked and not written: what is written may follow from it.
    put(&g, "read", "by another").await;
    relying.put(b("written"), b("mine")).unwrap();
    assert_eq!(relying.commit().await.unwrap_err().kind(), ErrorKind::WriteConflict);
    // A lock at the new leader does not make up for the lost one.
    put(&g, "read again", "by another").await;
    locking_again.lock_keys(&[b("read again")], Duration::from_secs(1)).await.unwrap();
    locking_again.put(b("read again"), b("mine")).unwrap();
    assert_eq!(locking_again.commit().await.unwrap_err().kind(), ErrorKind::WriteConflict);
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

/// A filter that the replica cannot evaluate: ids that are even.
#[derive(Debug)]
struct EvenIds;

impl RowFilter for EvenIds {
    fn columns(&self) -> &[usize] {
        &[0]
    }

    fn evaluate(&self, batch: &RecordBatch) -> deltatree_storage::error::Result<BooleanArray> {
        let ids = batch.column(0).as_primitive::<Int64Type>();
        Ok(ids.iter().map(|id| id.map(|id| id % 2 == 0)).collect())
    }
}

async fn columnar(g: &LeaderGroup, wanted: bool) -> Option<ColumnarReplica> {
    let deadline = Instant::now() + PATIENCE;
    while g.columnar().is_some() != wanted {
        assert!(Instant::now() < deadline, "a replica is there: {}", !wanted);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    g.columnar()
}

/// The first column of all rows, read by two threads.
fn read_all(scan: &TableScan) -> Vec<i64> {
    let read = || {
        let (mut worker, mut found) = (scan.worker(), Vec::new());
        while let Some(batch) = worker.next_batch().unwrap() {
            assert_eq!(batch.num_columns(), 1);
            found.extend(batch.column(0).as_primitive::<Int64Type>().values());
        }
        found
    };
    std::thread::scope(|scope| {
        let readers = [scope.spawn(read), scope.spawn(read)];
        readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_in_another_process_show_every_commit_before_the_gate() {
    const ROWS: i64 = 30_000;
    let dir = tempfile::tempdir().unwrap();
    let voters = voters(&dir, 1).await;
    let learner = LearnerNode::open(NodeConfig::on_loopback(9, dir.path().join("9"))).await.unwrap();
    voters[0].add_learner(9, &learner.address().to_string()).await.unwrap();
    let g = front_end(&voters).await;
    let mut t = begin(&g).await;
    let info = define_table(&mut t, "t");
    t.commit().await.unwrap();
    let columns = columnar(&g, true).await.unwrap();
    assert!(columns.engine().is_none());
    let mut t = begin(&g).await;
    (0..ROWS).for_each(|id| put_row(&mut t, &info, id, id * 10));
    t.commit().await.unwrap();

    let ts = g.timestamp().await.unwrap();
    columns.read_gate(ts, PATIENCE).await.unwrap();
    let table = columns.snapshot(info.id, ts).unwrap();
    assert_eq!(table.schema_version(), info.schema_version);
    let statistics = table.statistics().unwrap();
    assert_eq!((statistics.rows, statistics.exact_rows), (ROWS as u64, true));
    let low = Predicate::Compare { column: 0, op: CompareOp::Lt, value: Value::Int(20_000) };
    let request = ScanRequest {
        predicates: vec![low],
        filters: vec![Arc::new(EvenIds)],
        exclude: Some(KeyArray::Int(vec![0, 4].into())),
        ..ScanRequest::all(vec![1])
    };
    assert!(table.estimate(&request).unwrap().rows_kept >= 20_000);
    let scan = table.scan(request).unwrap();
    let found: BTreeSet<_> = read_all(&scan).into_iter().collect();
    let expected: BTreeSet<_> =
        (0..20_000).filter(|id| id % 2 == 0 && ![0, 4].contains(id)).map(|id| id * 10).collect();
    assert_eq!(found, expected);
    assert!(scan.metrics().rows_returned >= 10_000);
    put(&g, "k", "later").await;
    assert_eq!(columns.snapshot(info.id, ts).unwrap().statistics().unwrap().rows, ROWS as u64);

    learner.shutdown().await.unwrap();
    drop(learner);
    assert!(columnar(&g, false).await.is_none(), "a replica that is gone is not offered");
}

/// Gives a table columns, or takes them.
async fn set_columnar(g: &LeaderGroup, table: TableId, columnar: bool) {
    let mut t = begin(g).await;
    let (start, end) = meta_range();
    let rows: Vec<_> = t.scan(start, end, false).map(|row| row.unwrap()).collect();
    let definitions = CatalogSnapshot::load(rows.iter().map(|row| (row.key(), row.value()))).unwrap();
    let info = TableInfo { columnar, ..TableInfo::clone(definitions.table_by_id(table).unwrap()) };
    buffer(&mut t, alter_table(&definitions, info).unwrap().1);
    t.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_becomes_columnar_is_built_from_the_leaders_rows() {
    let dir = tempfile::tempdir().unwrap();
    let voters = voters(&dir, 1).await;
    let g = front_end(&voters).await;
    let mut t = begin(&g).await;
    let info = define_table(&mut t, "t");
    t.commit().await.unwrap();
    set_columnar(&g, info.id, false).await;
    let info = g.catalog().table_by_id(info.id).unwrap().clone();
    let mut t = begin(&g).await;
    (0..500).for_each(|id| put_row(&mut t, &info, id, id));
    t.commit().await.unwrap();

    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let member = MemberConfig::on_loopback(dir.path().join("columnar"), port, vec![voters[0].address().to_string()]);
    let learner = LearnerNode::start(member.clone()).await.unwrap();
    learner.read_gate(PATIENCE).await.unwrap();
    set_columnar(&g, info.id, true).await;
    let (ts, _) = learner.read_gate(PATIENCE).await.unwrap();
    assert_eq!(columnar_rows(learner.columnar(), info.id, ts).len(), 500);

    // It is the same member in its next life.
    let members = deltatree_learner::cluster::members(&member.join, &member.links).await.unwrap();
    learner.shutdown().await.unwrap();
    drop(learner);
    let learner = LearnerNode::start(member.clone()).await.unwrap();
    learner.read_gate(PATIENCE).await.unwrap();
    assert_eq!(deltatree_learner::cluster::members(&member.join, &member.links).await.unwrap(), members);
    learner.shutdown().await.unwrap();
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
    let voter = VoterNode::open(NodeConfig::on_loopback(1, dir.path().join("1"))).await.unwrap();
    let (address, cut) = proxy(voter.address()).await;
    voter.form_group([(1, address.clone())].into()).await.unwrap();
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
