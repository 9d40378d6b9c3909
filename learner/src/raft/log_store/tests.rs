//! Openraft's own tests of storage, on both logs, and what they do not cover.

use openraft::storage::{RaftLogStorage, RaftLogStorageExt};
use openraft::testing::{StoreBuilder, Suite, log_id};
use openraft::{EntryPayload, RaftLogReader, Vote};
use tempfile::TempDir;

use super::{DurableLog, MemoryLog};
use crate::raft::{Command, Entry, StorageError, TypeConfig, VoterMachine, VoterState};
use crate::row_store::RowStore;

fn machine(dir: &TempDir) -> VoterMachine {
    let store = RowStore::open(&dir.path().join("rows"), 1 << 20).unwrap();
    VoterMachine::new(VoterState::load(store, crate::grpc::PeerLinks::default()).unwrap()).unwrap()
}

struct Durable;

impl StoreBuilder<TypeConfig, DurableLog, VoterMachine, TempDir> for Durable {
    async fn build(&self) -> Result<(TempDir, DurableLog, VoterMachine), StorageError> {
        let dir = tempfile::tempdir().unwrap();
        let machine = machine(&dir);
        let log = DurableLog::open(&dir.path().join("log"), |_| Ok(())).unwrap();
        Ok((dir, log, machine))
    }
}

struct Memory;

impl StoreBuilder<TypeConfig, MemoryLog, VoterMachine, TempDir> for Memory {
    async fn build(&self) -> Result<(TempDir, MemoryLog, VoterMachine), StorageError> {
        let dir = tempfile::tempdir().unwrap();
        let machine = machine(&dir);
        Ok((dir, MemoryLog::default(), machine))
    }
}

#[test]
fn durable_log_and_row_store_pass_the_storage_suite() {
    Suite::test_all(Durable).unwrap();
}

#[test]
fn memory_log_passes_the_storage_suite() {
    Suite::test_all(Memory).unwrap();
}

fn entry(index: u64, bytes: usize) -> Entry {
    let mutation = crate::raft::Mutation { key: "k".into(), value: Some(vec![7; bytes].into()) };
    let record = crate::raft::CommitRecord {
        start_ts: deltatree_storage::types::Timestamp(index),
        commit_ts: deltatree_storage::types::Timestamp(index + 1),
        mutations: vec![mutation],
    };
    Entry { log_id: log_id(1, 0, index), payload: EntryPayload::Normal(Command::Commits(vec![record].into())) }
}

#[tokio::test]
async fn a_reopened_log_holds_what_was_appended() {
    let dir = tempfile::tempdir().unwrap();
    let entries: Vec<Entry> = (1..20).map(|i| entry(i, 100)).collect();
    {
        let mut log = DurableLog::open(dir.path(), |_| Ok(())).unwrap();
        log.save_vote(&Vote::new(3, 1)).await.unwrap();
        log.blocking_append(entries[..17].to_vec()).await.unwrap();
        log.purge(log_id(1, 0, 4)).await.unwrap();
        log.blocking_append([entries[17].clone()]).await.unwrap();
        log.blocking_append([entries[18].clone()]).await.unwrap();
    }
    let mut log = DurableLog::open(dir.path(), |_| Ok(())).unwrap();
    assert_eq!(log.read_vote().await.unwrap(), Some(Vote::new(3, 1)));
    let state = log.get_log_state().await.unwrap();
    assert_eq!(state.last_purged_log_id, Some(log_id(1, 0, 4)));
    assert_eq!(state.last_log_id, Some(log_id(1, 0, 19)));
    assert_eq!(log.try_get_log_entries(..).await.unwrap(), entries[4..]);
    assert_eq!(log.bytes_after(18), log.bytes_after(17) / 2);
}

#[tokio::test]
async fn reads_are_served_beyond_the_cache_and_in_bounded_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = DurableLog::open(dir.path(), |_| Ok(())).unwrap();
    for i in 1..=40 {
        log.blocking_append([entry(i, 3 << 20)]).await.unwrap();
    }
    assert_eq!(log.try_get_log_entries(1..3).await.unwrap(), [entry(1, 3 << 20), entry(2, 3 << 20)]);
    for start in [1, 35] {
        let piece = log.limited_get_log_entries(start, 41).await.unwrap();
        assert!((1..4).contains(&piece.len()), "{} entries", piece.len());
        assert_eq!(piece[0].log_id, log_id(1, 0, start));
    }
    assert_eq!(log.try_get_log_entries(5..5).await.unwrap(), []);
}

#[tokio::test]
async fn the_row_store_is_made_durable_before_entries_go() {
    let dir = tempfile::tempdir().unwrap();
    let refuse = |_| Err(crate::Error::Io { action: "sync", reason: "for the test".into() });
    let mut log = DurableLog::open(dir.path(), refuse).unwrap();
    log.blocking_append([entry(1, 10)]).await.unwrap();
    assert!(log.purge(log_id(1, 0, 1)).await.is_err());
    assert_eq!(log.try_get_log_entries(1..2).await.unwrap(), [entry(1, 10)]);
}

#[test]
fn purging_by_bytes_keeps_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = DurableLog::open(dir.path(), |_| Ok(())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for i in 1..=10 {
        runtime.block_on(log.blocking_append([entry(i, 900)])).unwrap();
    }
    assert_eq!(log.purge_candidate(1 << 20), None);
    let kept = 10 - log.purge_candidate(5_500).unwrap();
    assert!((5..=6).contains(&kept), "{kept} entries kept");
}
