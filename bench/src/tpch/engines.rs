//! Which engines there are, and how each gets its data.

use std::path::Path;
use std::time::Instant;

use clap::ValueEnum;
use deltatree_query::tpch::generator;
use deltatree_query::tpch::load::LoadReport;
use deltatree_query::tpch::queries::QUERIES;
use parquet::basic::Compression;

use crate::engine::{DataFusion, DeltaTree, DuckDb, Engine, write_parquet};
use crate::machine::peak_memory_mib;
use crate::peer::Package;
use crate::report::{Report, Target, ms};

/// An engine to choose on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// DeltaTree, embedded.
    Deltatree,
    /// DataFusion over tables in memory.
    DatafusionMemory,
    /// DataFusion over Parquet files.
    DatafusionParquet,
    /// DuckDB with native tables; absent without its Python package.
    Duckdb,
}

impl Choice {
    /// Every engine.
    pub const ALL: [Self; 4] = [Self::Deltatree, Self::DatafusionMemory, Self::DatafusionParquet, Self::Duckdb];
}

/// The engines of one run, and the names of those that this machine does not have.
pub struct Engines {
    /// Ready, in the order of the columns.
    pub ready: Vec<Box<dyn Engine>>,
    /// Asked for but missing here.
    pub absent: Vec<&'static str>,
}

/// Loads TPC-H at a scale into every chosen engine, with files in `directory`.
///
/// # Errors
/// When one cannot be loaded. A missing DuckDB is absent instead.
pub async fn load(choices: &[Choice], scale: f64, directory: &Path, report: &mut Report) -> anyhow::Result<Engines> {
    let mut engines = Engines { ready: Vec::new(), absent: Vec::new() };
    let mut parquet = false;
    tokio::task::block_in_place(generator::prepare);
    for choice in Choice::ALL {
        if !choices.contains(&choice) {
            continue;
        }
        if choice == Choice::Duckdb && !Package::DuckDb.present() {
            engines.absent.push("duckdb");
            continue;
        }
        if !parquet && matches!(choice, Choice::DatafusionParquet | Choice::Duckdb) {
            tokio::task::block_in_place(|| write_parquet(directory, scale, Compression::SNAPPY))?;
            parquet = true;
        }
        let start = Instant::now();
        let engine: Box<dyn Engine> = match choice {
            Choice::Deltatree => {
                let (mut engine, loaded) = DeltaTree::start(&directory.join("deltatree"), scale).await?;
                note_load(&mut engine, loaded, report).await?;
                Box::new(engine)
            }
            Choice::DatafusionMemory => Box::new(tokio::task::block_in_place(|| DataFusion::over_memory(scale))?),
            Choice::DatafusionParquet => Box::new(DataFusion::over_parquet(directory).await?),
            Choice::Duckdb => Box::new(tokio::task::block_in_place(|| DuckDb::start(directory))?),
        };
        eprintln!("{} ready in {:.1} s", engine.name(), start.elapsed().as_secs_f64());
        engines.ready.push(engine);
    }
    Ok(engines)
}

/// Runs every query once while the process holds nothing but DeltaTree, so that its memory is known.
async fn note_load(engine: &mut DeltaTree, loaded: LoadReport, report: &mut Report) -> anyhow::Result<()> {
    report.figure("deltatree load", loaded.rows as f64 / loaded.loaded_in.as_secs_f64(), "rows/s");
    report.figure("deltatree catch-up after the load", ms(loaded.caught_up_in), "ms");
    for query in QUERIES {
        // A query that fails is reported where it is measured.
        if let Err(error) = engine.run(query.sql).await {
            eprintln!("{} fails: {error:#}", query.name());
        }
    }
    if let Some(peak) = peak_memory_mib() {
        let target = Target::AtMost(8192.0);
        report.figure_with_target("deltatree peak memory, load and queries", peak as f64, "MiB", target);
    }
    Ok(())
}
