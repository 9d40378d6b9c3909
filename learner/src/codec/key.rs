//! Keys of the row store.
//!
//! | key | bytes |
//! |---|---|
//! | row | `t` table (8, big-endian) `_r` handle |
//! | index entry | `t` table (8, big-endian) `_i` index (4, big-endian) values \[handle\] |
//! | mark of a table that came by import | `t` table (8, big-endian) `_z` |
//! | definitions and counters | `m` … (see [`crate::catalog`]) |
//!
//! A *handle* names a row within its table. An integer key is eight bytes, big-endian, with the sign
//! flipped, so that the order of bytes is the order of integers; any other key is the memcomparable
//! encoding of its columns, raw, because nothing follows it. All keys of a table are thus one range
//! of bytes ([`table_range`]), with the index entries before the rows.
//!
//! Text is compared by its bytes: the collations' case rules are not part of a key.

use bytes::Bytes;
use deltatree_storage::types::{KeyKind, KeyRange, KeyRef, RowKey, TableId, Value, memcomparable};

use super::error::{CodecError, Result};
use crate::catalog::{PrimaryKey, TableInfo};

const TABLE: u8 = b't';
const META: u8 = b'm';
const ROW: &[u8; 2] = b"_r";
const INDEX: &[u8; 2] = b"_i";
const RUNS_COMPLETE: &[u8; 2] = b"_z";
/// `t`, table id, and the two bytes that say what follows.
const PREFIX_BYTES: usize = 1 + 8 + 2;

/// Where a key belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyShape<'a> {
    /// A definition or counter of the catalog.
    Meta,
    /// A row.
    Row {
        /// Its table.
        table: TableId,
        /// Encoded handle.
        handle: &'a [u8],
    },
    /// An entry of a secondary index.
    Index {
        /// Its table.
        table: TableId,
        /// The index.
        index: u32,
        /// Memcomparable values, and the handle for entries that need one.
        rest: &'a [u8],
    },
}

