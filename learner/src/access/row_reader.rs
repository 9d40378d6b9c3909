//! Reading rows at timestamps, here or there.

use std::sync::Arc;

use bytes::Bytes;
use deltatree_storage::types::Timestamp;

use crate::error::Result;
use crate::remote::{RemoteLeader, RemoteScan};
use crate::row_store::{Row, StoreReader, StoreScan};

/// Reads rows at timestamps. Cheap to clone. Methods block, on disk for what is not cached, or on the
/// network if the leader is in another process.
///
/// `ts` should come from [`crate::LeaderGroup::timestamp`] or a transaction: then every commit at or
/// below it is seen. Keep the reader registered ([`crate::LeaderGroup::register_reader`]) or versions
/// may be collected below it.
#[derive(Clone)]
pub struct RowReader(Source);

#[derive(Clone)]
enum Source {
    Here(StoreReader),
    There(Arc<RemoteLeader>),
}

impl RowReader {
    pub(crate) fn here(rows: StoreReader) -> Self {
        Self(Source::Here(rows))
    }

    pub(crate) fn there(leader: Arc<RemoteLeader>) -> Self {
        Self(Source::There(leader))
    }

    /// The row of `key` at `ts`. Errors: `SnapshotTooOld`, `Io`, `Corrupt`, `NotLeader`.
    pub fn get(&self, key: &[u8], ts: Timestamp) -> Result<Option<Bytes>> {
        match &self.0 {
            Source::Here(rows) => rows.get(key, ts),
            Source::There(leader) => Ok(leader.get_rows(&[key], ts)?.pop().flatten()),
        }
    }

    /// The rows of `keys` at `ts`, in their order. Errors as [`RowReader::get`].
    pub fn multi_get<K: AsRef<[u8]>>(&self, keys: &[K], ts: Timestamp) -> Result<Vec<Option<Bytes>>> {
        match &self.0 {
            Source::Here(rows) => rows.multi_get(keys, ts),
            Source::There(leader) => leader.get_rows(keys, ts),
        }
    }

    /// Rows with keys in `start..end` at `ts`, in key order, or in the opposite order if `reverse`.
    pub fn scan(&self, start: Bytes, end: Bytes, ts: Timestamp, reverse: bool) -> RowScan {
        RowScan(match &self.0 {
            Source::Here(rows) => Scan::Here(Box::new(rows.scan(start, end, ts, reverse))),
            Source::There(leader) => Scan::There(leader.scan_rows(start, end, ts, reverse)),
        })
    }
}

/// An iterator over the rows of a key range at one timestamp. What is committed later does not show.
pub struct RowScan(Scan);

enum Scan {
    Here(Box<StoreScan>),
    There(RemoteScan),
}

impl Iterator for RowScan {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Scan::Here(rows) => rows.next(),
            Scan::There(rows) => rows.next(),
        }
    }
}
