//! How fast packs are written and read, and how large they are, with columns like those of TPC-H
//! lineitem:
//!
//! ```text
//! cargo test -p deltatree-storage --release --test pack_speed -- --ignored --nocapture
//! ```

#![allow(clippy::unwrap_used, reason = "a test")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::*;
use deltatree_storage::file::{FileStore, LocalStore};
use deltatree_storage::pack::{Pack, PackOptions, PackRows, PackWriter};
use deltatree_storage::types::*;

const ROWS: usize = 1 << 20;
const ROUNDS: usize = 7;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut h = self.0;
        h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (h ^ (h >> 31)) % n
    }
}

const WORDS: [&str; 32] = [
    "furiously",
    "regular",
    "deposits",
    "sleep",
    "carefully",
    "ironic",
    "requests",
    "above",
    "the",
    "pending",
    "accounts",
    "blithely",
    "final",
    "packages",
    "haggle",
    "quickly",
    "express",
    "theodolites",
    "even",
    "across",
    "slyly",
    "bold",
    "foxes",
    "instructions",
    "silent",
    "asymptotes",
    "nag",
    "along",
    "unusual",
    "platelets",
    "wake",
    "daringly",
];

fn columns() -> Vec<(&'static str, StoredType, ArrayRef)> {
    let mut random = Random(7);
    let decimal = StoredType::Decimal128(15, 2);
    let mut decimals = |value: &mut dyn FnMut(&mut Random) -> u64| -> ArrayRef {
        let array: Decimal128Array = (0..ROWS).map(|_| Some(i128::from(value(&mut random)))).collect();
        Arc::new(array.with_precision_and_scale(15, 2).unwrap())
    };
    let quantity = decimals(&mut |r| (1 + r.below(50)) * 100);
    let price = decimals(&mut |r| (1 + r.below(50)) * (90_000 + r.below(110_000)));
    let discount = decimals(&mut |r| r.below(11));
    let tax = decimals(&mut |r| r.below(9));
    let text = |values: Vec<String>| -> ArrayRef { Arc::new(StringViewArray::from_iter_values(values)) };
    let flag = text((0..ROWS).map(|_| ["A", "N", "R"][random.below(3) as usize].to_owned()).collect());
    let status = text((0..ROWS).map(|_| ["O", "F"][random.below(2) as usize].to_owned()).collect());
    let date: ArrayRef = Arc::new(Date32Array::from_iter_values((0..ROWS).map(|_| 8000 + random.below(2526) as i32)));
    let order: ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS as i64).map(|i| i / 32 * 32 + i / 4 % 8)));
    let part: ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS).map(|_| random.below(200_000) as i64)));
    let mode = ["TRUCK", "MAIL", "REG AIR", "AIR", "FOB", "RAIL", "SHIP"];
    let mode = text((0..ROWS).map(|_| mode[random.below(7) as usize].to_owned()).collect());
    let comment = (0..ROWS).map(|_| (0..4).map(|_| WORDS[random.below(32) as usize]).collect::<Vec<_>>().join(" "));
    let comment = text(comment.collect());
    let float: ArrayRef =
        Arc::new(Float64Array::from_iter_values((0..ROWS).map(|_| random.below(10_000_000) as f64 / 100.0)));
    vec![
        ("l_quantity", decimal, quantity),
        ("l_extendedprice", decimal, price),
        ("l_discount", decimal, discount),
        ("l_tax", decimal, tax),
        ("l_returnflag", StoredType::Utf8, flag),
        ("l_linestatus", StoredType::Utf8, status),
        ("l_shipdate", StoredType::Date32, date),
        ("l_orderkey", StoredType::Int64, order),
        ("l_partkey", StoredType::Int64, part),
        ("l_shipmode", StoredType::Utf8, mode),
        ("l_comment", StoredType::Utf8, comment),
        ("price as double", StoredType::Float64, float),
    ]
}

fn key(row: usize) -> Vec<u8> {
    let mut key = Vec::new();
    memcomparable::encode(&mut key, &Value::Int((row / 32 * 32 + row / 4 % 8) as i64));
    memcomparable::encode(&mut key, &Value::Int((row % 4) as i64));
    key
}

