//! What a log entry says.

use std::sync::Arc;

use bytes::Bytes;
use deltatree_storage::types::{TableId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::catalog::is_definition_key;

/// A log entry's payload. Cloning is cheap: entries are shared between the log's cache, the voter's
/// row store and the columnar learner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Transactions, by ascending commit timestamp. Applying them never fails: whatever could be
    /// wrong was checked on the leader before the entry was proposed.
    Commits(Arc<Vec<CommitRecord>>),
    /// The oracle may hand out timestamps below this.
    TsoWindow {
        /// Exclusive upper bound.
        upto: Timestamp,
    },
    /// All rows and index entries of a dropped table may go.
    DropTableData {
        /// The table.
        table_id: TableId,
    },
    /// Nothing: proves that an entry of this term commits.
    Noop,
}

/// One committed transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitRecord {
    /// What the transaction read at.
    pub start_ts: Timestamp,
    /// Orders it among all transactions.
    pub commit_ts: Timestamp,
    /// By ascending key, each key once.
    pub mutations: Vec<Mutation>,
}

/// The new state of one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutation {
    /// Encoded key.
    pub key: Bytes,
    /// The row, or `None` for a deletion.
    pub value: Option<Bytes>,
}

impl Mutation {
    /// Bytes of key and value.
    pub fn size(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, Bytes::len)
    }
}

impl Command {
    /// Roughly the bytes that this command holds.
    pub fn size(&self) -> usize {
        match self {
            Self::Commits(commits) => commits.iter().map(CommitRecord::size).sum(),
            Self::TsoWindow { .. } | Self::DropTableData { .. } | Self::Noop => 16,
        }
    }

    /// Whether it has so many rows that to apply it takes milliseconds.
    pub(super) fn is_large(&self) -> bool {
        const BYTES: usize = 64 << 10;
        self.size() > BYTES
    }

    /// Whether it creates, changes or drops anything but rows.
    pub(super) fn changes_definitions(&self) -> bool {
        match self {
            Self::Commits(commits) => commits.iter().flat_map(|c| &c.mutations).any(|m| is_definition_key(&m.key)),
            Self::TsoWindow { .. } | Self::DropTableData { .. } | Self::Noop => false,
        }
    }
}

impl CommitRecord {
    /// Roughly the bytes that this transaction holds.
    pub fn size(&self) -> usize {
        self.mutations.iter().map(|m| m.size() + 64).sum::<usize>() + 32
    }
}
