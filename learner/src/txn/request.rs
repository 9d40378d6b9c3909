//! What a transaction hands to the proposer.

use bytes::Bytes;
use deltatree_storage::types::{TableId, Timestamp};

use super::TxnId;
use super::conflict::{KeyHash, key_hash};
use crate::catalog::is_definition_key;
use crate::raft::Mutation;

/// A transaction that wants to commit.
#[derive(Debug)]
pub(crate) struct CommitRequest {
    /// Who, for the lock table.
    pub(crate) txn: TxnId,
    /// What it read at.
    pub(crate) start_ts: Timestamp,
    /// By ascending key.
    pub(crate) mutations: Vec<CheckedMutation>,
    /// Tables and the schema versions that its rows are encoded by.
    pub(crate) schemas: Vec<(TableId, u64)>,
    /// Keys that it locked and does not write.
    pub(crate) locked: Vec<LockedKey>,
    /// Whether it changes definitions.
    pub(crate) changes_schema: bool,
}

/// A change, and what must hold for it.
#[derive(Debug)]
pub(crate) struct CheckedMutation {
    /// The change.
    pub(crate) mutation: Mutation,
    /// Of the key.
    pub(crate) hash: KeyHash,
    /// No version newer than this may exist: the start timestamp, or that of the key's lock; the
    /// largest one if it is enough that another key of the transaction is checked.
    pub(crate) unchanged_since: Timestamp,
    /// Whether the key must have no row.
    pub(crate) must_be_new: bool,
}

/// A key that a transaction relies on because it locked it. The lock is gone if the leader has changed since, or
/// the front end was silent for too long: then somebody else may have written the key.
#[derive(Debug)]
pub(crate) struct LockedKey {
    pub(crate) key: Bytes,
    /// Of the key.
    pub(crate) hash: KeyHash,
    /// No version newer than this may exist: the timestamp of the lock.
    pub(crate) unchanged_since: Timestamp,
}

impl LockedKey {
    pub(crate) fn new(key: Bytes, unchanged_since: Timestamp) -> Self {
        let hash = key_hash(&key);
        Self { key, hash, unchanged_since }
    }
}

impl CheckedMutation {
    pub(crate) fn new(key: Bytes, value: Option<Bytes>, unchanged_since: Timestamp, must_be_new: bool) -> Self {
        let hash = key_hash(&key);
        Self { mutation: Mutation { key, value }, hash, unchanged_since, must_be_new }
    }

    pub(crate) fn key(&self) -> &Bytes {
        &self.mutation.key
    }
}

impl CommitRequest {
    /// `mutations` by ascending key.
    pub(crate) fn new(
        txn: TxnId,
        start_ts: Timestamp,
        mutations: Vec<CheckedMutation>,
        schemas: Vec<(TableId, u64)>,
    ) -> Self {
        let changes_schema = mutations.iter().any(|m| is_definition_key(m.key()));
        Self { txn, start_ts, mutations, schemas, locked: Vec::new(), changes_schema }
    }

    /// The same, if these keys are as they were when they were locked.
    pub(crate) fn with_locked(self, locked: Vec<LockedKey>) -> Self {
        Self { locked, ..self }
    }

    /// Roughly the bytes of the transaction's log record.
    pub(crate) fn size(&self) -> usize {
        self.mutations.iter().map(|m| m.mutation.size() + 64).sum::<usize>() + 64
    }
}
