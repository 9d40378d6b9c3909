//! Reading a column of a pack in each encoding.
//!
//! ```text
//! cargo bench -p deltatree-storage --bench decode
//! ```

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int64Array, StringViewArray, UInt64Array};
use deltatree_storage::file::MemoryStore;
use deltatree_storage::pack::{Pack, PackOptions, PackRows, PackWriter};
use deltatree_storage::types::{
    ColumnId, ColumnSchema, FileId, KeyArray, KeyKind, StoredType, TableId, TableSchema, Value,
};
use divan::Bencher;
use divan::counter::ItemsCount;

const ROWS: i64 = 1 << 18;

fn main() {
    divan::main();
}

/// A column, named by the encoding that it gets.
#[derive(Clone, Copy)]
struct Column(&'static str, StoredType, fn() -> ArrayRef);

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

fn scattered(i: i64) -> i64 {
    let h = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((h ^ h >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20) as i64
}

fn numbers(value: fn(i64) -> i64) -> ArrayRef {
    Arc::new((0..ROWS).map(value).collect::<Int64Array>())
}

fn floats(value: fn(i64) -> f64) -> ArrayRef {
    Arc::new((0..ROWS).map(value).collect::<Float64Array>())
}

fn text(value: fn(i64) -> String) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values((0..ROWS).map(value)))
}

fn decimals() -> ArrayRef {
    let array: Decimal128Array = (0..ROWS).map(|i| (1 << 80) + i128::from(scattered(i) % 100_000)).collect();
    Arc::new(array)
}

const COLUMNS: [Column; 11] = [
    Column("constant", StoredType::Int64, || numbers(|_| 42)),
    Column("bit-packed", StoredType::Int64, || numbers(|i| scattered(i) % 100_000)),
    Column("run lengths", StoredType::Int64, || numbers(|i| scattered(i / 100))),
    Column("differences", StoredType::Int64, || numbers(|i| i * 1_000_000 + scattered(i) % 100)),
    Column("dictionary", StoredType::Int64, || numbers(|i| scattered(scattered(i) % 50))),
    Column("plain", StoredType::Int64, || numbers(|i| scattered(i) << 20 ^ scattered(i))),
    Column("decimal floats", StoredType::Float64, || floats(|i| (scattered(i) % 100_000) as f64 / 100.0)),
    Column("byte planes", StoredType::Decimal128(38, 10), decimals),
    Column("dictionary (text)", StoredType::Utf8, || text(|i| format!("category number {}", i % 25))),
    Column("fsst", StoredType::Utf8, || text(|i| format!("carefully number {i} of the deposits sleeps"))),
    Column("zstd", StoredType::Utf8, || text(|i| format!("{} ", scattered(i)).repeat(20))),
];

impl Column {
    /// A pack of that column alone.
    fn pack(self) -> (Arc<Pack>, ColumnSchema) {
        let Self(name, data_type, values) = self;
        let column =
            ColumnSchema { id: ColumnId(1), name: name.into(), data_type, nullable: false, default: Value::Null };
        let schema = TableSchema {
            table: TableId(1),
            version: 1,
            key: KeyKind::Int,
            key_column: None,
            columns: vec![column.clone()],
        };
        let store = Arc::new(MemoryStore::new());
        let rows = PackRows {
            keys: KeyArray::Int((0..ROWS).collect()),
            commit_ts: UInt64Array::from_value(1, ROWS as usize),
            tombstones: None,
            columns: vec![values()],
        };
        let written =
            PackWriter::create(store, FileId(1), &schema, PackOptions { sorted: true }).and_then(|mut writer| {
                writer.write(rows)?;
                writer.finish()
            });
        let pack = written.expect("a pack in memory is written");
        let encodings = pack.describe_columns().expect("a pack that was just written is sound");
        let encoding = name.split(" (").next().unwrap_or(name);
        assert!(encodings.iter().any(|c| c.name == name && c.encodings.contains_key(encoding)), "{encodings:?}");
        (pack, column)
    }
}

/// Blocks that were checked before.
#[divan::bench(args = COLUMNS)]
fn all_rows(bencher: Bencher, column: Column) {
    let (pack, column) = column.pack();
    pack.verify().expect("a pack that was just written is sound");
    bencher.counter(ItemsCount::new(ROWS as usize)).bench_local(|| {
        (0..pack.zone_count()).for_each(|zone| drop(divan::black_box(pack.read_column(&column, zone))));
    });
}

/// Of each zone every fiftieth row.
#[divan::bench(args = COLUMNS)]
fn some_rows(bencher: Bencher, column: Column) {
    let (pack, column) = column.pack();
    pack.verify().expect("a pack that was just written is sound");
    let some: Vec<u32> = (0..8192).step_by(50).collect();
    bencher.counter(ItemsCount::new(some.len() * pack.zone_count())).bench_local(|| {
        (0..pack.zone_count()).for_each(|zone| drop(divan::black_box(pack.read_column_rows(&column, zone, &some))));
    });
}
