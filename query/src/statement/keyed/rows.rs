//! The rows that conditions name by key.

use std::time::Instant;

use bytes::Bytes;
use datafusion::sql::sqlparser::ast::{Expr, TableFactor};
use deltatree_learner::codec::{decode_index_entry, decode_row, decode_row_key, row_key, row_range};
use deltatree_learner::{Row, RowReader, Transaction};
use deltatree_storage::types::{RowKey, Timestamp, Value};

use super::conditions::predicates;
use crate::access_path::{AccessPath, ExactPath, FEW_ROWS};
use crate::error::{Result, SqlError};
use crate::session::Session;
use crate::statement::target::Target;

/// Rows of a table that a path brings, all of them or the first few.
pub(super) struct KeyedRows {
    pub(super) target: Target,
    pub(super) path: ExactPath,
    /// Whether to walk the path backwards.
    pub(super) reverse: bool,
    /// How many to read; if `None` all, which must be few.
    pub(super) first: Option<usize>,
}

/// The rows as the row store has them.
pub(super) type Rows = Vec<Row>;

/// Where rows are read.
enum RowsAt<'a> {
    /// What was committed.
    Committed(RowReader, Timestamp),
    /// That, and the transaction's own changes.
    Own(&'a Transaction, Timestamp),
}

impl RowsAt<'_> {
    fn multi_get(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>> {
        Ok(match self {
            Self::Committed(reader, ts) => reader.multi_get(keys, *ts)?,
            Self::Own(transaction, ts) => transaction.multi_get_at(keys, *ts)?,
        })
    }

    /// The first `most` entries between two keys.
    fn scan(&self, start: Bytes, end: Bytes, reverse: bool, most: usize) -> Result<Rows> {
        let rows: std::result::Result<Rows, _> = match self {
            Self::Committed(reader, ts) => reader.scan(start, end, *ts, reverse).take(most).collect(),
            Self::Own(transaction, ts) => transaction.scan_at(start, end, *ts, reverse).take(most).collect(),
        };
        Ok(rows?)
    }
}

impl KeyedRows {
    /// Reads them; `None` if they are not few.
    fn read(&self, at: &RowsAt<'_>) -> Result<Option<Rows>> {
        let most = self.first.unwrap_or(FEW_ROWS as usize + 1);
        let table = &*self.target.table;
        let mut rows = match &self.path.path {
            AccessPath::PointGet { keys } if self.reverse => self.look_up(at, keys.iter().rev())?,
            AccessPath::PointGet { keys } => self.look_up(at, keys.iter())?,
            AccessPath::KeyRange { ranges } => {
                self.scan(at, ranges.iter().map(|range| row_range(table.id, range)), most)?
            }
            AccessPath::IndexRange { index, ranges, .. } => {
                let index = table.indexes.iter().find(|i| i.id == *index);
                let index = index.ok_or_else(|| SqlError::internal("a path by an index that is not there"))?;
                let entries = self.scan(at, ranges.iter().map(|r| (r.start.clone(), r.end.clone())), most)?;
                let handles = entries
                    .iter()
                    .map(|entry| Ok(decode_index_entry(table, index, entry.key(), entry.value())?.handle));
                let handles = handles.collect::<Result<Vec<_>>>()?;
                self.look_up(at, handles.iter())?
            }
            AccessPath::RowScan | AccessPath::ColumnarScan => {
                return Err(SqlError::internal("a path without keys as one by keys"));
            }
        };
        if self.first.is_none() && rows.len() as u64 > FEW_ROWS {
            return Ok(None);
        }
        rows.truncate(most);
        Ok(Some(rows))
    }

    fn scan(
        &self,
        at: &RowsAt<'_>,
        ranges: impl DoubleEndedIterator<Item = (Bytes, Bytes)>,
        most: usize,
    ) -> Result<Rows> {
        let mut ranges: Vec<_> = ranges.collect();
        if self.reverse {
            ranges.reverse();
        }
        let mut rows = Vec::new();
        for (start, end) in ranges {
            rows.extend(at.scan(start, end, self.reverse, most - rows.len())?);
            if rows.len() == most {
                break;
            }
        }
        Ok(rows)
    }

    fn look_up<'k>(&self, at: &RowsAt<'_>, keys: impl DoubleEndedIterator<Item = &'k RowKey>) -> Result<Rows> {
        let keys: Vec<_> = keys.map(|key| row_key(self.target.table.id, key.as_ref())).collect();
        let rows = at.multi_get(&keys)?;
        Ok(keys.into_iter().zip(rows).filter_map(|(key, row)| Some(Row::own(key, row?))).collect())
    }

    /// A row as it was read: its key, and its columns.
    pub(super) fn decode(&self, row: &Row) -> Result<(RowKey, Vec<Value>)> {
        let table = &*self.target.table;
        let (_, key) = decode_row_key(row.key(), table.key_kind())?;
        let row = decode_row(table, &key, row.value())?;
        Ok((key, row))
    }
}

impl Session {
    /// The rows that a condition names by key and by nothing else, if they may be few.
    pub(super) fn keyed_rows(&self, relation: &TableFactor, selection: Option<&Expr>) -> Option<KeyedRows> {
        let target = self.plain_target(relation)?;
        let conjuncts = predicates(&target, selection?)?;
        let path = ExactPath::of(&target.table, &conjuncts)?;
        Some(KeyedRows { target, path, reverse: false, first: None })
    }

    /// Reads rows at `ts`, with the open transaction's own changes if there is one; `None` if they are not
    /// few.
    pub(super) fn read_keyed(&self, rows: &KeyedRows, ts: Timestamp) -> Result<Option<Rows>> {
        if rows.first.is_none() && rows.path.rows_at_most(&rows.target.table).is_some_and(|most| most > FEW_ROWS) {
            return Ok(None);
        }
        match &self.transaction {
            Some(open) => rows.read(&RowsAt::Own(&open.inner, ts)),
            None => rows.read(&RowsAt::Committed(self.node.group().reader(), ts)),
        }
    }

    /// The newest state of rows, locked if the transaction does that: they stay as returned until it ends.
    /// `None` if they are not few.
    pub(super) async fn lock_keyed(&mut self, rows: &KeyedRows) -> Result<Option<Rows>> {
        let mut locked = std::collections::HashSet::new();
        let open = self.writable()?;
        let mut ts = open.inner.start_ts();
        if open.pessimistic() {
            if let Some(keys) = rows.path.points() {
                // Known before they are read.
                let keys: Vec<_> = keys.iter().map(|key| rows.target.row_key(key)).collect();
                ts = self.lock(&keys).await?.unwrap_or(ts);
                locked.extend(keys);
            } else {
                ts = open.inner.current_ts().await?;
            }
        }
        // Others may take the first row of a queue again and again before it is locked here.
        let begun = Instant::now();
        while begun.elapsed() < self.lock_patience() {
            let Some(found) = self.read_keyed(rows, ts)? else { return Ok(None) };
            let keys: Vec<_> = found.iter().map(Row::key_bytes).filter(|key| !locked.contains(key)).collect();
            let Some(settled) = self.lock_found(&keys).await? else { return Ok(Some(found)) };
            ts = settled;
            locked.extend(keys);
        }
        Err(SqlError::lock_wait_timeout())
    }
}
