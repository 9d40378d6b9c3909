//! The bench `tpch`.

use clap::Args;
use deltatree_query::tpch::queries::QUERIES;

use super::engines::{self, Choice};
use super::measurement::measure;
use super::table::{self, Columns};
use crate::cli::Common;
use crate::report::Report;

/// Options of `deltatree-bench tpch`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Scale factor [default: 1, quick: 0.1]
    #[arg(long)]
    scale: Option<f64>,
    /// Measured runs of each query, after one to warm up; the median counts [default: 5, quick: 3]
    #[arg(long)]
    runs: Option<usize>,
    /// Engines to run [default: all]
    #[arg(long = "engine", value_enum)]
    engines: Vec<Choice>,
    /// Only these queries, by number [default: all]
    #[arg(long = "query", value_parser = clap::value_parser!(u8).range(1..=22))]
    queries: Vec<u8>,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// Runs it.
///
/// # Errors
/// When an engine cannot be loaded. A query that fails, or whose result differs, is a failure in the
/// report.
pub async fn run(options: &Options) -> anyhow::Result<Report> {
    let quick = options.common.quick;
    let scale = options.scale.unwrap_or(if quick { 0.1 } else { 1.0 });
    let runs = options.runs.unwrap_or(if quick { 3 } else { 5 }).max(1);
    let choices = if options.engines.is_empty() { Choice::ALL.to_vec() } else { options.engines.clone() };
    let directory = tempfile::tempdir()?;
    let mut report = Report::new("tpch");
    let mut engines = engines::load(&choices, scale, directory.path(), &mut report).await?;
    for engine in engines.ready.iter().filter(|engine| engine.name() != "deltatree") {
        report.version(engine.name(), engine.version());
    }
    let columns =
        Columns { ready: engines.ready.iter().map(|engine| engine.name()).collect(), absent: engines.absent.clone() };
    let mut measurements = Vec::new();
    for query in QUERIES {
        if options.queries.is_empty() || options.queries.contains(&query.number) {
            let measurement = measure(query, &mut engines.ready, runs).await;
            for failure in &measurement.failures {
                report.failure(failure);
            }
            measurements.push(measurement);
        }
    }
    for engine in engines.ready {
        engine.stop().await?;
    }
    println!("TPC-H, scale factor {scale}, median of {runs} runs, alternating, milliseconds");
    println!("{}", table::times(&columns, &measurements));
    table::figures(&columns, &measurements, &mut report);
    Ok(report)
}
