//! The whole content: out as a stream, in as a replacement.

use std::sync::Arc;

use bytes::Bytes;
use deltatree_storage::types::Timestamp;

use super::RowStore;
use super::backend::{Space, SpaceSnapshot};
use super::record;
use super::store::{SAFE_POINT, decode_safe_point};
use crate::error::{Error, Result};
use crate::raft::SnapshotItem;

/// A pinned view of the whole store.
pub(crate) struct PinnedStore(SpaceSnapshot);

/// Changes written at once while a store is replaced.
const REPLACE_BATCH: usize = 10_000;

impl PinnedStore {
    /// A value of the replica's own state, as of the pin.
    pub(crate) fn meta(&self, name: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.0.get(Space::Meta, name)?.map(Bytes::from_owner))
    }

    /// The safe point by which garbage was collected, as of the pin.
    pub(crate) fn safe_point(&self) -> Result<Timestamp> {
        decode_safe_point(self.0.get(Space::Meta, SAFE_POINT)?.as_deref())
    }

    /// All pairs of the data spaces, space by space, in key order.
    pub(crate) fn into_items(self) -> impl Iterator<Item = Result<SnapshotItem>> + Send {
        Space::DATA.into_iter().flat_map(move |space| {
            self.0.iter(space).map(move |pair| {
                let (key, value) = pair.into_inner().map_err(Error::io("read the row store"))?;
                Ok(SnapshotItem { space: space as u8, key: Bytes::from_owner(key), value: Bytes::from_owner(value) })
            })
        })
    }
}

impl RowStore {
    /// Pins the present content. Errors: `Io`.
    pub(crate) fn pin(&self) -> Result<PinnedStore> {
        let mut unsettled = self.unsettled.lock();
        self.settle_with(&mut unsettled, self.backend.batch(), Vec::new())?;
        Ok(PinnedStore(self.backend.snapshot()))
    }

    /// Replaces all data by `items`, durably; `meta` becomes the replica's state in the same instant. What
    /// readers below `safe_point` need may be missing from the items: they are refused from then on. Blocks on disk and on the items' source.
    pub(crate) fn replace_all(
        &self,
        items: impl Iterator<Item = Result<SnapshotItem>>,
        meta: &[(&[u8], Vec<u8>)],
        safe_point: Timestamp,
    ) -> Result<()> {
        let next = self.backend.next_generation()?;
        let mut batch = next.batch();
        for item in items {
            let item = item?;
            let space = Space::data(item.space)
                .ok_or_else(|| Error::Corrupt { what: "raft snapshot", reason: format!("key space {}", item.space) })?;
            batch.put(space, item.key.as_ref(), item.value.as_ref());
            if batch.len() >= REPLACE_BATCH {
                std::mem::replace(&mut batch, next.batch()).commit()?;
            }
        }
        for (name, value) in meta {
            batch.put(Space::Meta, *name, value.as_slice());
        }
        // Refused a moment too early rather than too late.
        self.raise_safe_point(safe_point);
        batch.put(Space::Meta, SAFE_POINT, self.safe_point().0.to_be_bytes());
        let mut unsettled = self.unsettled.lock();
        next.switch(batch)?;
        *unsettled = None;
        self.hot.store(Arc::default());
        Ok(())
    }
}

/// The timestamp and row of a streamed pair, if it is the newest version of a key and not a tombstone.
pub(crate) fn live_version(item: &SnapshotItem) -> Result<Option<(Timestamp, Bytes)>> {
    if Space::data(item.space) != Some(Space::Rows) {
        return Ok(None);
    }
    let header = record::header(&item.value)?;
    Ok(header.live.then(|| (header.commit_ts, item.value.slice(record::HEADER..))))
}
