//! From units of files to runs and packs of the hidden table.
//!
//! Readers on threads of their own convert batches; a plan of DataFusion sorts them by row key, with a budget,
//! above which it spills; whoever writes the rows and whoever builds the packs take the sorted batches at their
//! own pace. Files that are in key order already, and rows whose keys are handed out, are not sorted.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::expressions::col;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use deltatree_storage::types::{RowKey, Timestamp};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;

use super::convert::{KEY, entry_schema, index_entries};
use super::csv::CsvBatches;
use super::parquet::ParquetInput;
use super::runs::{build_packs, write_entries, write_rows};
use super::{Converter, CsvFormat, Input, RunningImport};
use crate::error::{Result, SqlError};

/// Bytes that the sorts of one import hold before they spill.
const SORT_BYTES: usize = 512 << 20;
/// Batches that wait between two steps.
const BATCHES_AHEAD: usize = 4;

/// What is read.
#[derive(Clone)]
pub(crate) enum Source {
    /// Files, and of each where the wanted columns are.
    Parquet(Vec<(ParquetInput, Vec<usize>)>),
    /// Files whose lines have so many fields.
    Csv(Vec<Input>, CsvFormat, usize),
}

/// What one reader reads at a time.
enum Unit {
    RowGroup(ParquetInput, Vec<usize>, usize),
    Text(Input, CsvFormat, usize),
}

type Batches = mpsc::Sender<Result<RecordBatch, DataFusionError>>;

impl Source {
    fn units(&self) -> VecDeque<Unit> {
        match self {
            Self::Parquet(files) => files
                .iter()
                .flat_map(|(file, columns)| {
                    (0..file.groups()).map(|group| Unit::RowGroup(file.clone(), columns.clone(), group))
                })
                .collect(),
            Self::Csv(files, format, fields) => {
                files.iter().map(|file| Unit::Text(file.clone(), format.clone(), *fields)).collect()
            }
        }
    }
}

/// Fills the hidden table of an import with rows as of `ts`. Returns their number. When this returns, with an
/// error too, nothing writes to it any more.
pub(super) async fn fill(
    source: &Source,
    converter: &Arc<Converter>,
    ts: Timestamp,
    readers: usize,
    spill_dir: &Path,
) -> Result<u64> {
    let import = converter.import.clone();
    let presorted = {
        let (source, converter) = (source.clone(), converter.clone());
        joined(tokio::task::spawn_blocking(move || is_in_key_order(&source, &converter)).await)??
    };
    let hidden = converter.table.primary_key_positions().is_empty();
    let units = source.units();
    // Rows in key order stay so with one reader only; numbered ones ascend in each reader's.
    let readers = if presorted { 1 } else { readers.clamp(1, units.len().max(1)) };
    let context = task_context(spill_dir)?;
    let units = Arc::new(Mutex::new(units));
    let mut reading = Vec::new();
    let (mut rows, mut entries) = (Vec::new(), Vec::new());
    for _ in 0..readers {
        let (row_sender, row_receiver) = mpsc::channel(BATCHES_AHEAD);
        let (entry_sender, entry_receiver) = mpsc::channel(BATCHES_AHEAD);
        rows.push(row_receiver);
        entries.push(entry_receiver);
        let (units, converter) = (units.clone(), converter.clone());
        reading.push(tokio::task::spawn_blocking(move || {
            if let Err(e) = read(&units, &converter, &row_sender, &entry_sender) {
                // If nobody listens, somebody else has failed first.
                let _ = row_sender.blocking_send(Err(e.into()));
            }
        }));
    }
    import.enter(if presorted || hidden { "importing" } else { "sorting" });
    let sorted_entries = tokio::spawn(sort_ahead(entries, entry_schema(), context.clone()));
    let stream = ordered(rows, converter.schema(), &context, !(presorted || hidden))?;
    let filled = write(stream, reading, converter, ts).await;
    let sorted_entries = joined(sorted_entries.await)?;
    let (count, mut sorted_entries) = (filled?, sorted_entries?);
    if !converter.table.indexes.is_empty() {
        import.enter("indexing");
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
        let (rows_of, progress) = (converter.clone(), import.clone());
        let writing = tokio::task::spawn_blocking(move || write_entries(&rows_of, &progress, ts, receiver));
        let sent = forward(&mut sorted_entries, &[sender], &import).await;
        let written = joined(writing.await)?;
        first_cause([sent, written.map(drop)])?;
    }
    Ok(count)
}

