//! How fast the engine applies, compacts, reopens and scans. Not tests: run them on a quiet machine,
//! one by one, by
//!
//! ```text
//! cargo test -p deltatree-storage --release --test engine_speed -- --ignored --nocapture --test-threads 1 NAME
//! ```
//!
//! `ROWS` in the environment changes the size of the table (10 million rows by default), `SCANS` how often
//! each scan is repeated.

#![allow(clippy::unwrap_used, reason = "a failure ends the measurement")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, StringViewArray, UInt64Array};
use arrow::compute::sum;
use arrow::datatypes::Int64Type;
use deltatree_storage::api::{CancelFlag, ReplayPosition, ScanRequest, TableBatch};
use deltatree_storage::config::Config;
use deltatree_storage::engine::{Engine, WriteStats};
use deltatree_storage::error::Result;
use deltatree_storage::pack::PackRows;
use deltatree_storage::predicate::{CompareOp, Predicate};
use deltatree_storage::types::{
    ColumnId, ColumnSchema, KeyArray, KeyKind, KeyRange, RowKey, StoredType, TableId, TableSchema, Timestamp, Value,
};

const TABLE: TableId = TableId(1);
const BATCH: i64 = 10_000;

fn table_rows() -> i64 {
    from_env("ROWS", 10_000_000)
}

