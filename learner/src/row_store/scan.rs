//! Rows of a key range at one timestamp.

use std::sync::Arc;

use deltatree_storage::types::Timestamp;

use super::RowStore;
use super::backend::{Pairs, Space};
use super::hot::{HotRows, Recent};
use super::record::{Found, Row};
use super::store::found;
use crate::error::{Error, Result};

/// An iterator over the rows of a key range at one timestamp. It sees the range as it was when it was
/// made; a version that is too new for `ts` is looked up in the history.
pub(crate) struct StoreScan {
    store: RowStore,
    hot: Arc<HotRows>,
    inner: Pairs,
    ts: Timestamp,
    reverse: bool,
    failed: Option<Error>,
    /// Values stepped over.
    stepped: u64,
}

impl StoreScan {
    pub(super) fn new(
        store: RowStore,
        start: &[u8],
        end: &[u8],
        ts: Timestamp,
        reverse: bool,
        failed: Option<Error>,
    ) -> Self {
        // An inverted range is an empty one.
        let end = end.max(start);
        let hot = store.hot.load_full();
        let inner = store.backend.range(Space::Rows, start, end);
        Self { store, hot, inner, ts, reverse, failed, stepped: 0 }
    }

    fn step(&mut self) -> Result<Option<Row>> {
        loop {
            let next = if self.reverse { self.inner.next_back() } else { self.inner.next() };
            let Some(pair) = next else { return Ok(None) };
            let (key, newest) = pair.into_inner().map_err(Error::io("read the row store"))?;
            self.stepped += self.store.shadowed.at(&key);
            let version = match self.hot.at(&key, self.ts)? {
                Recent::Version(version) => found(version)?,
                Recent::Older => self.store.find_in_history(&key, self.ts)?,
                Recent::Unknown => self.store.version_at(&key, newest, self.ts)?,
            };
            if let Found::Record(version) = version {
                return Ok(Some(Row::stored(key, version)));
            }
        }
    }
}

impl Iterator for StoreScan {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(e) = self.failed.take() {
            return Some(Err(e));
        }
        self.step().transpose()
    }
}

impl Drop for StoreScan {
    fn drop(&mut self) {
        self.store.shadowed.stepped_over(self.stepped);
    }
}
