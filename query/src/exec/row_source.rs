//! Which rows of the row store a scan visits, and the walk over them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use deltatree_learner::catalog::{IndexInfo, TableInfo};
use deltatree_learner::codec::{decode_index_entry, row_key, row_range};
use deltatree_learner::{Row, RowReader};
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
    /// Rows that have been read already.
    Read(ReadRows),
}

/// Rows as the row store holds them.
#[derive(Clone, Default)]
pub struct ReadRows(pub Arc<[Row]>);

impl fmt::Debug for ReadRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.0.len())
    }
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
    Points { keys: std::vec::IntoIter<RowKey>, found: FoundRows },
    Ranges { ahead: VecDeque<(Bytes, Bytes)>, current: Option<MergedScan> },
    Index { index: IndexInfo, ahead: VecDeque<(Bytes, Bytes)>, current: Option<MergedScan>, found: FoundRows },
    Read { rows: ReadRows, next: usize },
}

/// Rows that were looked up together, since the row store may be a round trip away. Few at first: a limit
/// may be met soon.
pub(super) struct FoundRows {
    rows: VecDeque<(Bytes, Bytes)>,
    /// Keys of the next lookup.
    batch: usize,
}

impl FoundRows {
    /// Keys of one lookup, at most.
    const MOST: usize = 256;

    fn new() -> Self {
        Self { rows: VecDeque::new(), batch: 1 }
    }

    /// How many keys to look up next.
    fn next_batch(&mut self) -> usize {
        let batch = self.batch;
        self.batch = (batch * 2).min(Self::MOST);
        batch
    }

    /// Hands the next row to `take`. False if there is none.
    fn give(&mut self, take: &mut Take<'_>) -> Result<bool> {
        match self.rows.pop_front() {
            Some((key, value)) => take(&key, &value).map(|()| true),
            None => Ok(false),
        }
    }
}

impl RowWalk {
    pub(super) fn new(source: &RowSource, table: &TableInfo) -> Self {
        match source {
            RowSource::Points(keys) => Self::Points { keys: keys.clone().into_iter(), found: FoundRows::new() },
            RowSource::Ranges(ranges) => {
                Self::Ranges { ahead: ranges.iter().map(|r| row_range(table.id, r)).collect(), current: None }
            }
            RowSource::Index { index, ranges } => Self::Index {
                index: index.clone(),
                ahead: ranges.iter().map(|r| (r.start.clone(), r.end.clone())).collect(),
                current: None,
                found: FoundRows::new(),
            },
            RowSource::Read(rows) => Self::Read { rows: rows.clone(), next: 0 },
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
            RowWalk::Points { keys, found } => loop {
                if found.give(take)? {
                    return Ok(true);
                }
                let batch: Vec<_> = keys.by_ref().take(found.next_batch()).collect();
                if batch.is_empty() {
                    return Ok(false);
                }
                self.look_up(&batch, found)?;
            },
            RowWalk::Ranges { ahead, current } => match self.next_entry(ahead, current)? {
                Some(entry) => take(entry.key(), entry.value()).map(|()| true),
                None => Ok(false),
            },
            RowWalk::Index { index, ahead, current, found } => loop {
                if found.give(take)? {
                    return Ok(true);
                }
                let mut batch = Vec::new();
                for _ in 0..found.next_batch() {
                    let Some(entry) = self.next_entry(ahead, current)? else { break };
                    batch.push(decode_index_entry(self.table, index, entry.key(), entry.value())?.handle);
                }
                if batch.is_empty() {
                    return Ok(false);
                }
                self.look_up(&batch, found)?;
            },
            RowWalk::Read { rows, next } => match rows.0.get(*next) {
                Some(row) => {
                    *next += 1;
                    take(row.key(), row.value()).map(|()| true)
                }
                None => Ok(false),
            },
        }
    }

    /// Looks up the rows of `keys`, in their order.
    fn look_up(&self, keys: &[RowKey], found: &mut FoundRows) -> Result<()> {
        let keys: Vec<_> = keys.iter().map(|key| row_key(self.table.id, key.as_ref())).collect();
        let own = |key: &Bytes| self.overlay.and_then(|overlay| overlay.get(key));
        let stored: Vec<_> = keys.iter().filter(|key| own(key).is_none()).collect();
        let mut stored = self.reader.multi_get(&stored, self.ts)?.into_iter();
        for key in &keys {
            let row = match own(key) {
                Some(own) => own.cloned(),
                None => stored.next().flatten(),
            };
            found.rows.extend(row.map(|row| (key.clone(), row)));
        }
        Ok(())
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