/// `id bigint primary key, a bigint, b bigint, c bigint, s text`.
fn schema() -> TableSchema {
    let column = |(id, name): (usize, &&str)| ColumnSchema {
        id: ColumnId(id as u32),
        name: (*name).to_owned(),
        data_type: if *name == "s" { StoredType::Utf8 } else { StoredType::Int64 },
        nullable: false,
        default: if *name == "s" { Value::Bytes("".into()) } else { Value::Int(0) },
    };
    TableSchema {
        table: TABLE,
        version: 1,
        key: KeyKind::Int,
        key_column: Some(0),
        columns: ["id", "a", "b", "c", "s"].iter().enumerate().map(column).collect(),
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
    let text = StringViewArray::from_iter_values(keys.iter().map(|k| format!("item {}", scatter(k + salt, 99_991))));
    vec![
        column(&|k| k),
        column(&|k| scatter(k + salt, 1009)),
        column(&|k| scatter(k + salt, 1_000_003)),
        column(&|k| k % 100),
        Arc::new(text),
    ]
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

/// Batch `number` of a stream of scattered updates.
fn scattered(number: i64, size: i64, rows: i64) -> TableBatch {
    batch((number * size..(number + 1) * size).map(|n| scatter(n, rows - 1)).collect(), number as u64 + 2)
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

/// A table of `rows` rows in packs.
fn loaded(dir: &std::path::Path, config: Config, rows: i64) -> Engine {
    let engine = Engine::open(dir, config).unwrap();
    let pieces: Vec<_> = load(rows).collect();
    let start = Instant::now();
    engine.bulk_build(schema(), Timestamp(1), pieces.into_iter()).unwrap();
    println!("bulk build       {:>10.0} rows/s", per_second(rows, start.elapsed()));
    engine.flush().unwrap();
    engine
}

fn per_second(rows: i64, time: Duration) -> f64 {
    rows as f64 / time.as_secs_f64()
}

/// `select sum(b) where a < 900`, one thread, best of several.
fn scan(engine: &Engine) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..from_env("SCANS", 9) {
        let start = Instant::now();
        let predicate = Predicate::Compare { column: 1, op: CompareOp::Lt, value: Value::Int(900) };
        let request = ScanRequest { predicates: vec![predicate], ..ScanRequest::all(vec![2]) };
        let mut worker = engine.snapshot(TABLE, Timestamp::MAX).unwrap().scan(request).unwrap().worker();
        let mut total = 0;
        while let Some(batch) = worker.next_batch().unwrap() {
            total += sum(batch.column(0).as_primitive::<Int64Type>()).unwrap_or_default();
        }
        std::hint::black_box(total);
        best = best.min(start.elapsed());
    }
    best
}

fn print_scan(engine: &Engine, what: &str, clean: Duration) {
    let time = scan(engine);
    println!("{what:<16} {time:>12.1?}  {:.2} x clean", time.as_secs_f64() / clean.as_secs_f64());
}

/// Applies the stream's batches `numbers` and gives the processor time that it took.
fn apply(engine: &Engine, numbers: std::ops::Range<i64>, size: i64, rows: i64) -> Duration {
    let mut spent = Duration::ZERO;
    // The making of batches is left out, a million rows at a time.
    let step = (1_000_000 / size).max(1);
    for first in numbers.clone().step_by(step as usize) {
        let numbers = first..numbers.end.min(first + step);
        spent += apply_all(engine, numbers.map(|number| scattered(number, size, rows)).collect());
    }
    spent
}

fn apply_all(engine: &Engine, batches: Vec<TableBatch>) -> Duration {
    let start = processor_time();
    batches.into_iter().for_each(|batch| assert_eq!(engine.apply(batch).unwrap().replayed, 0));
    processor_time() - start
}

/// What this thread has had of a processor: unlike the time on the clock, it means the same on a busy
/// machine. Zero where the system does not tell.
fn processor_time() -> Duration {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(line.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or_default())
}

#[test]
#[ignore = "a measurement, for a quiet machine"]
fn apply_and_scan() {
    let rows = table_rows();
    let dir = tempfile::tempdir().unwrap();
    let engine = loaded(dir.path(), Config::default(), rows);
    let clean = scan(&engine);
    println!("clean scan       {clean:>12.1?}");

    let updates = rows / 10;
    let spent = apply(&engine, 0..updates / BATCH, BATCH, rows);
    println!("scattered upserts{:>10.0} rows/s, in batches of 10,000", per_second(updates, spent));
    print_scan(&engine, "delta in memory", clean);
    let stats = engine.stats(TABLE).unwrap();
    let index: u64 = stats.segments.iter().map(|s| s.index_bytes).sum();
    println!("delta index      {:>10.1} bytes a row", index as f64 / updates as f64);

    let start = Instant::now();
    engine.flush().unwrap();
    println!("flush            {:>12.1?}", start.elapsed());
    print_scan(&engine, "delta in files", clean);

    engine.set_safe_point(Timestamp::MAX);
    let start = Instant::now();
    engine.compact(TABLE, &CancelFlag::default()).unwrap();
    println!("merge-delta      {:>12.1?}", start.elapsed());
    print_scan(&engine, "merged", clean);
}

#[test]
#[ignore = "a measurement, for a quiet machine"]
fn apply_single_rows() {
    let rows = table_rows();
    let dir = tempfile::tempdir().unwrap();
    let engine = loaded(dir.path(), Config::default(), rows);
    let count = 100_000;
    let time = apply(&engine, 0..count, 1, rows);
    println!("single upserts   {:>10.0} rows/s", per_second(count, time));
    let inserts: Vec<TableBatch> = (0..count).map(|i| batch(vec![rows + i], 1_000_000 + i as u64)).collect();
    println!("single inserts   {:>10.0} rows/s", per_second(count, apply_all(&engine, inserts)));
}

/// Three times as many scattered updates as the table has rows, with background work as it falls due
/// and a flush every million rows.
#[test]
#[ignore = "a measurement, for a quiet machine"]
fn write_amplification() {
    let rows = table_rows();
    let dir = tempfile::tempdir().unwrap();
    let engine = loaded(dir.path(), Config::default(), rows);
    let clean = scan(&engine);
    let built = engine.write_stats();
    let (mut spent, mut background) = (Duration::ZERO, Duration::ZERO);
    for step in 0..30 {
        let batches = rows / 10 / BATCH;
        spent += apply(&engine, step * batches..(step + 1) * batches, BATCH, rows);
        engine.advance(ReplayPosition(step.to_string().into_bytes().into()));
        let start = Instant::now();
        engine.set_safe_point(Timestamp((step * batches) as u64));
        engine.flush().unwrap();
        while engine.maintain().unwrap().is_some() {}
        background += start.elapsed();
        if step % 10 == 9 {
            println!("after {} rows", (step + 1) * batches * BATCH);
            print_scan(&engine, "scan", clean);
            print_amplification(&engine, built);
        }
    }
    println!("apply            {:>10.0} rows/s", per_second(rows * 3, spent));
    println!("background       {:>10.0} rows/s", per_second(rows * 3, background));
}

/// A directory as a kill leaves it, with a tenth of the table in the delta.
#[test]
#[ignore = "a measurement, for a quiet machine"]
fn reopen() {
    let rows = table_rows();
    let dir = tempfile::tempdir().unwrap();
    let engine = loaded(dir.path(), Config::default(), rows);
    apply(&engine, 0..rows / 10 / BATCH, BATCH, rows);
    engine.flush().unwrap();
    drop(engine);
    let start = Instant::now();
    let engine = Engine::open(dir.path(), Config::default()).unwrap();
    println!("open             {:>12.1?}", start.elapsed());
    let all = ScanRequest { key_range: KeyRange::ALL, ..ScanRequest::all(vec![]) };
    let mut worker = engine.snapshot(TABLE, Timestamp::MAX).unwrap().scan(all).unwrap().worker();
    let mut count = 0;
    while let Some(batch) = worker.next_batch().unwrap() {
        count += batch.num_rows() as i64;
    }
    assert_eq!(count, rows);
    println!("first count      {:>12.1?}", start.elapsed());
    let row = engine.snapshot(TABLE, Timestamp::MAX).unwrap().get(&RowKey::Int(scatter(7, rows - 1)), &[1]).unwrap();
    assert!(row.is_some());
    scan(&engine);
    println!("first sums       {:>12.1?}", start.elapsed());
}

fn print_amplification(engine: &Engine, before: WriteStats) {
    let written = engine.write_stats().since(&before);
    let each = |bytes: u64| bytes as f64 / written.rows_applied as f64;
    println!("write amplification  {:.2} rows, {:.2} bytes", written.row_amplification(), written.byte_amplification());
    println!("space amplification  {:.2} rows", engine.stats(TABLE).unwrap().space_amplification());
    println!(
        "bytes a row          {:.1} applied; written: {:.1} chunks, {:.1} packs, {:.1} delete vectors, {:.2} manifest",
        each(written.bytes_applied),
        each(written.chunk_bytes),
        each(written.pack_bytes),
        each(written.delete_bytes),
        each(written.manifest_bytes)
    );
}
