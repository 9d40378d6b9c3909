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

/// What a raft snapshot says beside its pairs: what whoever gets it must know in order to lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SnapshotBounds {
    /// The newest commit in it.
    pub commit_ts: Timestamp,
    /// No timestamp at or above this was handed out by those who led before; those below may have been, though
    /// nothing was committed at them.
    pub tso_window: Timestamp,
    /// Versions that only readers below this could see may be missing.
    pub safe_point: Timestamp,
}

/// The content of a raft snapshot: its pairs, by key space and in key order. Reading blocks on disk or
/// on the sender.
pub struct SnapshotData {
    bounds: SnapshotBounds,
    items: Box<dyn Iterator<Item = Result<SnapshotItem>> + Send>,
}

impl SnapshotData {
    pub(crate) fn new(
        bounds: SnapshotBounds,
        items: impl Iterator<Item = Result<SnapshotItem>> + Send + 'static,
    ) -> Self {
        Self { bounds, items: Box::new(items) }
    }

    /// Without pairs.
    pub(crate) fn empty() -> Self {
        Self::new(SnapshotBounds::default(), std::iter::empty())
    }

    /// See [`SnapshotBounds`].
    pub(crate) fn bounds(&self) -> SnapshotBounds {
        self.bounds
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
