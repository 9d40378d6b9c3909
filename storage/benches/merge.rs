//! Merge-delta: updates of a million rows go to the packs.
//!
//! ```text
//! cargo bench -p deltatree-storage --bench merge
//! ```

use std::sync::Arc;

use arrow::array::{BooleanArray, Int64Array, UInt64Array};
use deltatree_storage::api::{CancelFlag, TableBatch};
use deltatree_storage::config::Config;
use deltatree_storage::engine::Engine;
use deltatree_storage::error::Result;
use deltatree_storage::file::MemoryStore;
use deltatree_storage::types::{
    ColumnId, ColumnSchema, KeyArray, KeyKind, StoredType, TableId, TableSchema, Timestamp, Value,
};
use divan::Bencher;
use divan::counter::ItemsCount;

const TABLE: TableId = TableId(1);
const ROWS: i64 = 1 << 20;

fn main() {
    divan::main();
}

fn schema() -> TableSchema {
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
        columns: (0..4).map(column).collect(),
    }
}

fn apply(engine: &Engine, ts: u64, keys: impl Iterator<Item = i64>) -> Result<()> {
    let keys = Int64Array::from_iter_values(keys);
    let values: Arc<Int64Array> = Arc::new(keys.unary(|key: i64| key.wrapping_mul(ts as i64 * 7919) % 100_003));
    engine.apply(TableBatch {
        table: TABLE,
        schema_version: 1,
        commit_ts: UInt64Array::from_value(ts, keys.len()),
        deleted: BooleanArray::from(vec![false; keys.len()]),
        columns: vec![Arc::new(keys.clone()), values.clone(), values.clone(), values],
        keys: KeyArray::Int(keys),
    })?;
    Ok(())
}

/// A table in packs, with updates in its delta.
fn updated(keys: impl Fn(i64) -> i64, updates: i64) -> Result<Engine> {
    let config = Config { background_threads: 1, ..Config::default() };
    let engine = Engine::open_with(Arc::new(MemoryStore::new()), config)?;
    engine.put_table(schema())?;
    apply(&engine, 1, 0..ROWS)?;
    engine.compact(TABLE, &CancelFlag::default())?;
    for (ts, start) in (2..).zip((0..updates).step_by(10_000)) {
        apply(&engine, ts, (start..updates.min(start + 10_000)).map(&keys))?;
    }
    engine.set_safe_point(Timestamp::MAX);
    Ok(engine)
}

fn measure(bencher: Bencher, keys: impl Fn(i64) -> i64, updates: i64) {
    bencher
        .counter(ItemsCount::new(updates as usize))
        .with_inputs(|| updated(&keys, updates).expect("a disk of memory does not fail"))
        .bench_local_values(|engine| {
            engine.compact(TABLE, &CancelFlag::default()).expect("a disk of memory does not fail");
            engine
        });
}

/// One row in so many is updated, everywhere.
#[divan::bench(args = [100, 10, 2], sample_count = 5, sample_size = 1)]
fn scattered_one_in(bencher: Bencher, one_in: i64) {
    measure(bencher, |i| i * one_in, ROWS / one_in);
}

/// Rows after the last one.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn appended_a_tenth(bencher: Bencher) {
    measure(bencher, |i| ROWS + i, ROWS / 10);
}
