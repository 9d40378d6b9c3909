//! Scans of a table with and without updates that have not been merged.
//!
//! ```text
//! cargo bench -p deltatree-storage --bench scan
//! ```

mod table;

use std::hint::black_box;

use arrow::array::AsArray;
use arrow::compute::sum;
use arrow::datatypes::Int64Type;
use deltatree_storage::api::ScanRequest;
use deltatree_storage::engine::Engine;
use deltatree_storage::error::Result;
use deltatree_storage::types::Timestamp;
use divan::Bencher;
use divan::counter::ItemsCount;
use table::{TABLE, in_packs, update};

const ROWS: i64 = 1 << 21;
const COLUMNS: u32 = 2;

fn main() {
    divan::main();
}

/// A table in packs, with an update of one row in so many, everywhere, in its delta.
fn updated(one_in: Option<i64>) -> Result<Engine> {
    let engine = in_packs(ROWS, COLUMNS)?;
    if let Some(one_in) = one_in {
        update(&engine, COLUMNS, ROWS / one_in, |i| i * one_in)?;
    }
    Ok(engine)
}

fn add_up(engine: &Engine) -> Result<i64> {
    let scan = engine.snapshot(TABLE, Timestamp::MAX)?.scan(ScanRequest::all(vec![0, 1]))?;
    let mut worker = scan.worker();
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
