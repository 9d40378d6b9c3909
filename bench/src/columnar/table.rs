//! An engine with one table, and what it costs.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use deltatree_storage::api::{CancelFlag, TableBatch};
use deltatree_storage::config::Config;
use deltatree_storage::engine::Engine;
use deltatree_storage::pack::PackRows;
use deltatree_storage::scan::Snapshot;
use deltatree_storage::types::{TableSchema, Timestamp};

use super::CountingStore;

/// An engine over one directory, with one table and its default settings.
///
/// It has no threads of its own: whoever holds it says when maintenance runs. Old versions are given
/// up at once, as the peers keep none either.
#[derive(Clone, Debug)]
pub struct ColumnarTable {
    engine: Engine,
    schema: TableSchema,
    store: CountingStore,
}

/// What a table takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Footprint {
    /// Rows that are neither deleted nor superseded.
    pub rows: u64,
    /// Rows in the deltas.
    pub delta_rows: u64,
    /// Keys in the delta indexes.
    pub index_keys: u64,
    /// Bytes of the delta indexes.
    pub index_bytes: u64,
    /// Bytes of deltas, their indexes and delete vectors, in memory.
    pub memory_bytes: u64,
}

impl ColumnarTable {
    /// Opens or creates the engine in a directory, and the table.
    ///
    /// # Errors
    /// When the directory cannot be used or is damaged.
    pub fn open(directory: &Path, schema: TableSchema) -> anyhow::Result<Self> {
        let store = CountingStore::new(directory)?;
        let engine = Engine::open_with(Arc::new(store.clone()), Config::default())?;
        engine.put_table(schema.clone())?;
        Ok(Self { engine, schema, store })
    }

    /// Replaces the content by rows in key order, durably.
    ///
    /// # Errors
    /// When the rows are out of order or cannot be written.
    pub fn build(&self, ts: u64, rows: impl Iterator<Item = PackRows>) -> anyhow::Result<()> {
        self.engine.bulk_build(self.schema.clone(), Timestamp(ts), rows.map(Ok))?;
        Ok(self.engine.flush()?)
    }

    /// Applies upserts in one step. Gives the time that the engine took.
    ///
    /// # Errors
    /// When the engine refuses them, or has seen them before.
    pub fn apply(&self, rows: PackRows) -> anyhow::Result<Duration> {
        let batch = self.batch(rows);
        let rows = batch.keys.len();
        let start = Instant::now();
        let stats = self.engine.apply(batch)?;
        let elapsed = start.elapsed();
        anyhow::ensure!(stats.applied == rows, "{} of {rows} rows applied", stats.applied);
        Ok(elapsed)
    }

    /// Rows as the engine takes them, so that making them is not measured with applying them.
    fn batch(&self, rows: PackRows) -> TableBatch {
        let none = BooleanArray::new(BooleanBuffer::new_unset(rows.len()), None);
        TableBatch {
            table: self.schema.table,
            schema_version: self.schema.version,
            keys: rows.keys,
            commit_ts: rows.commit_ts,
            deleted: rows.tombstones.unwrap_or(none),
            columns: rows.columns,
        }
    }

    /// Does what is due in the background, one unit. False if nothing is.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn maintain(&self) -> anyhow::Result<bool> {
        self.engine.set_safe_point(self.engine.stats(self.schema.table)?.max_commit_ts);
        Ok(self.engine.maintain()?.is_some())
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn flush(&self) -> anyhow::Result<()> {
        Ok(self.engine.flush()?)
    }

    /// As the table is when maintenance has had all the time it wants: no delta, all of it durable.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn settle(&self) -> anyhow::Result<()> {
        self.flush()?;
        while self.maintain()? {}
        self.engine.compact(self.schema.table, &CancelFlag::default())?;
        while self.maintain()? {}
        self.flush()
    }

    /// What is visible now.
    ///
    /// # Errors
    /// When the table is damaged.
    pub fn snapshot(&self) -> anyhow::Result<Snapshot> {
        Ok(self.engine.snapshot(self.schema.table, Timestamp::MAX)?)
    }

    /// Its sizes.
    ///
    /// # Errors
    /// When the table is damaged.
    pub fn footprint(&self) -> anyhow::Result<Footprint> {
        let stats = self.engine.stats(self.schema.table)?;
        let mut sum = Footprint { rows: stats.rows, ..Footprint::default() };
        for segment in &stats.segments {
            sum.delta_rows += segment.delta_rows;
            sum.index_keys += segment.index_keys;
            sum.index_bytes += segment.index_bytes;
            sum.memory_bytes += segment.delta_memory_bytes + segment.index_bytes + segment.delete_vector_bytes;
        }
        Ok(sum)
    }

    /// The files.
    pub fn store(&self) -> &CountingStore {
        &self.store
    }
}

/// The columns of a table as Arrow names and types them.
pub fn arrow_schema(schema: &TableSchema) -> SchemaRef {
    let fields = schema.columns.iter().map(|c| Field::new(&c.name, c.data_type.arrow(), c.nullable));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Bytes of rows as their user counts them: the plain width of every number, the length of every text.
pub fn user_bytes(rows: &PackRows) -> u64 {
    rows.columns.iter().map(plain_bytes).sum()
}

fn plain_bytes(array: &ArrayRef) -> u64 {
    let lengths = |lengths: &mut dyn Iterator<Item = u32>| lengths.map(u64::from).sum();
    match array.data_type() {
        DataType::Utf8View => lengths(&mut array.as_string_view().lengths()),
        DataType::BinaryView => lengths(&mut array.as_binary_view().lengths()),
        other => (other.primitive_width().unwrap_or_default() * array.len()) as u64,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, StringViewArray};

    use super::*;

    #[test]
    fn numbers_count_by_width_and_texts_by_length() {
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["", "four", "a text that is not kept inline"]));
        assert_eq!(plain_bytes(&numbers), 12);
        assert_eq!(plain_bytes(&texts), 34);
    }
}
