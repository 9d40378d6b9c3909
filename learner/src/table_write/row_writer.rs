//! From a row change to the keys that it touches.
//!
//! | change | row | each index |
//! |---|---|---|
//! | insert | `Insert` | `Insert` if unique without NULL, else `Put` |
//! | update, same key | `Put` | nothing if the entry stays; else `Delete` the old, then as insert |
//! | update of the key | `Delete` old, `Insert` new | as above; every entry names the row, so all change |
//! | delete | `Delete` | `Delete` |
//!
//! Operations are listed deletions first, so that a row may take over a unique value that the same
//! statement frees (`UPDATE … SET u = u` of one row; between rows the order of the statement counts,
//! as in MySQL).

use arrow::array::RecordBatch;
use bytes::Bytes;
use deltatree_storage::types::{RowKey, Value};

use super::KeyOp;
use crate::catalog::TableInfo;
use crate::codec::{CodecError, RowLayout, arrow_row, encode_batch, handle_of, index_key, row_key};

type Result<T> = std::result::Result<T, CodecError>;

/// Writes rows of one table definition. Make one for many rows.
#[derive(Clone, Debug)]
pub struct RowWriter<'a> {
    info: &'a TableInfo,
    layout: RowLayout,
}

impl<'a> RowWriter<'a> {
    /// A writer for rows under this definition.
    pub fn new(info: &'a TableInfo) -> Self {
        Self { info, layout: RowLayout::new(info) }
    }

    /// The row's key: by its values, or `hidden_id` in a table without a declared key.
    ///
    /// # Errors
    /// If the table needs a hidden id and none is given, or the key column holds no integer.
    pub fn key(&self, row: &[Value], hidden_id: Option<i64>) -> Result<RowKey> {
        handle_of(self.info, row)
            .or(hidden_id.filter(|_| self.info.primary_key_positions().is_empty()).map(RowKey::Int))
            .ok_or_else(|| CodecError::new(format!("the row has no key of table {}", self.info.name)))
    }

    /// A new row. Appends the operations to `ops`.
    ///
    /// # Errors
    /// If a value is not in its column's physical form.
    pub fn insert(&self, key: &RowKey, row: &[Value], ops: &mut Vec<KeyOp>) -> Result<()> {
        ops.push(KeyOp::Insert { key: row_key(self.info.id, key.as_ref()), value: self.encode(row)? });
        self.insert_entries(key, row, ops)
    }

    /// Another version of a row, whose key may have changed too. Appends the operations to `ops`;
    /// appends none if nothing changed.
    ///
    /// # Errors
    /// As for [`Self::insert`].
    pub fn update(
        &self,
        old_key: &RowKey,
        old: &[Value],
        new_key: &RowKey,
        new: &[Value],
        ops: &mut Vec<KeyOp>,
    ) -> Result<()> {
        let table = self.info.id;
        let value = self.encode(new)?;
        if old_key != new_key {
            self.delete(old_key, old, ops)?;
            ops.push(KeyOp::Insert { key: row_key(table, new_key.as_ref()), value });
            return self.insert_entries(new_key, new, ops);
        }
        if old == new {
            return Ok(());
        }
        let mut added = vec![KeyOp::Put { key: row_key(table, new_key.as_ref()), value }];
        for index in self.info.maintained_indexes() {
            let before = self.entry(index, old_key, old)?;
            let after = self.entry(index, new_key, new)?;
            if before.0 != after.0 {
                ops.push(KeyOp::Delete { key: before.0 });
                added.push(insert_entry(after));
            }
        }
        ops.append(&mut added);
        Ok(())
    }

    /// Removes a row. Appends the operations to `ops`.
    ///
    /// # Errors
    /// If the row is not one of this table.
    pub fn delete(&self, key: &RowKey, old: &[Value], ops: &mut Vec<KeyOp>) -> Result<()> {
        ops.push(KeyOp::Delete { key: row_key(self.info.id, key.as_ref()) });
        for index in self.info.maintained_indexes() {
            ops.push(KeyOp::Delete { key: self.entry(index, key, old)?.0 });
        }
        Ok(())
    }

    /// Many new rows from Arrow, see [`encode_batch`]. Appends the operations to `ops`.
    ///
    /// # Errors
    /// As for [`encode_batch`].
    pub fn insert_batch(&self, batch: &RecordBatch, hidden_start: i64, ops: &mut Vec<KeyOp>) -> Result<()> {
        let encoded = encode_batch(self.info, batch, hidden_start)?;
        let indexes = self.info.maintained_indexes().count();
        ops.reserve(encoded.keys.len() * (1 + indexes));
        for (row, key) in encoded.keys.iter().enumerate() {
            ops.push(KeyOp::Insert { key: row_key(self.info.id, key.as_ref()), value: encoded.value(row) });
            if indexes > 0 {
                self.insert_entries(key, &arrow_row(batch.columns(), row)?, ops)?;
            }
        }
        Ok(())
    }

    /// The entry of one index for an existing row: what fills an index that was added to a table.
    ///
    /// # Errors
    /// If the row is not one of this table.
    pub fn index_entry(&self, index: &crate::catalog::IndexInfo, key: &RowKey, row: &[Value]) -> Result<KeyOp> {
        self.entry(index, key, row).map(insert_entry)
    }

    fn insert_entries(&self, key: &RowKey, row: &[Value], ops: &mut Vec<KeyOp>) -> Result<()> {
        for index in self.info.maintained_indexes() {
            ops.push(insert_entry(self.entry(index, key, row)?));
        }
        Ok(())
    }

    fn entry(&self, index: &crate::catalog::IndexInfo, key: &RowKey, row: &[Value]) -> Result<(Bytes, Bytes, bool)> {
        index_key(self.info, index, row, key.as_ref()).ok_or_else(|| {
            CodecError::new(format!("the row lacks a column of index {}.{}", self.info.name, index.name))
        })
    }

    fn encode(&self, row: &[Value]) -> Result<Bytes> {
        let mut value = Vec::with_capacity(32 + row.len() * 8);
        self.layout.encode_values(row, &mut value)?;
        Ok(value.into())
    }
}

fn insert_entry((key, value, exclusive): (Bytes, Bytes, bool)) -> KeyOp {
    if exclusive { KeyOp::Insert { key, value } } else { KeyOp::Put { key, value } }
}
