//! Scans of a table with and without updates that have not been merged.
//!
//! ```text
//! cargo bench -p deltatree-storage --bench scan
//! ```

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, Int64Array, UInt64Array};
use arrow::compute::sum;
use arrow::datatypes::Int64Type;
use deltatree_storage::api::{CancelFlag, ScanRequest, TableBatch};
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
const ROWS: i64 = 1 << 21;

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
        columns: (0..2).map(column).collect(),
    }
}

fn apply(engine: &Engine, ts: u64, keys: impl Iterator<Item = i64>) -> Result<()> {
    let keys = Int64Array::from_iter_values(keys);
    let values: Int64Array = keys.unary(|key: i64| key.wrapping_mul(ts as i64 * 7919) % 100_003);
    engine.apply(TableBatch {
        table: TABLE,
        schema_version: 1,
        commit_ts: UInt64Array::from_value(ts, keys.len()),
        deleted: BooleanArray::from(vec![false; keys.len()]),
        columns: vec![Arc::new(keys.clone()), Arc::new(values)],
        keys: KeyArray::Int(keys),
    })?;
    Ok(())
}

/// A table in packs, with an update of one row in so many, everywhere, in its delta.
fn updated(one_in: Option<i64>) -> Result<Engine> {
    let config = Config { background_threads: 1, ..Config::default() };
    let engine = Engine::open_with(Arc::new(MemoryStore::new()), config)?;
    engine.put_table(schema())?;
    apply(&engine, 1, 0..ROWS)?;
    engine.compact(TABLE, &CancelFlag::default())?;
    if let Some(one_in) = one_in {
        for (ts, start) in (2..).zip((0..ROWS / one_in).step_by(10_000)) {
            apply(&engine, ts, (start..(ROWS / one_in).min(start + 10_000)).map(|i| i * one_in))?;
        }
    }
    Ok(engine)
}

fn add_up(engine: &Engine) -> Result<i64> {
    let scan = engine.snapshot(TABLE, Timestamp::MAX)?.scan(ScanRequest::all(vec![0, 1]))?;
    let mut worker = Arc::new(scan).worker();
    let mut total = 0_i64;
    while let Some(batch) = worker.next_batch()? {
        let column = |i: usize| sum(batch.column(i).as_primitive::<Int64Type>()).unwrap_or(0);
        total = total.wrapping_add(column(0)).wrapping_add(column(1));
    }
    Ok(total)
}

fn measure(bencher: Bencher, one_in: Option<i64>) {
    let engine = updated(one_in).expect("a disk of memory does not fail");
    bencher
        .counter(ItemsCount::new(ROWS as usize))
        .bench_local(|| black_box(add_up(&engine).expect("a disk of memory does not fail")));
}

#[divan::bench]
fn clean(bencher: Bencher) {
    measure(bencher, None);
}

#[divan::bench(args = [1000, 100, 30, 10, 2])]
fn updated_one_in(bencher: Bencher, one_in: i64) {
    measure(bencher, Some(one_in));
}
