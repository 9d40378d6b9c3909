//! The bench `crash`.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Args;

use super::rounds;
use crate::cli::Common;
use crate::report::{Report, Target, ms};
use crate::server::ServerCommand;

/// Options of `deltatree-bench crash`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Times that the server is killed [default: 50, quick: 10]
    #[arg(long)]
    rounds: Option<usize>,
    /// Seed of the random choices [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// Keep the data directory.
    #[arg(long)]
    keep: bool,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// Runs it. Blocks.
///
/// # Errors
/// When the server does not come up again, or a query of a check fails.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let rounds = options.rounds.unwrap_or(if options.common.quick { 10 } else { 50 });
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos().into());
    let seed = options.seed.unwrap_or(clock);
    let mut report = Report::new("crash");
    let mut directory = tempfile::tempdir()?;
    directory.disable_cleanup(options.keep);
    println!("seed {seed}, data in {}", directory.path().display());
    let start = Instant::now();
    let (mut committed, mut found, mut lost, mut slowest_ms) = (0, 0, 0, 0.0_f64);
    rounds::run(&ServerCommand::built_in()?, directory.path(), rounds, seed, |round| {
        println!(
            "round {:3} at {:6.1} s: ready after {:4} ms, unknown before: {} there and {} not, committed so far {}",
            round.number,
            start.elapsed().as_secs_f64(),
            round.ready_after.as_millis(),
            round.unknowns.committed,
            round.unknowns.lost,
            round.committed,
        );
        committed = round.committed;
        found += round.unknowns.committed;
        lost += round.unknowns.lost;
        slowest_ms = slowest_ms.max(ms(round.ready_after));
        for wrong in &round.wrong {
            report.failure(format!("round {}: {wrong}", round.number));
        }
    })?;
    let failures = report.failures() as f64;
    report.figure("kills", rounds as f64, "count");
    report.figure("acknowledged commits", committed as f64, "count");
    report.figure("unknown outcomes that were there", found as f64, "count");
    report.figure("unknown outcomes that were not", lost as f64, "count");
    report.figure("slowest restart", slowest_ms, "ms");
    report.figure_with_target("differences", failures, "count", Target::Exactly(0.0));
    Ok(report)
}
