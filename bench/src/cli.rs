//! The command line.

use clap::{Args, Parser, Subcommand};
use deltatree_query::cli::serve::{self, ServeArgs};
use tokio::task::block_in_place;

use crate::report::Report;
use crate::{chbench, crash, delta_vs_lsm, faults, freshness, import, point_select, scan, sysbench, tpch, upsert_grid};

/// Measures DeltaTree, side by side with its peers on the same machine in the same run.
///
/// Exit status: 0 when all results were right (missed targets included), 1 when one was wrong, 2 when
/// a bench could not run.
#[derive(Debug, Parser)]
#[command(name = "deltatree-bench", version)]
pub struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

/// What every bench takes.
#[derive(Clone, Copy, Debug, Args)]
pub struct Common {
    /// End within two minutes on two cores, at the cost of smaller data and fewer runs.
    #[arg(long)]
    pub quick: bool,
    /// Print one JSON object as the last line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// The 22 queries of TPC-H on DeltaTree and its peers, alternating, results compared.
    Tpch(tpch::run::Options),
    /// The published answers of TPC-H over the MySQL protocol, on both access paths.
    Verify(tpch::verify::Options),
    /// Bytes that TPC-H takes in packs, beside Parquet with ZSTD(1)
    Space(tpch::space::Options),
    /// How soon columnar queries see what was committed, beside transactions and analytical queries.
    Freshness(freshness::run::Options),
    /// A columnar aggregate sees every write acknowledged before it began.
    FreshnessSmoke(freshness::smoke::Options),
    /// TPC-C transactions and the queries of CH-benCHmark, alone and together.
    Chbench(chbench::run::Options),
    /// TPC-H from Parquet files into a server, by `IMPORT INTO`.
    Import(import::Options),
    /// Rows by primary key over the MySQL protocol.
    PointSelect(point_select::Options),
    /// Transactions of a row store, beside MariaDB and PostgreSQL, by `sysbench`.
    Sysbench(sysbench::run::Options),
    /// What updates cost, and what they do to the scan that follows them, before and after compaction.
    UpsertGrid(upsert_grid::run::Options),
    /// The paper's table: scans while rows are updated, beside a column store that merges on read.
    DeltaVsLsm(delta_vs_lsm::run::Options),
    /// How fast one core decodes typical columns.
    Scan(scan::run::Options),
    /// `kill -9` at random moments, against a model.
    Crash(crash::run::Options),
    /// Isolation, while processes are killed, stopped and cut off: histories of transactions are checked.
    Faults(faults::run::Options),
    /// The server, as `deltatree serve`, for the benches that need one as a process of its own.
    #[command(hide = true)]
    Serve(ServeArgs),
}

impl Arguments {
    /// Runs the bench; whether all results were right.
    ///
    /// # Errors
    /// When the bench could not run.
    pub async fn run(self) -> anyhow::Result<bool> {
        let (report, common): (Report, Common) = match self.bench {
            Bench::Tpch(options) => (tpch::run::run(&options).await?, options.common),
            Bench::Space(options) => (tpch::space::run(&options).await?, options.common),
            Bench::Verify(options) => (tpch::verify::run(&options).await?, options.common),
            Bench::Freshness(options) => (block_in_place(|| freshness::run::run(&options))?, options.common),
            Bench::FreshnessSmoke(options) => (block_in_place(|| freshness::smoke::run(&options))?, options.common),
            Bench::Chbench(options) => (block_in_place(|| chbench::run::run(&options))?, options.common),
            Bench::Import(options) => (block_in_place(|| import::run(&options))?, options.common),
            Bench::PointSelect(options) => (block_in_place(|| point_select::run(&options))?, options.common),
            Bench::Sysbench(options) => (block_in_place(|| sysbench::run::run(&options))?, options.common),
            Bench::UpsertGrid(options) => (block_in_place(|| upsert_grid::run::run(&options))?, options.common),
            Bench::DeltaVsLsm(options) => (block_in_place(|| delta_vs_lsm::run::run(&options))?, options.common),
            Bench::Scan(options) => (block_in_place(|| scan::run::run(&options))?, options.common),
            Bench::Faults(options) => (block_in_place(|| faults::run::run(&options))?, options.common),
            Bench::Crash(options) => (block_in_place(|| crash::run::run(&options))?, options.common),
            Bench::Serve(options) => {
                serve::run(&options).await?;
                return Ok(true);
            }
        };
        report.print(common.json)?;
        Ok(report.succeeded())
    }
}
