//! Which rows of the row store a scan visits, and the walk over them.

use std::collections::VecDeque;

use bytes::Bytes;
use deltatree_learner::RowReader;
use deltatree_learner::catalog::{IndexInfo, TableInfo};
use deltatree_learner::codec::{decode_index_entry, row_key, row_range};
use deltatree_storage::types::{KeyRange, RowKey, Timestamp};

use super::own_rows::MergedScan;
use crate::access_path::IndexRange;
use crate::error::Result;
use crate::planner::TransactionOverlay;

/// The rows to visit.
#[derive(Clone, Debug)]
pub enum RowSource {
    /// Single keys.
    Points(Vec<RowKey>),
    /// Key ranges.
    Ranges(Vec<KeyRange>),
    /// Entries of an index, then the row of each.
    Index {
        /// The index.
        index: IndexInfo,
        /// Which of its entries.
        ranges: Vec<IndexRange>,
    },
}

/// A walk over the rows of a [`RowSource`] at one timestamp, with a transaction's own changes.
pub(super) struct RowCursor<'a> {
    pub(super) table: &'a TableInfo,
    pub(super) reader: &'a RowReader,
    pub(super) ts: Timestamp,
    pub(super) overlay: Option<&'a TransactionOverlay>,
}

/// Where a walk stands.
pub(super) enum RowWalk {
    Points(std::vec::IntoIter<RowKey>),
    Ranges { ahead: VecDeque<(Bytes, Bytes)>, current: Option<MergedScan> },
    Index { index: IndexInfo, ahead: VecDeque<(Bytes, Bytes)>, current: Option<MergedScan> },
}

impl RowWalk {
    pub(super) fn new(source: &RowSource, table: &TableInfo) -> Self {
        match source {
            RowSource::Points(keys) => Self::Points(keys.clone().into_iter()),
            RowSource::Ranges(ranges) => {
                Self::Ranges { ahead: ranges.iter().map(|r| row_range(table.id, r)).collect(), current: None }
            }
            RowSource::Index { index, ranges } => Self::Index {
                index: index.clone(),
                ahead: ranges.iter().map(|r| (r.start.clone(), r.end.clone())).collect(),
                current: None,
            },
        }
    }
}

/// Receives a row's key and value.
type Take<'t> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 't;

impl RowCursor<'_> {
    /// Hands the next row's key and value to `take`. False at the end. Blocks on disk for what is not
    /// cached.
    pub(super) fn step(&self, walk: &mut RowWalk, take: &mut Take<'_>) -> Result<bool> {
        match walk {
            RowWalk::Points(keys) => {
                for key in keys {
                    if self.get(&key, take)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            RowWalk::Ranges { ahead, current } => match self.next_entry(ahead, current)? {
                Some(entry) => take(entry.key(), entry.value()).map(|()| true),
                None => Ok(false),
            },
            RowWalk::Index { index, ahead, current } => {
                while let Some(entry) = self.next_entry(ahead, current)? {
                    let handle = decode_index_entry(self.table, index, entry.key(), entry.value())?.handle;
                    if self.get(&handle, take)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    fn get(&self, key: &RowKey, take: &mut Take<'_>) -> Result<bool> {
        let key = row_key(self.table.id, key.as_ref());
        let row = match self.overlay.and_then(|o| o.get(&key)) {
            Some(own) => own.cloned(),
            None => self.reader.get(&key, self.ts)?,
        };
        match row {
            Some(row) => take(&key, &row).map(|()| true),
            None => Ok(false),
        }
    }

    fn next_entry(
        &self,
        ahead: &mut VecDeque<(Bytes, Bytes)>,
        current: &mut Option<MergedScan>,
    ) -> Result<Option<super::own_rows::Entry>> {
        loop {
            if let Some(scan) = current {
                if let Some(entry) = scan.next()? {
                    return Ok(Some(entry));
                }
                *current = None;
            }
            let Some((start, end)) = ahead.pop_front() else { return Ok(None) };
            let stored = self.reader.scan(start.clone(), end.clone(), self.ts, false);
            *current = Some(MergedScan::new(stored, self.overlay, &start, &end));
        }
    }
}
