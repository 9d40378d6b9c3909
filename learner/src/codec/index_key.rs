//! Keys of secondary-index entries.
//!
//! The values of the index's columns come first, memcomparable. Entries of an index that is not
//! unique end with the row's handle, and so do those of a unique index that hold a NULL, because any
//! number of them may exist; all others keep the handle in their value, so that two rows with equal
//! values meet at one key.

use std::ops::Bound;

use bytes::Bytes;
use deltatree_storage::types::{KeyRef, RowKey, TableId, Value, memcomparable};

use super::error::{CodecError, Result};
use super::key::{KeyShape, append_handle, append_index_prefix, append_value, decode_handle, key_shape, prefix_end};
use crate::catalog::{IndexInfo, TableInfo};

/// One entry, read back.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexEntry {
    /// Values of the index's columns, in index order.
    pub values: Vec<Value>,
    /// The row that holds them.
    pub handle: RowKey,
}

/// Key and value of a row's entry, and whether the entry must be the only one at its key (unique,
/// without NULL). `None` if the row is too short for the table.
pub fn index_key(
    info: &TableInfo,
    index: &IndexInfo,
    row: &[Value],
    handle: KeyRef<'_>,
) -> Option<(Bytes, Bytes, bool)> {
    let mut key = Vec::with_capacity(24 + index.columns.len() * 10);
    append_index_prefix(&mut key, info.id, index.id);
    let mut has_null = false;
    for column in &index.columns {
        let value = row.get(info.position_of(*column)?)?;
        has_null |= value.is_null();
        append_value(&mut key, value);
    }
    let exclusive = index.unique && !has_null;
    let mut value = Vec::new();
    append_handle(if exclusive { &mut value } else { &mut key }, handle);
    Some((key.into(), value.into(), exclusive))
}

/// What all entries of an index start with.
pub fn index_prefix(table: TableId, index: u32) -> Bytes {
    let mut out = Vec::with_capacity(15);
    append_index_prefix(&mut out, table, index);
    out.into()
}

/// Bounds `start ≤ key < end` of the entries whose leading values lie between `start` and `end`.
/// A bound may name fewer values than the index has columns: an included bound then takes in all
/// entries that start with them, an excluded one leaves all of them out.
pub fn index_range(table: TableId, index: u32, start: Bound<&[Value]>, end: Bound<&[Value]>) -> (Bytes, Bytes) {
    let prefix = index_prefix(table, index);
    let at = |values: &[Value]| {
        let mut key = prefix.to_vec();
        values.iter().for_each(|v| append_value(&mut key, v));
        key
    };
    let start = match start {
        Bound::Included(values) => at(values).into(),
        Bound::Excluded(values) => prefix_end(&at(values)),
        Bound::Unbounded => prefix.clone(),
    };
    let end = match end {
        Bound::Included(values) => prefix_end(&at(values)),
        Bound::Excluded(values) => at(values).into(),
        Bound::Unbounded => prefix_end(&prefix),
    };
    (start, end)
}

/// Reads an entry, as [`index_key`] made it.
///
/// # Errors
/// If key and value are no entry of this index.
pub fn decode_index_entry(info: &TableInfo, index: &IndexInfo, key: &[u8], value: &[u8]) -> Result<IndexEntry> {
    let wrong =
        || CodecError::new(format!("damaged entry of index {}.{}: key {}", info.name, index.name, key.escape_ascii()));
    let mut rest = match key_shape(key) {
        Some(KeyShape::Index { table, index: id, rest }) if table == info.id && id == index.id => rest,
        Some(_) | None => return Err(wrong()),
    };
    let mut values = Vec::with_capacity(index.columns.len());
    for _ in &index.columns {
        values.push(memcomparable::decode(&mut rest).ok_or_else(wrong)?);
    }
    let exclusive = index.unique && !values.iter().any(Value::is_null);
    let handle = if exclusive { value } else { rest };
    if exclusive && !rest.is_empty() {
        return Err(wrong());
    }
    Ok(IndexEntry { values, handle: decode_handle(handle, info.key_kind())? })
}
