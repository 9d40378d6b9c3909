//! A table of integers in packs, and updates of it that stay in its delta.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, UInt64Array};
use deltatree_storage::api::{CancelFlag, TableBatch};
use deltatree_storage::config::Config;
use deltatree_storage::engine::Engine;
use deltatree_storage::error::Result;
use deltatree_storage::file::MemoryStore;
use deltatree_storage::types::{ColumnId, ColumnSchema, KeyArray, KeyKind, StoredType, TableId, TableSchema, Value};

/// The only table.
pub(crate) const TABLE: TableId = TableId(1);
/// Rows of a batch of updates.
const BATCH: i64 = 10_000;

fn schema(columns: u32) -> TableSchema {
    let column = |id: u32| ColumnSchema {
        id: ColumnId(id),
        name: format!("c{id}"),
        data_type: StoredType::Int64,
        nullable: false,
        default: Value::Int(0),
    };
    TableSchema {
        table: TABLE,
        version: 1,
        key: KeyKind::Int,
        key_column: Some(0),
        columns: (0..columns).map(column).collect(),
    }
}

/// An engine that has the keys `0..rows` in packs; the first of the columns is the key.
pub(crate) fn in_packs(rows: i64, columns: u32) -> Result<Engine> {
    let config = Config { background_threads: 1, ..Config::default() };
    let engine = Engine::open_with(Arc::new(MemoryStore::new()), config)?;
    engine.put_table(schema(columns))?;
    apply(&engine, columns, 1, 0..rows)?;
    engine.compact(TABLE, &CancelFlag::default())?;
    Ok(engine)
}

/// Applies so many updates, each of the row that `key` says.
pub(crate) fn update(engine: &Engine, columns: u32, updates: i64, key: impl Fn(i64) -> i64) -> Result<()> {
    for (ts, start) in (2..).zip((0..updates).step_by(BATCH as usize)) {
        apply(engine, columns, ts, (start..updates.min(start + BATCH)).map(&key))?;
    }
    Ok(())
}

fn apply(engine: &Engine, columns: u32, ts: u64, keys: impl Iterator<Item = i64>) -> Result<()> {
    let keys = Int64Array::from_iter_values(keys);
    let values: Int64Array = keys.unary(|key: i64| key.wrapping_mul(ts as i64 * 7919) % 100_003);
    let values: ArrayRef = Arc::new(values);
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(keys.clone())];
    arrays.resize(columns as usize, values);
    engine.apply(TableBatch {
        table: TABLE,
        schema_version: 1,
        commit_ts: UInt64Array::from_value(ts, keys.len()),
        deleted: BooleanArray::from(vec![false; keys.len()]),
        columns: arrays,
        keys: KeyArray::Int(keys),
    })?;
    Ok(())
}
