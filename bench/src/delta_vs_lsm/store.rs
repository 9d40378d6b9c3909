//! DeltaTree and the baseline behind one trait.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::anyhow;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::sum;
use arrow::datatypes::Int64Type;
use deltatree_storage::api::ScanRequest;
use deltatree_storage::pack::PackRows;

use super::workload::Sbtest;
use crate::columnar::{ColumnarTable, CountingStore};
use crate::lsm::{LsmConfig, LsmStore};

/// Columns of `count(id), count(k)`.
const COUNTED: [usize; 2] = [0, 1];

/// What the scan found. Both columns are decoded; the sum shows that it was the right rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) id: u64,
    pub(super) k: u64,
    pub(super) sum_of_k: i64,
}

impl Counts {
    fn add(&mut self, columns: &[ArrayRef]) {
        let [id, k] = columns else { return };
        self.id += (id.len() - id.null_count()) as u64;
        self.k += (k.len() - k.null_count()) as u64;
        self.sum_of_k += sum(k.as_primitive::<Int64Type>()).unwrap_or_default();
    }

    fn total(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().fold(Self::default(), |a, b| Self {
            id: a.id + b.id,
            k: a.k + b.k,
            sum_of_k: a.sum_of_k + b.sum_of_k,
        })
    }
}

/// A column store with sysbench's table. Scans, one writer and one maintainer work at the same time.
pub(super) trait ColumnStore: Sync {
    fn name(&self) -> &'static str;

    /// Applies updates; all are visible when this returns.
    fn apply(&self, rows: PackRows) -> anyhow::Result<()>;

    /// `select count(id), count(k)`, by so many threads.
    fn scan(&self, threads: usize) -> anyhow::Result<Counts>;

    /// Does what is due in the background, one unit. False if nothing is.
    fn maintain(&self) -> anyhow::Result<bool>;

    /// Makes everything durable.
    fn flush(&self) -> anyhow::Result<()>;

    /// Bytes written to files so far.
    fn written(&self) -> u64;

    /// Bytes held in memory, by the store's own account.
    fn memory_bytes(&self) -> anyhow::Result<u64>;
}

/// DeltaTree's engine, loaded.
pub(super) struct DeltaTree(ColumnarTable);

impl DeltaTree {
    pub(super) fn start(table: &Sbtest, directory: &Path) -> anyhow::Result<Self> {
        let engine = ColumnarTable::open(directory, Sbtest::schema())?;
        engine.build(1, table.first_rows())?;
        Ok(Self(engine))
    }
}

impl ColumnStore for DeltaTree {
    fn name(&self) -> &'static str {
        "deltatree"
    }

    fn apply(&self, rows: PackRows) -> anyhow::Result<()> {
        self.0.apply(rows).map(drop)
    }

    fn scan(&self, threads: usize) -> anyhow::Result<Counts> {
        let scan = self.0.snapshot()?.scan(ScanRequest::all(COUNTED.to_vec()))?;
        let work = || -> anyhow::Result<Counts> {
            let mut counts = Counts::default();
            let mut worker = scan.worker();
            while let Some(batch) = worker.next_batch()? {
                counts.add(batch.columns());
            }
            Ok(counts)
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let counts = threads.into_iter().map(|t| t.join().map_err(|_| anyhow!("a scanning thread failed"))?);
            Ok(Counts::total(counts.collect::<anyhow::Result<Vec<_>>>()?))
        })
    }

    fn maintain(&self) -> anyhow::Result<bool> {
        self.0.maintain()
    }

    fn flush(&self) -> anyhow::Result<()> {
        self.0.flush()
    }

    fn written(&self) -> u64 {
        self.0.store().written()
    }

    fn memory_bytes(&self) -> anyhow::Result<u64> {
        Ok(self.0.footprint()?.memory_bytes)
    }
}

/// The baseline, loaded.
pub(super) struct Lsm {
    store: LsmStore,
    files: CountingStore,
}

impl Lsm {
    pub(super) fn start(table: &Sbtest, directory: &Path) -> anyhow::Result<Self> {
        let files = CountingStore::new(directory)?;
        let store = LsmStore::new(Arc::new(files.clone()), Sbtest::schema(), LsmConfig::default());
        store.build(table.first_rows())?;
        Ok(Self { store, files })
    }
}

impl ColumnStore for Lsm {
    fn name(&self) -> &'static str {
        "lsm"
    }

    fn apply(&self, rows: PackRows) -> anyhow::Result<()> {
        self.store.apply(&rows)
    }

    fn scan(&self, threads: usize) -> anyhow::Result<Counts> {
        let counts = self.store.scan(&COUNTED, threads, |counts: &mut Counts, columns| counts.add(columns))?;
        Ok(Counts::total(counts))
    }

    fn maintain(&self) -> anyhow::Result<bool> {
        self.store.maintain()
    }

    fn flush(&self) -> anyhow::Result<()> {
        self.store.flush()
    }

    fn written(&self) -> u64 {
        self.files.written()
    }

    fn memory_bytes(&self) -> anyhow::Result<u64> {
        Ok(self.store.memory_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_stores_count_the_same_after_the_same_updates() {
        let table = Sbtest::new(20_000);
        let directory = tempfile::tempdir().unwrap();
        let ours = DeltaTree::start(&table, &directory.path().join("deltatree")).unwrap();
        let lsm = Lsm::start(&table, &directory.path().join("lsm")).unwrap();
        let loaded = ours.scan(2).unwrap();
        assert_eq!((loaded.id, loaded), (20_000, lsm.scan(2).unwrap()));
        let stores: [&dyn ColumnStore; 2] = [&ours, &lsm];
        let counts = stores.map(|store| {
            for start in (0..3_000).step_by(300) {
                store.apply(table.updates(start..start + 300)).unwrap();
            }
            store.flush().unwrap();
            store.scan(2).unwrap()
        });
        assert_eq!(counts[0], counts[1]);
        assert_ne!(counts[0].sum_of_k, loaded.sum_of_k);
    }
}
