//! The run and its table.

use std::thread;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use tempfile::TempDir;

use super::disk;
use super::subject::{Kind, Subject};
use super::workload::{Driver, Outcome, WORKLOADS, Workload, installed};
use crate::cli::Common;
use crate::report::{Report, Target, align_right, number, table};

/// Rest before each run: what the last one left to do in the background gets done.
const REST: Duration = Duration::from_secs(1);
/// The targets are about this many connections.
const TARGET_THREADS: usize = 64;

/// Options of `deltatree-bench sysbench`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Rows of the table [default: 100000, quick: 10000]
    #[arg(long)]
    rows: Option<u64>,
    /// Numbers of connections.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    threads: Vec<usize>,
    /// Seconds of each run [default: 10, quick: 2]
    #[arg(long)]
    seconds: Option<u64>,
    /// Only DeltaTree.
    #[arg(long)]
    no_peers: bool,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// A server that has its table.
struct Prepared {
    kind: Kind,
    subject: Subject,
    driver: Driver,
    _dir: TempDir,
}

/// Runs it. Blocks.
///
/// # Errors
/// When `sysbench` is not installed, or a server or a run fails.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    if !installed() {
        bail!("sysbench is not installed (Debian: sysbench)");
    }
    let quick = options.common.quick;
    let rows = options.rows.unwrap_or(if quick { 10_000 } else { 100_000 }).max(1);
    let time = Duration::from_secs(options.seconds.unwrap_or(if quick { 2 } else { 10 }).max(1));
    let mut report = Report::new("sysbench");
    let subjects = prepare(options, rows)?;
    report.figure("the disk alone", disk::syncs_per_second(tempfile::tempdir()?.path())?, "syncs/s");
    println!("{rows} rows, {} s a run, transactions a second (95th percentile of the latency in ms)", time.as_secs());
    let mut header = vec!["workload".to_owned(), "connections".to_owned()];
    header.extend(subjects.iter().map(|s| s.kind.name().to_owned()));
    header.extend(subjects.iter().skip(1).map(|s| format!("deltatree / {}", s.kind.name())));
    header.push("commits per sync".to_owned());
    let mut results = table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for workload in WORKLOADS {
        for &threads in &options.threads {
            let row = measure(&subjects, workload, threads, time)?;
            add(&mut report, workload, threads, &row);
            results.add_row(cells(workload, threads, &row));
        }
    }
    align_right(&mut results, 1..header.len());
    println!("{results}");
    for prepared in subjects {
        prepared.subject.stop()?;
    }
    Ok(report)
}

fn prepare(options: &Options, rows: u64) -> anyhow::Result<Vec<Prepared>> {
    let mut subjects = Vec::new();
    for kind in [Kind::DeltaTree, Kind::MariaDb, Kind::Postgres] {
        if options.no_peers && kind != Kind::DeltaTree {
            continue;
        }
        if let Some(missing) = kind.missing() {
            println!("{} is absent: {missing} is not installed", kind.name());
            continue;
        }
        let dir = tempfile::tempdir()?;
        let subject = Subject::start(kind, dir.path())?;
        let driver = subject.driver(rows);
        driver.prepare()?;
        subjects.push(Prepared { kind, subject, driver, _dir: dir });
    }
    Ok(subjects)
}

/// One workload on all servers.
struct Row {
    outcomes: Vec<(Kind, Outcome)>,
    /// Of DeltaTree; `None` if it committed nothing.
    commits_per_sync: Option<f64>,
}

fn measure(subjects: &[Prepared], workload: Workload, threads: usize, time: Duration) -> anyhow::Result<Row> {
    let mut row = Row { outcomes: Vec::new(), commits_per_sync: None };
    for Prepared { kind, subject, driver, .. } in subjects {
        thread::sleep(REST);
        let before = subject.commits_and_syncs()?;
        row.outcomes.push((*kind, driver.run(workload, threads, time)?));
        if let (Some(before), Some(after)) = (before, subject.commits_and_syncs()?) {
            let (commits, syncs) = (after.0 - before.0, after.1 - before.1);
            row.commits_per_sync = (commits > 0 && syncs > 0).then(|| commits as f64 / syncs as f64);
        }
    }
    Ok(row)
}

impl Row {
    /// How many times as fast DeltaTree is as each peer.
    fn ratios(&self) -> impl Iterator<Item = (Kind, f64)> {
        let ours = self.outcomes.first().map_or(0.0, |(_, outcome)| outcome.per_second);
        self.outcomes.iter().skip(1).map(move |(kind, outcome)| (*kind, ours / outcome.per_second))
    }
}

fn add(report: &mut Report, workload: Workload, threads: usize, row: &Row) {
    for (kind, ratio) in row.ratios() {
        let name = format!("{}, {threads} connections, deltatree / {}", workload.name, kind.name());
        match workload.target.filter(|_| kind == Kind::MariaDb && threads == TARGET_THREADS) {
            Some(target) => report.figure_with_target(name, ratio, "x", Target::AtLeast(target)),
            None => report.figure(name, ratio, "x"),
        }
    }
}

fn cells(workload: Workload, threads: usize, row: &Row) -> Vec<String> {
    let mut cells = vec![workload.name.to_owned(), threads.to_string()];
    cells.extend(row.outcomes.iter().map(|(_, o)| format!("{} ({})", number(o.per_second), number(o.p95_ms))));
    cells.extend(row.ratios().map(|(_, ratio)| number(ratio)));
    cells.push(row.commits_per_sync.map_or_else(String::new, number));
    cells
}
