//! DeltaTree's engine as a subject.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::answer::{Answer, query};
use super::subject::Subject;
use super::workload::Workload;
use crate::columnar::{ColumnarTable, sql};

/// An engine with the workload's table.
pub(super) struct DeltaTree {
    workload: Workload,
    threads: usize,
    directory: PathBuf,
    table: ColumnarTable,
}

impl DeltaTree {
    /// A new engine in `directory`, filled.
    pub(super) fn start(workload: Workload, directory: &Path, threads: usize) -> anyhow::Result<Self> {
        let table = ColumnarTable::open(directory, workload.schema())?;
        table.build(1, workload.first_rows())?;
        Ok(Self { workload, threads, directory: directory.to_path_buf(), table })
    }

    /// Ends the engine as a kill would, without a flush, and opens it again.
    pub(super) fn reopen(self) -> anyhow::Result<Self> {
        let Self { workload, threads, directory, table } = self;
        drop(table);
        let table = ColumnarTable::open(&directory, workload.schema())?;
        Ok(Self { workload, threads, directory, table })
    }

    pub(super) fn table(&self) -> &ColumnarTable {
        &self.table
    }
}

impl Subject for DeltaTree {
    fn name(&self) -> &'static str {
        "deltatree"
    }

    fn upsert(&mut self, upserts: Range<u64>) -> anyhow::Result<Duration> {
        self.table.apply(self.workload.upserts(upserts))
    }

    fn upkeep(&mut self) -> anyhow::Result<()> {
        while self.table.maintain()? {}
        Ok(())
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        self.table.flush()
    }

    fn settle(&mut self) -> anyhow::Result<()> {
        self.table.settle()
    }

    fn query(&mut self) -> anyhow::Result<(Duration, Answer)> {
        let (elapsed, batches) = sql::query(&self.table, &query("t"), self.threads)?;
        Ok((elapsed, Answer::of_batches(&batches)?))
    }

    fn bytes_on_disk(&self) -> anyhow::Result<u64> {
        self.table.store().bytes_on_disk()
    }

    fn bytes_written(&self) -> Option<u64> {
        Some(self.table.store().written())
    }
}
