//! Rows of a key range at one timestamp.

use deltatree_storage::types::Timestamp;

use super::RowStore;
use super::backend::{Pairs, Space};
use super::record::{self, Found, Row};
use crate::error::{Error, Result};

/// An iterator over the rows of a key range at one timestamp. It sees the range as it was when it was
/// made; a version that is too new for `ts` is looked up in the history.
pub(crate) struct StoreScan {
    store: RowStore,
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
        let inner = store.backend.range(Space::Rows, start, end);
        Self { store, inner, ts, reverse, failed, stepped: 0 }
    }

    fn step(&mut self) -> Result<Option<Row>> {
        loop {
            let next = if self.reverse { self.inner.next_back() } else { self.inner.next() };
            let Some(pair) = next else { return Ok(None) };
            let (key, newest) = pair.into_inner().map_err(Error::io("read the row store"))?;
            self.stepped += self.store.shadowed.at(&key);
            let header = record::header(&newest)?;
            if header.commit_ts > self.ts {
                match self.store.find_in_history(&key, self.ts)? {
                    Found::Nothing => continue,
                    Found::Record(version) => return Ok(Some(Row::stored(key, version))),
                }
            }
            if header.live {
                return Ok(Some(Row::stored(key, newest)));
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
