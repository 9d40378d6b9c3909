//! Schemas whose columns are of given types.

use crate::types::{ColumnId, ColumnSchema, KeyKind, StoredType, TableId, TableSchema, Value};

/// A column that may be NULL and is by default.
pub(crate) fn column(id: u32, data_type: StoredType) -> ColumnSchema {
    ColumnSchema { id: ColumnId(id), name: format!("c{id}"), data_type, nullable: true, default: Value::Null }
}

/// With integer keys, the first column is the key.
pub(crate) fn schema(key: KeyKind, types: &[StoredType]) -> TableSchema {
    TableSchema {
        table: TableId(1),
        version: 1,
        key,
        key_column: (key == KeyKind::Int).then_some(0),
        columns: (0..).zip(types).map(|(id, data_type)| column(id, *data_type)).collect(),
    }
}
