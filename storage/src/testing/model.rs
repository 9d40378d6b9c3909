//! What the engine should answer: every version of every key, in an ordered map.

use std::collections::BTreeMap;

use arrow::array::{BinaryArray, BooleanArray, Int64Array, UInt64Array};

use super::cells::{array_of, cell};
use crate::api::TableBatch;
use crate::error::Result;
use crate::types::{KeyArray, KeyKind, RowKey, TableSchema, Timestamp, Value};

/// One row version. The cells follow from the seed (see [`cell`]), so that they are known under any
/// schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRow {
    /// Its key.
    pub key: RowKey,
    /// Its timestamp.
    pub commit_ts: u64,
    /// What its cells are made of; `None` if it is a tombstone.
    pub seed: Option<i64>,
    /// Columns with ids from here on did not exist when it was written: they hold their default.
    pub columns_below: u32,
}

impl ModelRow {
    /// The cells under `schema`.
    pub fn cells(&self, schema: &TableSchema) -> Vec<Value> {
        let seed = self.seed.unwrap_or_default();
        let cells =
            schema.columns.iter().enumerate().map(|(i, column)| match (schema.key_column == Some(i), &self.key) {
                (true, RowKey::Int(key)) => Value::Int(*key),
                (true, RowKey::Bytes(_)) | (false, _) if column.id.0 >= self.columns_below => column.default.clone(),
                (true, RowKey::Bytes(_)) | (false, _) => {
                    cell(column.data_type, seed.wrapping_add(i64::from(column.id.0)))
                }
            });
        cells.collect()
    }
}

/// All versions of all keys.
#[derive(Clone, Debug, Default)]
pub struct Model {
    versions: BTreeMap<RowKey, BTreeMap<u64, ModelRow>>,
}

impl Model {
    /// Adds a version. Adding it again changes nothing.
    pub fn put(&mut self, row: &ModelRow) {
        self.versions.entry(row.key.clone()).or_default().insert(row.commit_ts, row.clone());
    }

    /// The visible rows at `ts`, in key order.
    pub fn visible(&self, ts: Timestamp) -> Vec<&ModelRow> {
        let newest = |versions: &BTreeMap<u64, ModelRow>| versions.range(..=ts.0).next_back().map(|(t, _)| *t);
        let rows = self.versions.values().filter_map(|versions| versions.get(&newest(versions)?));
        rows.filter(|row| row.seed.is_some()).collect()
    }

    /// Versions as a batch for the engine.
    pub fn batch(schema: &TableSchema, rows: &[ModelRow]) -> Result<TableBatch> {
        let cells: Vec<Vec<Value>> = rows.iter().map(|row| row.cells(schema)).collect();
        let column = |c: usize| {
            let values: Vec<Value> = cells.iter().map(|row| row[c].clone()).collect();
            array_of(schema.columns[c].data_type, &values)
        };
        let keys: Vec<RowKey> = rows.iter().map(|r| r.key.clone()).collect();
        Ok(TableBatch {
            table: schema.table,
            schema_version: schema.version,
            keys: key_array(schema.key, &keys),
            commit_ts: UInt64Array::from_iter_values(rows.iter().map(|r| r.commit_ts)),
            deleted: rows.iter().map(|r| Some(r.seed.is_none())).collect::<BooleanArray>(),
            columns: (0..schema.columns.len()).map(column).collect::<Result<_>>()?,
        })
    }
}

/// Keys as an array. Keys of the other kind are left out.
pub fn key_array(kind: KeyKind, keys: &[RowKey]) -> KeyArray {
    match kind {
        KeyKind::Int => KeyArray::Int(Int64Array::from_iter_values(keys.iter().filter_map(|k| match k {
            RowKey::Int(v) => Some(*v),
            RowKey::Bytes(_) => None,
        }))),
        KeyKind::Bytes => KeyArray::Bytes(BinaryArray::from_iter_values(keys.iter().filter_map(|k| match k {
            RowKey::Int(_) => None,
            RowKey::Bytes(b) => Some(b.as_ref()),
        }))),
    }
}