/// Hands sorted batches to the row store and to the columnar engine.
async fn write(
    mut stream: SendableRecordBatchStream,
    reading: Vec<JoinHandle<()>>,
    converter: &Arc<Converter>,
    ts: Timestamp,
) -> Result<u64> {
    let import = &converter.import;
    let (to_rows, rows) = mpsc::channel(BATCHES_AHEAD);
    let (to_packs, packs) = mpsc::channel(BATCHES_AHEAD);
    let (rows_of, packs_of) = (converter.clone(), converter.clone());
    let (written, progress) = (import.clone(), import.clone());
    let write_rows = tokio::task::spawn_blocking(move || write_rows(&rows_of, &written, ts, rows));
    let build_packs = tokio::task::spawn_blocking(move || build_packs(&packs_of, ts, packs));
    let targets = [to_rows, to_packs];
    let mut sent = forward_open(&mut stream, &targets, &progress).await;
    drop(stream);
    for reader in reading {
        // A reader that panicked has ended its stream as one does that is done.
        let ended = joined(reader.await);
        sent = sent.and(ended);
    }
    let sent = match sent {
        Ok(()) => end(&targets).await,
        failed => failed,
    };
    drop(targets);
    let rows = joined(write_rows.await)?;
    let packs = joined(build_packs.await)?;
    let count = rows.as_ref().copied().unwrap_or(0);
    first_cause([sent, rows.map(drop), packs])?;
    Ok(count)
}

/// What a writer is sent: a batch, or that there are no more. A channel that closes without was given up.
pub(super) type Sorted = Option<RecordBatch>;

async fn forward(
    stream: &mut SendableRecordBatchStream,
    targets: &[mpsc::Sender<Sorted>],
    import: &RunningImport,
) -> Result<()> {
    forward_open(stream, targets, import).await?;
    end(targets).await
}

async fn forward_open(
    stream: &mut SendableRecordBatchStream,
    targets: &[mpsc::Sender<Sorted>],
    import: &RunningImport,
) -> Result<()> {
    loop {
        let next = tokio::select! {
            next = stream.next() => next,
            () = import.cancellation() => return Err(SqlError::interrupted()),
        };
        let Some(batch) = next.transpose()? else { return Ok(()) };
        for target in targets {
            target.send(Some(batch.clone())).await.map_err(|_| stopped())?;
        }
    }
}

async fn end(targets: &[mpsc::Sender<Sorted>]) -> Result<()> {
    for target in targets {
        target.send(None).await.map_err(|_| stopped())?;
    }
    Ok(())
}

/// For steps that end because another one has failed.
pub(super) fn stopped() -> SqlError {
    SqlError::internal(STOPPED)
}

const STOPPED: &str = "another step of the import has failed";

/// The error that made the others.
fn first_cause<const N: usize>(results: [Result<()>; N]) -> Result<()> {
    let mut errors: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    errors.sort_by_key(|e| e.message == STOPPED);
    errors.into_iter().next().map_or(Ok(()), Err)
}

fn joined<T>(result: Result<T, tokio::task::JoinError>) -> Result<T> {
    result.map_err(|e| SqlError::internal(format!("a step of the import has ended: {e}")))
}

/// Reads units until there are none. Blocks.
fn read(units: &Mutex<VecDeque<Unit>>, converter: &Converter, rows: &Batches, entries: &Batches) -> Result<()> {
    loop {
        let Some(unit) = units.lock().pop_front() else { return Ok(()) };
        let name = unit.name();
        unit.each_batch(|batch, first_row| {
            converter.import.check()?;
            let batch = converter.convert(&batch, first_row).map_err(|e| in_file(e, &name))?;
            if !converter.table.indexes.is_empty() {
                let of_batch = index_entries(&converter.table, &batch)?;
                entries.blocking_send(Ok(of_batch)).map_err(|_| stopped())?;
            }
            rows.blocking_send(Ok(batch)).map_err(|_| stopped())
        })?;
    }
}

fn in_file(e: SqlError, name: &str) -> SqlError {
    SqlError { message: format!("{} in file '{name}'", e.message), ..e }
}

impl Unit {
    fn name(&self) -> String {
        match self {
            Self::RowGroup(file, ..) => file.input().name(),
            Self::Text(file, ..) => file.name(),
        }
    }

