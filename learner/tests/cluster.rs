//! Three voters and a columnar learner over gRPC on loopback ports.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::{columnar_rows, define_table, put_row};
use deltatree_learner::catalog::TableInfo;
use deltatree_learner::cluster::{LearnerNode, NodeConfig, VoterNode};
use deltatree_learner::{ErrorKind, TxnOptions};

const PATIENCE: Duration = Duration::from_secs(60);

async fn leader(voters: &[VoterNode]) -> usize {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(i) = voters.iter().position(VoterNode::is_leading) {
            return i;
        }
        assert!(tokio::time::Instant::now() < deadline, "no leader");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn put(voter: &VoterNode, info: &TableInfo, ids: std::ops::Range<i64>) {
    for id in ids {
        let mut txn = voter.begin(TxnOptions::optimistic()).await.unwrap();
        put_row(&mut txn, info, id, id * 10);
        txn.commit().await.unwrap();
    }
}

async fn check(learner: &LearnerNode, info: &TableInfo, upto: i64) {
    let (ts, _) = learner.read_gate(PATIENCE).await.unwrap();
    let rows = columnar_rows(learner.columnar(), info.id, ts);
    assert_eq!(rows, (0..upto).map(|id| (id, id * 10)).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_survive_the_leader_and_the_learner_catches_up() {
    let dir = tempfile::tempdir().unwrap();
    let config = |id: u64| NodeConfig::on_loopback(id, dir.path().join(id.to_string()));
    let mut voters = Vec::new();
    for id in 1..=3 {
        voters.push(VoterNode::open(config(id)).await.unwrap());
    }
    let members = (1..).zip(&voters).map(|(id, v)| (id, v.address().to_string())).collect();
    voters[0].form_group(members).await.unwrap();
    let first = leader(&voters).await;

    let mut txn = voters[first].begin(TxnOptions::optimistic()).await.unwrap();
    let info = define_table(&mut txn, "t");
    txn.commit().await.unwrap();
    put(&voters[first], &info, 0..20).await;
    let follower = &voters[(first + 1) % 3];
    assert_eq!(follower.begin(TxnOptions::optimistic()).await.err().map(|e| e.kind()), Some(ErrorKind::NotLeader));

    // The log is gone when the learner joins: it is built from a raft snapshot.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while voters[first].purged_index().is_none() {
        assert!(tokio::time::Instant::now() < deadline, "the log is not purged");
        voters[first].purge_log();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let learner = LearnerNode::open(config(4)).await.unwrap();
    voters[first].add_learner(4, &learner.address().to_string()).await.unwrap();
    check(&learner, &info, 20).await;
    put(&voters[first], &info, 20..30).await;
    check(&learner, &info, 30).await;

    // The leader dies; what it acknowledged does not.
    let last = voters[first].timestamp().await.unwrap();
    let dead = voters.remove(first);
    dead.shutdown().await.unwrap();
    drop(dead);
    let second = leader(&voters).await;
    assert!(voters[second].timestamp().await.unwrap() > last);
    check(&learner, &info, 30).await;
    put(&voters[second], &info, 30..40).await;
    check(&learner, &info, 40).await;

    // The learner restarts and goes on from its replay position.
    let address = learner.address();
    learner.shutdown().await.unwrap();
    drop(learner);
    put(&voters[second], &info, 40..45).await;
    let learner = LearnerNode::open(NodeConfig { listen: address, ..config(4) }).await.unwrap();
    check(&learner, &info, 45).await;

    learner.shutdown().await.unwrap();
    for voter in voters {
        voter.shutdown().await.unwrap();
    }
}
