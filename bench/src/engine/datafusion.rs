//! Plain DataFusion, over tables in memory and over Parquet files.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, anyhow};
use arrow::array::RecordBatch;
use async_trait::async_trait;
use datafusion::datasource::MemTable;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use deltatree_query::tpch::answers::QuotientRule;
use deltatree_query::tpch::generator;
use deltatree_query::tpch::schema::Table;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::{Answer, Engine, rows_of};
use crate::machine::cores;

/// Rows of a batch: DataFusion's own default.
const BATCH_ROWS: usize = 8192;

/// DataFusion with its default settings, one partition a core.
pub struct DataFusion {
    context: SessionContext,
    name: &'static str,
}

impl DataFusion {
    /// Over tables in memory, with the batches as the generator makes them, one partition a core.
    ///
    /// # Errors
    /// When a table cannot be registered. Blocks for as long as the data takes to be made.
    pub fn over_memory(scale: f64) -> anyhow::Result<Self> {
        let context = context();
        for table in Table::ALL {
            let partitions = generate(table, scale)?;
            let schema = generator::batches(table, scale, BATCH_ROWS, 1, 1).schema();
            context.register_table(table.name(), Arc::new(MemTable::try_new(schema, partitions)?))?;
        }
        Ok(Self { context, name: "datafusion-memory" })
    }

    /// Over the Parquet files that [`write_parquet`] left in a directory.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn over_parquet(directory: &Path) -> anyhow::Result<Self> {
        let context = context();
        for table in Table::ALL {
            let path = parquet_path(directory, table);
            let path = path.to_str().context("the directory's name is not UTF-8")?;
            context.register_parquet(table.name(), path, ParquetReadOptions::default()).await?;
        }
        Ok(Self { context, name: "datafusion-parquet" })
    }
}

#[async_trait]
impl Engine for DataFusion {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> String {
        datafusion::DATAFUSION_VERSION.to_owned()
    }

    fn quotients(&self) -> QuotientRule {
        QuotientRule::OneUnit
    }

    async fn run(&mut self, sql: &str) -> anyhow::Result<Answer> {
        let start = Instant::now();
        let batches = self.context.sql(sql).await?.collect().await?;
        let elapsed = start.elapsed();
        Ok(Answer { elapsed, rows: rows_of(&batches)? })
    }
}

fn context() -> SessionContext {
    SessionContext::new_with_config(SessionConfig::new().with_target_partitions(cores()))
}

/// A table's batches, one vector a core, made by as many threads.
fn generate(table: Table, scale: f64) -> anyhow::Result<Vec<Vec<RecordBatch>>> {
    let parts = cores();
    thread::scope(|scope| {
        let threads: Vec<_> = (1..=parts)
            .map(|part| scope.spawn(move || generator::batches(table, scale, BATCH_ROWS, part, parts).collect()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("the generator of {table} failed")))
            .collect()
    })
}

/// Writes all tables as Parquet files (of the writer's default row groups), `TABLE.parquet`.
///
/// # Errors
/// When a file cannot be written. Blocks for as long as that takes.
pub fn write_parquet(directory: &Path, scale: f64, compression: Compression) -> anyhow::Result<()> {
    for table in Table::ALL {
        let path = parquet_path(directory, table);
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let batches = generator::batches(table, scale, BATCH_ROWS, 1, 1);
        let properties = WriterProperties::builder().set_compression(compression).build();
        let mut writer = ArrowWriter::try_new(file, batches.schema(), Some(properties))?;
        for batch in batches {
            writer.write(&batch)?;
        }
        writer.close().with_context(|| format!("cannot finish {}", path.display()))?;
    }
    Ok(())
}

/// Where [`write_parquet`] puts a table.
pub fn parquet_path(directory: &Path, table: Table) -> PathBuf {
    directory.join(format!("{table}.parquet"))
}