/// Tells rows, index entries and definitions apart. `None` for any other key.
pub fn key_shape(key: &[u8]) -> Option<KeyShape<'_>> {
    match *key.first()? {
        META => Some(KeyShape::Meta),
        TABLE => {
            let (table, rest) = key[1..].split_first_chunk::<8>()?;
            let table = TableId(u64::from_be_bytes(*table));
            let (tag, rest) = rest.split_first_chunk::<2>()?;
            match tag {
                ROW => Some(KeyShape::Row { table, handle: rest }),
                INDEX => {
                    let (index, rest) = rest.split_first_chunk::<4>()?;
                    Some(KeyShape::Index { table, index: u32::from_be_bytes(*index), rest })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The key of a row.
pub fn row_key(table: TableId, key: KeyRef<'_>) -> Bytes {
    let mut out = Vec::with_capacity(PREFIX_BYTES + 8);
    append_row_key(&mut out, table, key);
    out.into()
}

/// Appends the key of a row to `out`.
pub fn append_row_key(out: &mut Vec<u8>, table: TableId, key: KeyRef<'_>) {
    append_prefix(out, table, ROW);
    append_handle(out, key);
}

/// Reads the key of a row, as [`row_key`] made it.
///
/// # Errors
/// If the bytes are no row key, or the handle is not of the given kind.
pub fn decode_row_key(key: &[u8], kind: KeyKind) -> Result<(TableId, RowKey)> {
    match key_shape(key) {
        Some(KeyShape::Row { table, handle }) => Ok((table, decode_handle(handle, kind)?)),
        Some(KeyShape::Meta | KeyShape::Index { .. }) | None => {
            Err(CodecError::new(format!("expected the key of a row, found {}", key.escape_ascii())))
        }
    }
}

/// Bounds `start ≤ key < end` of a table's rows with keys in `range`.
pub fn row_range(table: TableId, range: &KeyRange) -> (Bytes, Bytes) {
    let mut prefix = Vec::with_capacity(PREFIX_BYTES);
    append_prefix(&mut prefix, table, ROW);
    let start = match &range.start {
        Some(key) => row_key(table, key.as_ref()),
        None => prefix.clone().into(),
    };
    let end = match &range.end {
        Some(key) => row_key(table, key.as_ref()),
        None => prefix_end(&prefix),
    };
    (start, end)
}

/// Bounds of everything that belongs to a table: index entries and rows.
pub fn table_range(table: TableId) -> (Bytes, Bytes) {
    let mut prefix = Vec::with_capacity(PREFIX_BYTES);
    append_prefix(&mut prefix, table, ROW);
    prefix.pop();
    let end = prefix_end(&prefix);
    (prefix.into(), end)
}

/// The key that says that all of an imported table is there. It sorts after the table's rows.
pub(crate) fn runs_complete_key(table: TableId) -> Bytes {
    let mut key = Vec::with_capacity(PREFIX_BYTES);
    append_prefix(&mut key, table, RUNS_COMPLETE);
    key.into()
}

/// Bounds of the catalog's keys.
pub fn meta_range() -> (Bytes, Bytes) {
    (Bytes::from_static(b"m"), Bytes::from_static(b"n"))
}

/// The smallest byte string after all those that start with `prefix`. The prefix must hold a byte
/// other than `ff`; every prefix made here starts with a letter.
pub fn prefix_end(prefix: &[u8]) -> Bytes {
    let kept = prefix.iter().rposition(|&b| b != 0xff).map_or(0, |i| i + 1);
    let mut end = prefix[..kept].to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end.into()
}

/// The row key of a row, given in full. `None` if the table has a hidden key (the caller hands out
/// the row id), or if the key's column does not hold an integer where the key is one.
pub fn handle_of(info: &TableInfo, row: &[Value]) -> Option<RowKey> {
    match &info.primary_key {
        PrimaryKey::Integer { column } => match row.get(info.position_of(*column)?)? {
            Value::Int(v) => Some(RowKey::Int(*v)),
            Value::UInt(v) => Some(RowKey::Int(flip(*v))),
            Value::Null | Value::Float(_) | Value::Decimal(_) | Value::BigDecimal(_) | Value::Bytes(_) => None,
        },
        PrimaryKey::Columns { columns } => {
            let mut out = Vec::with_capacity(columns.len() * 10);
            for column in columns {
                append_value(&mut out, row.get(info.position_of(*column)?)?);
            }
            Some(RowKey::Bytes(out.into()))
        }
        PrimaryKey::Hidden => None,
    }
}

/// The values of the primary key's columns, by position in the table, in key order: what
/// [`handle_of`] put into the key. Empty for a hidden key.
///
/// # Errors
/// If the key is not one of this table.
pub fn key_values(info: &TableInfo, key: &RowKey) -> Result<Vec<(usize, Value)>> {
    let wrong = || CodecError::new(format!("{key:?} is not a key of table {}", info.name));
    let positions = info.primary_key_positions();
    match (&info.primary_key, key) {
        (PrimaryKey::Integer { .. }, RowKey::Int(v)) => {
            let &position = positions.first().ok_or_else(wrong)?;
            let value = if is_unsigned(info, position) { Value::UInt(unflip(*v)) } else { Value::Int(*v) };
            Ok(vec![(position, value)])
        }
        (PrimaryKey::Columns { .. }, RowKey::Bytes(bytes)) => {
            let mut rest = &bytes[..];
            let mut values = Vec::with_capacity(positions.len());
            for position in positions {
                values.push((position, memcomparable::decode(&mut rest).ok_or_else(wrong)?));
            }
            if rest.is_empty() { Ok(values) } else { Err(wrong()) }
        }
        (PrimaryKey::Hidden, RowKey::Int(_)) => Ok(Vec::new()),
        (PrimaryKey::Integer { .. } | PrimaryKey::Hidden, RowKey::Bytes(_))
        | (PrimaryKey::Columns { .. }, RowKey::Int(_)) => Err(wrong()),
    }
}

/// Unsigned keys keep their order as signed ones when the top bit is flipped.
pub(super) fn flip(v: u64) -> i64 {
    (v ^ (1 << 63)) as i64
}

fn unflip(v: i64) -> u64 {
    (v as u64) ^ (1 << 63)
}

fn is_unsigned(info: &TableInfo, position: usize) -> bool {
    use deltatree_storage::types::StoredType::{UInt8, UInt16, UInt32, UInt64};
    matches!(info.columns[position].sql_type.stored(), UInt8 | UInt16 | UInt32 | UInt64)
}

/// Appends a value of a key. Negative zero equals zero in SQL, so both have one encoding.
pub(super) fn append_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Float(v) if *v == 0.0 => memcomparable::encode(out, &Value::Float(0.0)),
        value => memcomparable::encode(out, value),
    }
}

pub(super) fn append_index_prefix(out: &mut Vec<u8>, table: TableId, index: u32) {
    append_prefix(out, table, INDEX);
    out.extend_from_slice(&index.to_be_bytes());
}

fn append_prefix(out: &mut Vec<u8>, table: TableId, tag: &[u8; 2]) {
    out.push(TABLE);
    out.extend_from_slice(&table.0.to_be_bytes());
    out.extend_from_slice(tag);
}

pub(super) fn append_handle(out: &mut Vec<u8>, key: KeyRef<'_>) {
    match key {
        KeyRef::Int(v) => out.extend_from_slice(&unflip(v).to_be_bytes()),
        KeyRef::Bytes(bytes) => out.extend_from_slice(bytes),
    }
}

pub(super) fn decode_handle(handle: &[u8], kind: KeyKind) -> Result<RowKey> {
    match kind {
        KeyKind::Int => {
            let bytes: [u8; 8] = handle
                .try_into()
                .map_err(|_| CodecError::new(format!("an integer row key has 8 bytes, found {}", handle.len())))?;
            Ok(RowKey::Int(flip(u64::from_be_bytes(bytes))))
        }
        KeyKind::Bytes => Ok(RowKey::Bytes(Bytes::copy_from_slice(handle))),
    }
}
