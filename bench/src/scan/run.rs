//! Options, order, the table.

use std::time::Duration;

use clap::Args;

use super::columns::{Column, rows, schema};
use super::fold::{Fold, sql};
use super::readers::{copy, deltatree, parquet, write_parquet};
use crate::cli::Common;
use crate::columnar::ColumnarTable;
use crate::peer::{Package, Peer};
use crate::report::{Report, align_right, geometric_mean, median, number, table};

/// Options of `deltatree-bench scan`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Rows of the table [default: 10000000, quick: 1000000]
    #[arg(long)]
    rows: Option<u64>,
    /// Runs of which the median counts [default: 7, quick: 3]
    #[arg(long)]
    runs: Option<usize>,
    /// Leave DuckDB out.
    #[arg(long)]
    no_peers: bool,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// Times of one column.
struct Times {
    column: Column,
    fold: Fold,
    deltatree: Duration,
    parquet: Duration,
    duckdb: Option<Duration>,
    /// A copy of as many bytes as the decoded values have.
    copy: Duration,
}

/// Runs it. Blocks.
///
/// # Errors
/// When a reader fails.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let quick = options.common.quick;
    let count = options.rows.unwrap_or(if quick { 1_000_000 } else { 10_000_000 }).max(1);
    let runs = options.runs.unwrap_or(if quick { 3 } else { 7 }).max(1);
    let mut report = Report::new("scan");
    let directory = tempfile::tempdir()?;
    let engine = ColumnarTable::open(&directory.path().join("deltatree"), schema())?;
    engine.build(1, rows(count))?;
    let file = directory.path().join("t.parquet");
    write_parquet(&file, &schema(), rows(count))?;
    let mut duckdb = None;
    if !options.no_peers && Package::all_present().contains(&Package::DuckDb) {
        let mut peer = Peer::start(Package::DuckDb, directory.path(), 1)?;
        peer.run(&format!("create table t as select * from read_parquet('{}')", file.display()))?;
        peer.run("checkpoint")?;
        report.version("duckdb", peer.version());
        duckdb = Some(peer);
    }
    println!("{count} rows, one thread, median of {runs} runs after one that does not count");
    let mut all = Vec::new();
    for (at, column) in Column::ALL.into_iter().enumerate() {
        let (ours, fold) = median_of(runs, || deltatree(&engine, at))?;
        let (theirs, other) = median_of(runs, || parquet(&file, at))?;
        if !fold.agrees_with(&other) {
            report.failure(format!("column {}: {fold:?} by deltatree, {other:?} by parquet", column.name()));
        }
        let statement = sql(column.name(), column.data_type());
        let run_peer =
            |peer: &mut Peer| median_of(runs, || Ok((peer.run(&statement)?.elapsed, ()))).map(|(elapsed, ())| elapsed);
        all.push(Times {
            column,
            fold,
            deltatree: ours,
            parquet: theirs,
            duckdb: duckdb.as_mut().map(run_peer).transpose()?,
            copy: median_of(runs, || Ok((copy(usize::try_from(fold.bytes)?), ())))?.0,
        });
    }
    print(&all);
    figures(&all, &mut report);
    report.figure("deltatree, bytes on disk", engine.store().bytes_on_disk()? as f64, "B");
    report.figure("parquet (snappy), bytes on disk", std::fs::metadata(&file)?.len() as f64, "B");
    Ok(report)
}

/// The median time of some runs after one that does not count, and what they gave.
fn median_of<T>(runs: usize, mut run: impl FnMut() -> anyhow::Result<(Duration, T)>) -> anyhow::Result<(Duration, T)> {
    let (warm, mut result) = run()?;
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let (elapsed, again) = run()?;
        times.push(elapsed);
        result = again;
    }
    Ok((median(&times).unwrap_or(warm), result))
}

fn print(all: &[Times]) {
    let header = [
        "column",
        "deltatree Mrows/s",
        "GB/s",
        "parquet Mrows/s",
        "GB/s",
        "duckdb Mrows/s",
        "GB/s",
        "copy GB/s",
        "parquet / deltatree",
        "duckdb / deltatree",
    ];
    let mut shown = table(&header);
    for times in all {
        let absent = || "absent".to_owned();
        let rate = |time: Duration| number(times.fold.rows as f64 / time.as_secs_f64() / 1e6);
        let bandwidth = |time: Duration| number(gigabytes_a_second(times, time));
        let ratio = |time: Duration| number(time.as_secs_f64() / times.deltatree.as_secs_f64());
        shown.add_row([
            times.column.name().to_owned(),
            rate(times.deltatree),
            bandwidth(times.deltatree),
            rate(times.parquet),
            bandwidth(times.parquet),
            times.duckdb.map_or_else(absent, rate),
            times.duckdb.map_or_else(String::new, bandwidth),
            bandwidth(times.copy),
            ratio(times.parquet),
            times.duckdb.map_or_else(String::new, ratio),
        ]);
    }
    align_right(&mut shown, 1..header.len());
    println!("{shown}");
}

fn figures(all: &[Times], report: &mut Report) {
    for times in all {
        let name = times.column.name();
        report.figure(format!("{name}: rows"), times.fold.rows as f64 / times.deltatree.as_secs_f64(), "rows/s");
        report.figure(format!("{name}: bytes decoded"), gigabytes_a_second(times, times.deltatree), "GB/s");
    }
    let ratios = |theirs: &dyn Fn(&Times) -> Option<Duration>| {
        let of = |times: &Times| Some(theirs(times)?.as_secs_f64() / times.deltatree.as_secs_f64());
        geometric_mean(all.iter().filter_map(of))
    };
    for (peer, ratio) in [
        ("duckdb", ratios(&|times| times.duckdb)),
        ("parquet", ratios(&|times| Some(times.parquet))),
        ("copy in memory", ratios(&|times| Some(times.copy))),
    ] {
        if let Some(ratio) = ratio {
            report.figure(format!("{peer} / deltatree, geomean of times"), ratio, "x");
        }
    }
}

fn gigabytes_a_second(times: &Times, time: Duration) -> f64 {
    times.fold.bytes as f64 / time.as_secs_f64() / 1e9
}