/// The median of several runs, in seconds.
fn seconds(mut run: impl FnMut()) -> f64 {
    run();
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn report(name: &str, rows: usize, seconds: f64, bytes: u64) {
    let (rate, width) = (rows as f64 / seconds / 1e6, bytes as f64 / ROWS as f64);
    println!("{name:<28} {rate:>8.0} M rows/s {:>8.2} ms {width:>8.2} B/row", seconds * 1e3);
}

#[test]
#[ignore = "a measurement, for a quiet machine"]
fn packs_are_read_at_memory_speed() {
    let columns = columns();
    let schema = TableSchema {
        table: TableId(1),
        version: 1,
        key: KeyKind::Bytes,
        key_column: None,
        columns: columns
            .iter()
            .enumerate()
            .map(|(i, (name, data_type, _))| ColumnSchema {
                id: ColumnId(i as u32),
                name: (*name).to_owned(),
                data_type: *data_type,
                nullable: true,
                default: Value::Null,
            })
            .collect(),
    };
    let mut keys: Vec<Vec<u8>> = (0..ROWS).map(key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), ROWS);
    let key_array = BinaryArray::from_iter_values(&keys);
    let rows = PackRows {
        keys: KeyArray::Bytes(key_array),
        commit_ts: UInt64Array::from_value(4711, ROWS),
        tombstones: None,
        columns: columns.iter().map(|(_, _, array)| array.clone()).collect(),
    };
    let dir = tempfile::tempdir().unwrap();
    let store: Arc<dyn FileStore> = Arc::new(LocalStore::new(dir.path()).unwrap());
    let start = Instant::now();
    let mut writer = PackWriter::create(store.clone(), FileId(1), &schema, PackOptions { sorted: true }).unwrap();
    writer.write(rows).unwrap();
    let pack = writer.finish().unwrap();
    report("write, all columns", ROWS, start.elapsed().as_secs_f64(), pack.bytes_on_disk());
    let start = Instant::now();
    pack.verify().unwrap();
    report("first read, all columns", ROWS, start.elapsed().as_secs_f64(), pack.bytes_on_disk());
    read_columns(&pack, &schema);
    find_keys(&pack, &keys);
}

fn read_columns(pack: &Pack, schema: &TableSchema) {
    let zones = pack.zone_count();
    let mut first_query = 0.0;
    for (i, column) in schema.columns.iter().enumerate() {
        let bytes = (0..zones).map(|zone| pack.column_bytes(column.id, zone)).sum();
        let all = seconds(|| (0..zones).for_each(|zone| drop(black_box(pack.read_column(column, zone).unwrap()))));
        report(&column.name, ROWS, all, bytes);
        if i < 7 {
            first_query += all;
        }
        let some: Vec<u32> = (0..8192).step_by(50).collect();
        let picked = seconds(|| {
            (0..zones).for_each(|zone| drop(black_box(pack.read_column_rows(column, zone, &some).unwrap())));
        });
        report("  every 50th row", some.len() * zones, picked, bytes);
    }
    report("7 columns of Q1 together", ROWS, first_query, 0);
    println!("{:<28} {:>8.1} ms for 6 M rows", "", first_query * 1e3 * 6e6 / ROWS as f64);
    let keys = seconds(|| (0..zones).for_each(|zone| drop(black_box(pack.read_keys(zone).unwrap()))));
    report("row keys of 18 bytes", ROWS, keys, 0);
}

fn find_keys(pack: &Pack, keys: &[Vec<u8>]) {
    for step in [7, 1000] {
        let probes: Vec<&Vec<u8>> = keys.iter().step_by(step).collect();
        let array = KeyArray::Bytes(BinaryArray::from_iter_values(&probes));
        let sorted = seconds(|| drop(black_box(pack.find_sorted(&array).unwrap())));
        report(&format!("find_sorted, one in {step}"), probes.len(), sorted, 0);
    }
    let probes: Vec<&Vec<u8>> = keys.iter().step_by(97).collect();
    let single = seconds(|| probes.iter().for_each(|key| assert!(pack.find(KeyRef::Bytes(key)).unwrap().is_some())));
    report("find, one by one", probes.len(), single, 0);
}
