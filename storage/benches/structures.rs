//! The delta index, beside ordered maps that could stand in its place, and delete vectors.
//!
//! ```text
//! cargo bench -p deltatree-storage --features testing --bench structures
//! ```
//!
//! Where memory is allocated, `max alloc` says how much is held at the end.

use std::collections::BTreeMap;

use deltatree_storage::testing::{DeletionsUnderTest, IndexUnderTest};
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// What the engine's index remembers of a key, in as many bytes: a timestamp and a row number.
#[derive(Clone, Copy)]
#[repr(C, packed(4))]
struct Entry {
    commit_ts: u64,
    row: u32,
}

fn entry(row: u64) -> Entry {
    Entry { commit_ts: row, row: row as u32 }
}

/// An index from keys to rows.
trait Index: Default {
    /// Looks the keys up, then gives them the rows from `first` on, as apply does with a batch. Gives how
    /// many were there.
    fn place(&mut self, keys: &[i64], first: u64) -> usize;
    /// The row of a key.
    fn probe(&self, key: i64) -> Option<u64>;
}

fn probe_all(index: &impl Index, keys: &[i64]) -> usize {
    keys.iter().filter(|key| index.probe(**key).is_some()).count()
}

impl Index for IndexUnderTest {
    fn place(&mut self, keys: &[i64], first: u64) -> usize {
        self.place(keys, first)
    }

    fn probe(&self, key: i64) -> Option<u64> {
        self.probe(key)
    }
}

impl Index for BTreeMap<i64, Entry> {
    fn place(&mut self, keys: &[i64], first: u64) -> usize {
        let before = probe_all(self, keys);
        self.extend(keys.iter().copied().zip((first..).map(entry)));
        before
    }

    fn probe(&self, key: i64) -> Option<u64> {
        self.get(&key).map(|entry| entry.commit_ts)
    }
}

impl Index for imbl::OrdMap<i64, Entry> {
    fn place(&mut self, keys: &[i64], first: u64) -> usize {
        let before = probe_all(self, keys);
        self.extend(keys.iter().copied().zip((first..).map(entry)));
        before
    }

    fn probe(&self, key: i64) -> Option<u64> {
        self.get(&key).map(|entry| entry.commit_ts)
    }
}

impl Index for scc::TreeIndex<i64, Entry> {
    fn place(&mut self, keys: &[i64], first: u64) -> usize {
        let before = probe_all(self, keys);
        for (key, row) in keys.iter().zip(first..) {
            // Its entries cannot be changed in place.
            if let Err((key, entry)) = self.insert_sync(*key, entry(row)) {
                self.remove_sync(&key);
                let _ = self.insert_sync(key, entry);
            }
        }
        before
    }

    fn probe(&self, key: i64) -> Option<u64> {
        self.peek_with(&key, |_, entry| entry.commit_ts)
    }
}

mod index {
    use super::*;

    const BITS: u32 = 20;
    const KEYS: u64 = 1 << BITS;
    /// Keys of a batch, which are placed in key order.
    const BATCH: usize = 8192;

    type Imbl = imbl::OrdMap<i64, Entry>;
    type Std = BTreeMap<i64, Entry>;
    type Scc = scc::TreeIndex<i64, Entry>;

    /// A permutation of the keys.
    fn scattered(i: u64) -> i64 {
        let round = |h: u64| (h ^ h >> (BITS / 2)).wrapping_mul(0x9e37_79b9_7f4a_7c15) % KEYS;
        round(round(round(i))) as i64
    }

    /// All keys, in batches.
    fn batches(key: impl Fn(u64) -> i64) -> Vec<Vec<i64>> {
        let mut keys: Vec<i64> = (0..KEYS).map(key).collect();
        keys.chunks_mut(BATCH).for_each(<[i64]>::sort_unstable);
        keys.chunks(BATCH).map(<[i64]>::to_vec).collect()
    }

    fn place_all<I: Index>(index: &mut I, batches: &[Vec<i64>]) -> usize {
        batches.iter().zip((0..).step_by(BATCH)).map(|(keys, first)| index.place(keys, first)).sum()
    }

    fn filled<I: Index>(batches: &[Vec<i64>]) -> I {
        let mut index = I::default();
        place_all(&mut index, batches);
        index
    }

    #[divan::bench(types = [IndexUnderTest, Std, Imbl, Scc], sample_count = 9, sample_size = 1)]
    fn place_ascending<I: Index>(bencher: Bencher) {
        let batches = batches(|i| i as i64);
        bencher.counter(ItemsCount::new(KEYS)).bench_local(|| filled::<I>(&batches));
    }

    #[divan::bench(types = [IndexUnderTest, Std, Imbl, Scc], sample_count = 9, sample_size = 1)]
    fn place_scattered<I: Index>(bencher: Bencher) {
        let batches = batches(scattered);
        bencher.counter(ItemsCount::new(KEYS)).bench_local(|| filled::<I>(&batches));
    }

    #[divan::bench(types = [IndexUnderTest, Std, Imbl, Scc], sample_count = 9, sample_size = 1)]
    fn place_again<I: Index>(bencher: Bencher) {
        let batches = batches(scattered);
        let mut index = filled::<I>(&batches);
        bencher.counter(ItemsCount::new(KEYS)).bench_local(|| place_all(&mut index, &batches));
    }

    #[divan::bench(types = [IndexUnderTest, Std, Imbl, Scc], sample_count = 9, sample_size = 1)]
    fn probe_singly<I: Index>(bencher: Bencher) {
        let index = filled::<I>(&batches(scattered));
        let keys: Vec<i64> = (0..KEYS).map(scattered).collect();
        let found = || keys.iter().filter(|key| index.probe(black_box(**key)).is_some()).count();
        bencher.counter(ItemsCount::new(KEYS)).bench_local(found);
    }
}

mod delete_vector {
    use super::*;

    const ROWS: usize = 1 << 18;
    const ZONE: usize = 8192;
    const BATCHES: u64 = 256;

    /// Every tenth row deleted, in scattered batches.
    fn deleted() -> DeletionsUnderTest {
        let mut deletions = DeletionsUnderTest::new(ROWS);
        for ts in 1..=BATCHES {
            deletions.delete(ts, batch(ts));
        }
        deletions
    }

    fn batch(ts: u64) -> impl Iterator<Item = u32> {
        (ts as u32 * 10..ROWS as u32).step_by(10 * BATCHES as usize)
    }

    /// A new version of the vector, as each apply makes one.
    #[divan::bench]
    fn delete_a_batch(bencher: Bencher) {
        let deletions = deleted();
        bencher.bench_local(|| {
            let mut next = deletions.clone();
            next.delete(BATCHES + 1, batch(3).map(|row| row + 1));
            next
        });
    }

    #[divan::bench]
    fn masks_of_the_newest(bencher: Bencher) {
        let deletions = deleted();
        bencher.counter(ItemsCount::new(ROWS)).bench_local(|| deletions.masked(u64::MAX, ZONE));
    }

    #[divan::bench]
    fn masks_of_the_past(bencher: Bencher) {
        let deletions = deleted();
        bencher.counter(ItemsCount::new(ROWS)).bench_local(|| deletions.masked(BATCHES / 2, ZONE));
    }

    #[divan::bench]
    fn checkpoint(bencher: Bencher) {
        bencher.with_inputs(deleted).bench_local_values(|mut deletions| {
            deletions.advance_checkpoint(BATCHES / 2);
            deletions
        });
    }
}