    /// Calls `take` with each batch and the number of its first row in the file.
    fn each_batch(&self, mut take: impl FnMut(RecordBatch, u64) -> Result<()>) -> Result<()> {
        match self {
            Self::RowGroup(file, columns, group) => {
                let mut first_row = file.first_row(*group);
                let mut batches = file.read(*group, columns)?;
                while let Some(batch) = batches.next()? {
                    let rows = batch.num_rows() as u64;
                    take(batch, first_row)?;
                    first_row += rows;
                }
            }
            Self::Text(file, format, fields) => {
                let mut batches = CsvBatches::open(file, format, *fields)?;
                while let Some((batch, first_row)) = batches.next()? {
                    take(batch, first_row)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether the rows come in strictly ascending order of their keys. Only for files of which the key's columns
/// can be read alone. Blocks.
fn is_in_key_order(source: &Source, converter: &Converter) -> Result<bool> {
    let Source::Parquet(files) = source else { return Ok(false) };
    let Some(wanted) = converter.key_sources().filter(|wanted| !wanted.is_empty()) else { return Ok(false) };
    let mut last: Option<RowKey> = None;
    for (file, columns) in files {
        for group in 0..file.groups() {
            let mut first_row = file.first_row(group);
            let key_columns: Vec<_> = wanted.iter().map(|&at| columns[at]).collect();
            let mut batches = file.read(group, &key_columns)?;
            while let Some(batch) = batches.next()? {
                converter.import.check()?;
                let keys = converter.keys_alone(&spread(&batch, &wanted, columns.len())?, first_row)?;
                first_row += batch.num_rows() as u64;
                for row in 0..keys.len() {
                    let key = keys.get(row);
                    if last.as_ref().is_some_and(|last| last.as_ref() >= key) {
                        return Ok(false);
                    }
                    if row + 1 == keys.len() || row == 0 {
                        last = Some(key.to_owned());
                        continue;
                    }
                    if keys.get(row - 1) >= key {
                        return Ok(false);
                    }
                }
            }
        }
    }
    Ok(true)
}

/// A batch with the key's columns at their places, and nothing at the others.
fn spread(batch: &RecordBatch, wanted: &[usize], width: usize) -> Result<RecordBatch> {
    use arrow::datatypes::{DataType, Field, Schema};
    let nothing = arrow::array::new_null_array(&DataType::Null, batch.num_rows());
    let mut columns = vec![nothing; width];
    let mut fields = vec![Field::new("", DataType::Null, true); width];
    for (i, &at) in wanted.iter().enumerate() {
        columns[at] = batch.column(i).clone();
        fields[at] = batch.schema().field(i).clone();
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn task_context(spill_dir: &Path) -> Result<Arc<TaskContext>> {
    std::fs::create_dir_all(spill_dir)
        .map_err(|e| SqlError::internal(format!("cannot create directory {}: {e}", spill_dir.display())))?;
    let spill = DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![spill_dir.to_owned()]));
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(SORT_BYTES)))
        .with_disk_manager_builder(spill)
        .build_arc()?;
    Ok(Arc::new(TaskContext::default().with_runtime(runtime)))
}

/// The readers' batches in the order of their keys: sorted, or merged if each reader's are in order.
fn ordered(
    readers: Vec<mpsc::Receiver<Result<RecordBatch, DataFusionError>>>,
    schema: SchemaRef,
    context: &Arc<TaskContext>,
    sort: bool,
) -> Result<SendableRecordBatchStream> {
    let key = PhysicalSortExpr::new(col(KEY, &schema)?, SortOptions::default());
    let order = LexOrdering::new([key]).ok_or_else(|| SqlError::internal("an order by nothing"))?;
    let partitions = readers.into_iter().map(|batches| {
        let partition = ReaderPartition { schema: schema.clone(), batches: Mutex::new(Some(batches)) };
        Arc::new(partition) as Arc<dyn PartitionStream>
    });
    let as_read = if sort { Vec::new() } else { vec![order.clone()] };
    let mut plan: Arc<dyn ExecutionPlan> =
        Arc::new(StreamingTableExec::try_new(schema.clone(), partitions.collect(), None, as_read, false, None)?);
    if sort {
        plan = Arc::new(SortExec::new(order.clone(), plan).with_preserve_partitioning(true));
    }
    if plan.properties().partitioning.partition_count() > 1 {
        plan = Arc::new(SortPreservingMergeExec::new(order, plan));
    }
    Ok(execute_stream(plan, context.clone())?)
}

/// Takes in what is to be sorted, so that nobody waits for it to be taken; what is sorted waits.
async fn sort_ahead(
    readers: Vec<mpsc::Receiver<Result<RecordBatch, DataFusionError>>>,
    schema: SchemaRef,
    context: Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let mut sorted = ordered(readers, schema.clone(), &context, true)?;
    // The first batch comes when the last one was taken in.
    let first = sorted.next().await;
    let all = futures::stream::iter(first).chain(sorted);
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, all)))
}

/// What one reader sends.
struct ReaderPartition {
    schema: SchemaRef,
    batches: Mutex<Option<mpsc::Receiver<Result<RecordBatch, DataFusionError>>>>,
}

impl std::fmt::Debug for ReaderPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReaderPartition")
    }
}

impl PartitionStream for ReaderPartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = match self.batches.lock().take() {
            Some(batches) => ReceiverStream::new(batches).left_stream(),
            None => {
                let again = SqlError::internal("the rows of an import are read once");
                futures::stream::iter([Err(again.into())]).right_stream()
            }
        };
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches))
    }
}
