//! Merge-delta: updates of a million rows go to the packs.
//!
//! ```text
//! cargo bench -p deltatree-storage --bench merge
//! ```

mod table;

use deltatree_storage::api::CancelFlag;
use deltatree_storage::engine::Engine;
use deltatree_storage::error::Result;
use deltatree_storage::types::Timestamp;
use divan::Bencher;
use divan::counter::ItemsCount;
use table::{TABLE, in_packs, update};

const ROWS: i64 = 1 << 20;
const COLUMNS: u32 = 4;

fn main() {
    divan::main();
}

/// A table in packs, with updates in its delta.
fn updated(keys: impl Fn(i64) -> i64, updates: i64) -> Result<Engine> {
    let engine = in_packs(ROWS, COLUMNS)?;
    update(&engine, COLUMNS, updates, keys)?;
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
