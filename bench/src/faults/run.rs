//! The bench `faults`.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::ensure;
use clap::{Args, ValueEnum};

use super::cluster::{Shape, servers::built_in};
use super::phase::{Outcome, Phase};
use super::{fault, recovery, workload};
use crate::cli::Common;
use crate::report::{Report, Target, align_right, ms, table};

/// Options of `deltatree-bench faults`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Seconds that clients work in each run [default: 60, quick: 20]
    #[arg(long)]
    seconds: Option<u64>,
    /// Seed of the first run; each further one has the next [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// Runs with each kind of server.
    #[arg(long, default_value_t = 1)]
    runs: u64,
    /// Kinds of servers.
    #[arg(long, value_delimiter = ',', default_value = "cluster,single")]
    servers: Vec<Kind>,
    /// What clients do [default: all: appends, registers, bank, fork, cells, inserts, timestamps, orders]
    #[arg(long, value_delimiter = ',')]
    workload: Vec<String>,
    /// What goes wrong: names or beginnings of names, such as kill or pause-leader; `none` for nothing
    /// [default: all]
    #[arg(long, value_delimiter = ',')]
    fault: Vec<String>,
    /// Kills of the leader and of the learner whose effect is timed [default: 5, quick: 2]
    #[arg(long)]
    kills: Option<usize>,
    /// The program that serves [default: this one; `deltatree` itself says more in its logs]
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where data, logs and histories go. Runs in which nothing was wrong leave nothing there.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// What the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Three voters, a columnar replica, two front ends
    Cluster,
    /// One process
    Single,
}

/// Runs it. Blocks.
///
/// # Errors
/// When processes do not start, or a history cannot be written.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let seconds = options.seconds.unwrap_or(if options.common.quick { 20 } else { 60 });
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos().into());
    let first_seed = options.seed.unwrap_or(clock);
    let root = options.dir.clone().unwrap_or_else(|| std::env::temp_dir().join("deltatree-faults"));
    let program = options.program.clone().map_or_else(built_in, Ok)?;
    let mut report = Report::new("faults");
    let mut summary = Summary::default();
    for seed in first_seed..first_seed + options.runs {
        for &kind in &options.servers {
            let shape = match kind {
                Kind::Cluster => Shape::CLUSTER,
                Kind::Single => Shape::Single,
            };
            let dir = root.join(format!("{kind:?}-{seed}-{}", std::process::id()).to_lowercase());
            let phase = Phase {
                program: &program,
                shape,
                dir: dir.clone(),
                workloads: chosen(workload::all(), &options.workload, |workload| workload.name().to_owned())?,
                faults: chosen(fault::all(), &options.fault, |fault| fault.name())?,
                time: Duration::from_secs(seconds),
                seed,
            };
            println!("{kind:?}, seed {seed}, {seconds} s, in {}", dir.display());
            let outcome = phase.run(|told| println!("  {told}"))?;
            print(&outcome);
            for wrong in &outcome.wrong {
                report.failure(format!("{kind:?}, seed {seed}, histories in {}: {wrong}", dir.display()));
            }
            if outcome.wrong.is_empty() {
                std::fs::remove_dir_all(&dir)?;
            }
            summary.add(&outcome);
        }
    }
    summary.report(&mut report);
    let kills = options.kills.unwrap_or(if options.common.quick { 2 } else { 5 });
    if kills > 0 && options.servers.contains(&Kind::Cluster) {
        let dir = root.join(format!("recovery-{}", std::process::id()));
        recovery::measure(&program, &dir, kills, &mut report)?;
        std::fs::remove_dir_all(&dir)?;
    }
    Ok(report)
}

/// Those whose names begin with one of the given words; all if none is given.
fn chosen<T>(all: Vec<T>, words: &[String], name: impl Fn(&T) -> String) -> anyhow::Result<Vec<T>> {
    if words.is_empty() {
        return Ok(all);
    }
    let names: Vec<_> = all.iter().map(&name).collect();
    for word in words.iter().filter(|word| *word != "none") {
        ensure!(names.iter().any(|name| name.starts_with(word)), "there is no {word} among {}", names.join(", "));
    }
    Ok(all.into_iter().filter(|one| words.iter().any(|word| name(one).starts_with(word))).collect())
}

fn print(outcome: &Outcome) {
    let mut lines = table(&["workload", "happened", "did not", "unknown"]);
    for (name, counts) in &outcome.counts {
        lines.add_row([(*name).to_owned(), counts.ok.to_string(), counts.fail.to_string(), counts.info.to_string()]);
    }
    align_right(&mut lines, 1..4);
    println!("{lines}");
    let mut notes = std::collections::BTreeMap::new();
    for (note, times) in outcome.counts.iter().flat_map(|(_, counts)| &counts.notes) {
        *notes.entry(note).or_insert(0) += times;
    }
    for (note, times) in notes {
        println!("  {times:5} x {note}");
    }
}

#[derive(Default)]
struct Summary {
    runs: u64,
    faults: usize,
    ok: u64,
    fail: u64,
    info: u64,
    wrong: usize,
    slowest_recovery: Duration,
}

impl Summary {
    fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.faults += outcome.struck.len();
        for (_, counts) in &outcome.counts {
            self.ok += counts.ok;
            self.fail += counts.fail;
            self.info += counts.info;
        }
        self.wrong += outcome.wrong.len();
        self.slowest_recovery = self.slowest_recovery.max(outcome.slowest_recovery);
    }

    fn report(&self, report: &mut Report) {
        report.figure("runs", self.runs as f64, "count");
        report.figure("faults, one or two at a time", self.faults as f64, "count");
        report.figure("operations that happened", self.ok as f64, "count");
        report.figure("operations that did not", self.fail as f64, "count");
        report.figure("operations of unknown outcome", self.info as f64, "count");
        report.figure("longest wait for service after a fault was undone", ms(self.slowest_recovery), "ms");
        report.figure_with_target("anomalies", self.wrong as f64, "count", Target::Exactly(0.0));
    }
}
