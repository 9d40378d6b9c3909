//! The raft snapshot: what a replica gets that is too far behind for the log.
//!
//! It is *virtual*. Taking one pins a view of the row store and copies nothing; only when it is sent is
//! it read, as a stream of key-value pairs in key order. A voter stores the pairs as they are. The
//! columnar learner takes the newest version of each row and builds packs from them.

use bytes::Bytes;
use deltatree_storage::types::Timestamp;

use crate::error::Result;

/// A pair of the stream.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SnapshotItem {
    /// Number of the key space.
    pub space: u8,
    /// Key.
    pub key: Bytes,
    /// Value.
    pub value: Bytes,
}

/// The content of a raft snapshot: its pairs, by key space and in key order. Reading blocks on disk or
/// on the sender.
pub struct SnapshotData {
    commit_ts: Timestamp,
    tso_window: Timestamp,
    items: Box<dyn Iterator<Item = Result<SnapshotItem>> + Send>,
}

impl SnapshotData {
    pub(crate) fn new(
        commit_ts: Timestamp,
        tso_window: Timestamp,
        items: impl Iterator<Item = Result<SnapshotItem>> + Send + 'static,
    ) -> Self {
        Self { commit_ts, tso_window, items: Box::new(items) }
    }

    /// The newest commit in it.
    pub(crate) fn commit_ts(&self) -> Timestamp {
        self.commit_ts
    }

    /// What was agreed on when it was taken: no timestamp at or above this had been handed out, and those below
    /// may have been, though nothing was committed at them.
    pub(crate) fn tso_window(&self) -> Timestamp {
        self.tso_window
    }
}

impl Iterator for SnapshotData {
    type Item = Result<SnapshotItem>;

    fn next(&mut self) -> Option<Self::Item> {
        self.items.next()
    }
}

impl std::fmt::Debug for SnapshotData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SnapshotData")
    }
}
