//! A transaction's own, uncommitted rows of one table.

use std::iter::Peekable;
use std::sync::Arc;

use arrow::array::{BinaryArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use deltatree_learner::catalog::TableInfo;
use deltatree_learner::codec::{RowsToArrow, decode_row_key, row_range};
use deltatree_learner::{Row, RowScan};
use deltatree_storage::types::{KeyArray, KeyKind, KeyRange, RowKey};

use crate::error::Result;
use crate::planner::TransactionOverlay;

/// For the columnar path: the keys that the transaction has changed, whose committed rows must not
/// show, and the rows that it has put there instead.
#[derive(Clone, Debug)]
pub(crate) struct OwnRows {
    /// Ascending.
    pub(crate) keys: KeyArray,
    /// The table's columns, in table positions.
    pub(crate) rows: RecordBatch,
}

impl OwnRows {
    /// `None` if the transaction has not touched the table.
    pub(crate) fn of(
        overlay: Option<&TransactionOverlay>,
        table: &TableInfo,
        schema: &SchemaRef,
    ) -> Result<Option<Self>> {
        let Some(overlay) = overlay else { return Ok(None) };
        let (start, end) = row_range(table.id, &KeyRange::ALL);
        let all: Vec<_> = (0..table.columns.len()).collect();
        let mut keys = Vec::new();
        let mut rows = RowsToArrow::new(table, &all, 0);
        for (key, value) in overlay.range(&start, &end) {
            keys.push(decode_row_key(key, table.key_kind())?.1);
            if let Some(value) = value {
                rows.push(value)?;
            }
        }
        if keys.is_empty() {
            return Ok(None);
        }
        let rows = rows.finish()?;
        let rows = RecordBatch::try_new(Arc::clone(schema), rows.columns().to_vec())?;
        Ok(Some(Self { keys: key_array(table.key_kind(), &keys), rows }))
    }
}

fn key_array(kind: KeyKind, keys: &[RowKey]) -> KeyArray {
    let int = |key: &RowKey| match key {
        RowKey::Int(v) => Some(*v),
        RowKey::Bytes(_) => None,
    };
    let bytes = |key: &RowKey| match key {
        RowKey::Bytes(b) => Some(b.clone()),
        RowKey::Int(_) => None,
    };
    match kind {
        KeyKind::Int => KeyArray::Int(keys.iter().filter_map(int).collect::<Vec<_>>().into()),
        KeyKind::Bytes => KeyArray::Bytes(BinaryArray::from_iter_values(keys.iter().filter_map(bytes))),
    }
}

/// For the row path: a range of the row store with the transaction's changes in place.
pub(super) struct MergedScan {
    stored: Peekable<RowScan>,
    own: Peekable<std::vec::IntoIter<(Bytes, Option<Bytes>)>>,
}

/// One key and its value, from the row store or from the transaction.
pub(super) enum Entry {
    Stored(Row),
    Own(Bytes, Bytes),
}

impl Entry {
    pub(super) fn key(&self) -> &[u8] {
        match self {
            Self::Stored(row) => row.key(),
            Self::Own(key, _) => key,
        }
    }

    pub(super) fn value(&self) -> &[u8] {
        match self {
            Self::Stored(row) => row.value(),
            Self::Own(_, value) => value,
        }
    }
}

impl MergedScan {
    pub(super) fn new(stored: RowScan, overlay: Option<&TransactionOverlay>, start: &Bytes, end: &Bytes) -> Self {
        let own: Vec<_> = overlay
            .into_iter()
            .flat_map(|o| o.range(start, end))
            .map(|(key, value)| (key.clone(), value.cloned()))
            .collect();
        Self { stored: stored.peekable(), own: own.into_iter().peekable() }
    }

    /// The next entry in key order; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Entry>> {
        loop {
            let Some((own_key, _)) = self.own.peek() else { return self.next_stored() };
            let order = match self.stored.peek() {
                Some(Ok(row)) => own_key.as_ref().cmp(row.key()),
                Some(Err(_)) => return self.next_stored(),
                None => std::cmp::Ordering::Less,
            };
            if order.is_gt() {
                return self.next_stored();
            }
            if order.is_eq() {
                self.stored.next();
            }
            if let Some((key, Some(value))) = self.own.next() {
                return Ok(Some(Entry::Own(key, value)));
            }
        }
    }

    fn next_stored(&mut self) -> Result<Option<Entry>> {
        Ok(self.stored.next().transpose()?.map(Entry::Stored))
    }
}
