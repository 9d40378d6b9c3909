//! How fast the engine applies and scans. Not a test: run it on a quiet machine by
//!
//! ```text
//! cargo test -p deltatree-storage --release --test engine_speed -- --ignored --nocapture
//! ```
//!
//! `ROWS` in the environment changes the size of the table (10 million rows by default), `SCANS` how often
//! each scan is repeated.

#![allow(clippy::unwrap_used, reason = "a failure ends the measurement")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, UInt64Array};
use arrow::compute::sum;
use arrow::datatypes::Int64Type;
use deltatree_storage::api::{ScanRequest, TableBatch};
use deltatree_storage::config::Config;
use deltatree_storage::engine::Engine;
use deltatree_storage::error::Result;
use deltatree_storage::pack::PackRows;
use deltatree_storage::predicate::{CompareOp, Predicate};
use deltatree_storage::types::{
    ColumnId, ColumnSchema, KeyArray, KeyKind, StoredType, TableId, TableSchema, Timestamp, Value,
};

const TABLE: TableId = TableId(1);

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

fn from_env(name: &str, default: i64) -> i64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// A scattered permutation of `0..rows` (`rows` prime to the factor).
fn scatter(i: i64, rows: i64) -> i64 {
    (i as i128 * 7_919_777_311 % rows as i128) as i64
}

fn columns(keys: &[i64], salt: i64) -> Vec<ArrayRef> {
    let column =
        |f: &dyn Fn(i64) -> i64| Arc::new(Int64Array::from_iter_values(keys.iter().map(|k| f(*k)))) as ArrayRef;
    vec![column(&|k| k), column(&|k| scatter(k + salt, 1009)), column(&|k| k % 10_007 + salt), column(&|k| k % 100)]
}

fn batch(keys: Vec<i64>, ts: u64) -> TableBatch {
    TableBatch {
        table: TABLE,
        schema_version: 1,
        commit_ts: UInt64Array::from_value(ts, keys.len()),
        deleted: BooleanArray::from(vec![false; keys.len()]),
        columns: columns(&keys, ts as i64),
        keys: KeyArray::Int(keys.into()),
    }
}

fn load(rows: i64) -> impl Iterator<Item = Result<PackRows>> {
    (0..rows).step_by(65_536).map(move |start| {
        let keys: Vec<i64> = (start..rows.min(start + 65_536)).collect();
        Ok(PackRows {
            commit_ts: UInt64Array::from_value(1, keys.len()),
            tombstones: None,
            columns: columns(&keys, 0),
            keys: KeyArray::Int(keys.into()),
        })
    })
}

/// `select sum(c2) where c1 < 900`, one thread, best of several.
fn scan(engine: &Engine) -> (Duration, i64) {
    let mut best = (Duration::MAX, 0);
    for _ in 0..from_env("SCANS", 9) {
        let start = Instant::now();
        let predicate = Predicate::Compare { column: 1, op: CompareOp::Lt, value: Value::Int(900) };
        let request = ScanRequest { predicates: vec![predicate], ..ScanRequest::all(vec![2]) };
        let mut worker = engine.snapshot(TABLE, Timestamp::MAX).unwrap().scan(request).unwrap().worker();
        let mut total = 0;
        while let Some(batch) = worker.next_batch().unwrap() {
            total += sum(batch.column(0).as_primitive::<Int64Type>()).unwrap_or_default();
        }
        best = best.min((start.elapsed(), total));
    }
    best
}

#[test]
#[ignore = "a measurement, for a quiet machine"]
fn apply_and_scan() {
    let rows = from_env("ROWS", 10_000_000);
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(dir.path(), Config::default()).unwrap();
    let start = Instant::now();
    engine.bulk_build(schema(), Timestamp(1), load(rows)).unwrap();
    println!("bulk build       {:>10.0} rows/s", rows as f64 / start.elapsed().as_secs_f64());
    let (clean, _) = scan(&engine);
    println!("clean scan       {clean:>12.1?}");

    let updates = rows / 10;
    let mut spent = Duration::ZERO;
    for (i, first) in (0..updates).step_by(10_000).enumerate() {
        let keys = (first..updates.min(first + 10_000)).map(|n| scatter(n, rows - 1)).collect();
        let batch = batch(keys, 2 + i as u64);
        let start = Instant::now();
        assert_eq!(engine.apply(batch).unwrap().replayed, 0);
        spent += start.elapsed();
    }
    println!("scattered upserts{:>10.0} rows/s, in batches of 10,000", updates as f64 / spent.as_secs_f64());
    let (updated, _) = scan(&engine);
    println!(
        "updated scan     {updated:>12.1?}  {:.2} x clean (delta in memory)",
        updated.as_secs_f64() / clean.as_secs_f64()
    );
    let stats = engine.stats(TABLE).unwrap();
    let index: u64 = stats.segments.iter().map(|s| s.index_bytes).sum();
    println!("delta index      {:>10.1} bytes a row", index as f64 / updates as f64);

    let start = Instant::now();
    engine.flush().unwrap();
    println!("flush            {:>12.1?}", start.elapsed());
    let (flushed, _) = scan(&engine);
    println!(
        "updated scan     {flushed:>12.1?}  {:.2} x clean (delta in files)",
        flushed.as_secs_f64() / clean.as_secs_f64()
    );

    let single = 20_000;
    let start = Instant::now();
    for i in 0..single {
        engine.apply(batch(vec![rows + i], 1_000_000 + i as u64)).unwrap();
    }
    println!("single inserts   {:>10.0} rows/s", single as f64 / start.elapsed().as_secs_f64());

    engine.set_safe_point(Timestamp::MAX);
    let start = Instant::now();
    engine.compact(TABLE).unwrap();
    println!("merge-delta      {:>12.1?}", start.elapsed());
    let (merged, _) = scan(&engine);
    println!("merged scan      {merged:>12.1?}  {:.2} x clean", merged.as_secs_f64() / clean.as_secs_f64());
}
