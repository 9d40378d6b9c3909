//! The bench `space`: bytes that TPC-H takes in packs, beside Parquet compressed with ZSTD(1).

use std::fs;
use std::path::Path;

use anyhow::Context;
use clap::Args;
use deltatree_query::tpch::generator;
use deltatree_query::tpch::schema::Table;
use parquet::basic::{Compression, ZstdLevel};

use crate::cli::Common;
use crate::engine::{DeltaTree, Engine, parquet_path, write_parquet};
use crate::report::{Report, Target, align_right, number, table};

/// Options of `deltatree-bench space`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Scale factor [default: 1, quick: 0.1]
    #[arg(long)]
    scale: Option<f64>,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// One table in both forms.
struct Sizes {
    table: Table,
    rows: u64,
    packs: u64,
    parquet: u64,
}

/// Runs it: loads, merges all deltas, and adds up the packs as `information_schema` has them.
///
/// # Errors
/// When the data cannot be loaded or written.
pub async fn run(options: &Options) -> anyhow::Result<Report> {
    let scale = options.scale.unwrap_or(if options.common.quick { 0.1 } else { 1.0 });
    let directory = tempfile::tempdir()?;
    let mut report = Report::new("space");
    tokio::task::block_in_place(|| -> anyhow::Result<()> {
        generator::prepare();
        write_parquet(directory.path(), scale, Compression::ZSTD(ZstdLevel::try_new(1)?))
    })?;
    let (mut engine, _) = DeltaTree::start(&directory.path().join("deltatree"), scale).await?;
    let mut sizes = Vec::new();
    for table in Table::ALL {
        sizes.push(measure(&mut engine, directory.path(), table).await?);
    }
    Box::new(engine).stop().await?;
    print(scale, &sizes);
    figures(&sizes, &mut report);
    Ok(report)
}

async fn measure(engine: &mut DeltaTree, directory: &Path, table: Table) -> anyhow::Result<Sizes> {
    engine.execute(&format!("alter table {table} compact")).await?;
    let answer = engine
        .run(&format!(
            "select total_rows, total_delta_rows, total_stable_size from information_schema.tiflash_tables
             where tidb_database = database() and tidb_table = '{table}'"
        ))
        .await?;
    let cell = |at: usize| -> anyhow::Result<u64> {
        let value = answer.rows.first().and_then(|row| row.get(at)?.as_deref()).context("the table has no replica")?;
        Ok(value.parse()?)
    };
    anyhow::ensure!(cell(1)? == 0, "{table}: {} rows are left in the delta", cell(1)?);
    let parquet = fs::metadata(parquet_path(directory, table))?.len();
    Ok(Sizes { table, rows: cell(0)?, packs: cell(2)?, parquet })
}

fn print(scale: f64, sizes: &[Sizes]) {
    println!("TPC-H, scale factor {scale}, bytes a row");
    let mut shown = table(&["table", "rows", "packs", "parquet zstd(1)", "ratio"]);
    for size in sizes {
        let a_row = |bytes: u64| number(bytes as f64 / size.rows as f64);
        shown.add_row(vec![
            size.table.to_string(),
            size.rows.to_string(),
            a_row(size.packs),
            a_row(size.parquet),
            number(size.packs as f64 / size.parquet as f64),
        ]);
    }
    align_right(&mut shown, 1..5);
    println!("{shown}");
}

fn figures(sizes: &[Sizes], report: &mut Report) {
    let sum = |of: fn(&Sizes) -> u64| sizes.iter().map(of).sum::<u64>() as f64;
    let (rows, packs, parquet) = (sum(|s| s.rows), sum(|s| s.packs), sum(|s| s.parquet));
    report.figure("packs", packs / rows, "B/row");
    report.figure("parquet zstd(1)", parquet / rows, "B/row");
    report.figure_with_target("packs / parquet zstd(1)", packs / parquet, "x", Target::AtMost(1.2));
}
