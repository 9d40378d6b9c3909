//! DeltaTree's engine, Parquet by the `parquet` crate, a copy in memory: each on one thread.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use deltatree_storage::api::ScanRequest;
use deltatree_storage::types::TableSchema;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::fold::Fold;
use crate::columnar::{ColumnarTable, arrow_schema};

/// Rows of a batch, the same for both.
const BATCH_ROWS: usize = 8192;

/// One column by DeltaTree's engine.
pub(super) fn deltatree(table: &ColumnarTable, column: usize) -> anyhow::Result<(Duration, Fold)> {
    let start = Instant::now();
    let request = ScanRequest { batch_rows: BATCH_ROWS, ..ScanRequest::all(vec![column]) };
    let mut worker = table.snapshot()?.scan(request)?.worker();
    let mut fold = Fold::default();
    while let Some(batch) = worker.next_batch()? {
        fold.add(batch.column(0))?;
    }
    Ok((start.elapsed(), fold))
}

/// Writes the rows as a Parquet file (Snappy, the writer's default row groups and encodings).
pub(super) fn write_parquet(
    path: &Path,
    schema: &TableSchema,
    rows: impl Iterator<Item = deltatree_storage::pack::PackRows>,
) -> anyhow::Result<()> {
    let fields = arrow_schema(schema);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, fields.clone(), Some(properties))?;
    for rows in rows {
        writer.write(&RecordBatch::try_new(fields.clone(), rows.columns)?)?;
    }
    writer.close()?;
    Ok(())
}

/// One column of a Parquet file.
pub(super) fn parquet(path: &Path, column: usize) -> anyhow::Result<(Duration, Fold)> {
    let start = Instant::now();
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let mask = ProjectionMask::leaves(builder.parquet_schema(), [column]);
    let mut fold = Fold::default();
    for batch in builder.with_projection(mask).with_batch_size(BATCH_ROWS).build()? {
        fold.add(batch?.column(0))?;
    }
    Ok((start.elapsed(), fold))
}

/// A copy of so many bytes from one place in memory to another.
pub(super) fn copy(bytes: usize) -> Duration {
    let from = vec![1_u8; bytes];
    // Not zero: the memory must be there before the copy.
    let mut to = vec![2_u8; bytes];
    let start = Instant::now();
    to.copy_from_slice(&from);
    let elapsed = start.elapsed();
    std::hint::black_box(&to);
    elapsed
}
