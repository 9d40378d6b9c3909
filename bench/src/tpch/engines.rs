//! Which engines there are, and how each gets its data.

use std::path::Path;
use std::time::Instant;

use clap::ValueEnum;

use crate::engine::{DataFusion, DuckDb, Engine, write_parquet};
use crate::report::Report;

/// An engine to choose on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// DataFusion over tables in memory.
    DatafusionMemory,
    /// DataFusion over Parquet files.
    DatafusionParquet,
    /// DuckDB with native tables; absent without its Python package.
    Duckdb,
}

impl Choice {
    /// Every engine.
    pub const ALL: [Self; 3] = [Self::DatafusionMemory, Self::DatafusionParquet, Self::Duckdb];
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
    let duckdb = choices.contains(&Choice::Duckdb) && DuckDb::present();
    if duckdb || choices.contains(&Choice::DatafusionParquet) {
        let start = Instant::now();
        tokio::task::block_in_place(|| write_parquet(directory, scale))?;
        eprintln!("parquet files written in {:.1} s", start.elapsed().as_secs_f64());
    }
    for choice in Choice::ALL {
        if !choices.contains(&choice) {
            continue;
        }
        let start = Instant::now();
        let engine: Box<dyn Engine> = match choice {
            Choice::DatafusionMemory => Box::new(tokio::task::block_in_place(|| DataFusion::over_memory(scale))?),
            Choice::DatafusionParquet => Box::new(DataFusion::over_parquet(directory).await?),
            Choice::Duckdb if duckdb => Box::new(tokio::task::block_in_place(|| DuckDb::start(directory))?),
            Choice::Duckdb => {
                engines.absent.push("duckdb");
                continue;
            }
        };
        eprintln!("{} ready in {:.1} s", engine.name(), start.elapsed().as_secs_f64());
        engines.ready.push(engine);
    }
    Ok(engines)
}
