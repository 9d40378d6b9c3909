//! Options, order, tables.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;

use super::deltatree::DeltaTree;
use super::grid::{Cell, Line, Plan, measure};
use super::peers::PeerSubject;
use super::subject::Subject;
use super::targets;
use super::workload::{KeyShape, Pattern, Workload};
use crate::cli::Common;
use crate::machine::cores;
use crate::peer::Package;
use crate::report::{Report, Target, align_right, ms, number, table};

/// The share that most targets are about, in percent.
const TENTH: f64 = 10.0;

/// Options of `deltatree-bench upsert-grid`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Rows of the table [default: 10000000, quick: 500000]
    #[arg(long)]
    rows: Option<u64>,
    /// Primary keys to measure.
    #[arg(long, value_delimiter = ',', default_value = "integer,composite,string")]
    keys: Vec<KeyShape>,
    /// Orders of upserts to measure.
    #[arg(long, value_delimiter = ',', default_value = "scattered,hot,append")]
    patterns: Vec<Pattern>,
    /// Shares of the rows to update, in percent, ascending.
    #[arg(long, value_delimiter = ',', default_value = "0.01,0.1,1,10,25,100")]
    shares: Vec<f64>,
    /// Scans of which the median counts [default: 9, quick: 5]
    #[arg(long)]
    runs: Option<usize>,
    /// Leave the peers out.
    #[arg(long)]
    no_peers: bool,
    /// Longest time for a peer's upserts of one share, in seconds; what takes longer is given up
    /// [default: 90, quick: 3]
    #[arg(long)]
    peer_seconds: Option<u64>,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// Runs it. Blocks.
///
/// # Errors
/// When an engine fails.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let quick = options.common.quick;
    let rows = options.rows.unwrap_or(if quick { 500_000 } else { 10_000_000 }).max(1);
    let plan =
        Plan { shares: options.shares.clone(), runs: options.runs.unwrap_or(if quick { 5 } else { 9 }), budget: None };
    let budget = Duration::from_secs(options.peer_seconds.unwrap_or(if quick { 3 } else { 90 }));
    let peer_plan = Plan { budget: Some(budget), ..plan.clone() };
    let mut report = Report::new("upsert-grid");
    let peers = if options.no_peers { Vec::new() } else { Package::all_present() };
    println!(
        "{rows} rows, {} threads, median of {} scans; DeltaTree's engine is asked by DataFusion, without a session",
        cores(),
        plan.runs
    );
    for &shape in &options.keys {
        for &pattern in &options.patterns {
            let workload = Workload { shape, pattern, rows };
            let directory = tempfile::tempdir()?;
            let mut ours = DeltaTree::start(workload, directory.path(), cores())?;
            let line = measure(&mut ours, workload, &plan)?;
            let mut lines = BTreeMap::from([(ours.name(), line.clone())]);
            if (shape, pattern) == (KeyShape::Integer, Pattern::Scattered) {
                targets::measure(ours, workload, line.upserts, plan.runs, &mut report)?;
            } else {
                drop(ours);
            }
            drop(directory);
            // Within the two minutes there is time for the peers once.
            let with_peers = !quick || (shape, pattern) == (KeyShape::Integer, Pattern::Scattered);
            for &package in peers.iter().filter(|_| with_peers) {
                let directory = tempfile::tempdir()?;
                let mut peer = PeerSubject::start(package, workload, directory.path(), cores())?;
                if shape == KeyShape::Integer && pattern == options.patterns[0] {
                    report.version(peer.name(), peer.version());
                }
                let line = measure(&mut peer, workload, &peer_plan)?;
                lines.insert(peer.name(), line);
            }
            print(workload, &lines);
            compare(workload, &lines, &mut report);
            figures(workload, &lines, &mut report);
        }
    }
    Ok(report)
}

fn print(workload: Workload, lines: &BTreeMap<&str, Line>) {
    println!("\n{} key, {} upserts", workload.shape.name(), workload.pattern.name());
    let header = [
        "engine",
        "share %",
        "upserts/s",
        "scan ms",
        "first x",
        "scan x",
        "compacted x",
        "compaction s",
        "written x",
        "of encoded x",
        "space x",
    ];
    let mut shown = table(&header);
    let optional = |value: Option<f64>| value.map_or(String::new(), number);
    for (name, line) in lines {
        let mut clean = vec![(*name).to_owned(), "clean".to_owned(), String::new(), number(ms(line.clean))];
        clean.resize(header.len(), String::new());
        shown.add_row(clean);
        for cell in &line.cells {
            shown.add_row([
                (*name).to_owned(),
                cell.share.to_string(),
                number(cell.rate),
                number(ms(cell.updated_time)),
                number(cell.first),
                number(cell.updated),
                number(cell.settled),
                number(cell.settled_in.as_secs_f64()),
                optional(cell.written),
                optional(cell.written_encoded),
                number(cell.space),
            ]);
        }
        if let Some(share) = line.given_up {
            let mut row = vec![(*name).to_owned(), share.to_string(), "too slow".to_owned()];
            row.resize(header.len(), String::new());
            shown.add_row(row);
        }
    }
    align_right(&mut shown, 1..header.len());
    println!("{shown}");
}

/// All engines must have come to the same answers.
fn compare(workload: Workload, lines: &BTreeMap<&str, Line>, report: &mut Report) {
    let Some(ours) = lines.get("deltatree") else { return };
    for (name, line) in lines {
        for (a, b) in ours.cells.iter().zip(&line.cells) {
            if !a.answer.agrees_with(&b.answer) {
                let (shape, pattern) = (workload.shape.name(), workload.pattern.name());
                report.failure(format!("{name}, {shape} key, {pattern}, {} %: another answer than deltatree", b.share));
            }
        }
    }
}

fn figures(workload: Workload, lines: &BTreeMap<&str, Line>, report: &mut Report) {
    let (shape, pattern) = (workload.shape, workload.pattern);
    let headline = (shape, pattern) == (KeyShape::Integer, Pattern::Scattered);
    let tenth = |line: &Line| line.cells.iter().find(|cell| cell.share == TENTH).cloned();
    for (name, line) in lines {
        let what = format!("{name}, {} key, {}", shape.name(), pattern.name());
        report.figure(format!("{what}: clean scan"), ms(line.clean), "ms");
        let Some(cell) = tenth(line) else { continue };
        if headline && *name == "deltatree" {
            continue;
        }
        report.figure(format!("{what}, 10 %: scan / clean scan"), cell.updated, "x");
        report.figure(format!("{what}, 10 %: compacted scan / clean scan"), cell.settled, "x");
        report.figure(format!("{what}, 10 %: upserts"), cell.rate, "rows/s");
    }
    if headline {
        headline_figures(lines, tenth, report);
    }
}

fn headline_figures(lines: &BTreeMap<&str, Line>, tenth: impl Fn(&Line) -> Option<Cell>, report: &mut Report) {
    let Some(ours) = lines.get("deltatree") else { return };
    if let Some(cell) = tenth(ours) {
        report.figure_with_target(
            "scan with 10 % scattered updates / clean scan",
            cell.updated,
            "x",
            Target::AtMost(1.10),
        );
        report.figure("the same, compacted", cell.settled, "x");
        report.figure("the same, first scan", cell.first, "x");
        let apply = "apply, scattered upserts, batches of 10,000";
        report.figure_with_target(apply, cell.rate, "rows/s", Target::AtLeast(1e6));
        report.figure("space amplification, 10 % scattered updates", cell.space, "x");
        if let Some(theirs) = lines.get("chdb").and_then(tenth) {
            let times = theirs.updated_time.as_secs_f64() / cell.updated_time.as_secs_f64();
            let name = "chdb ReplacingMergeTree FINAL / deltatree, 10 % scattered updates";
            report.figure_with_target(name, times, "x", Target::AtLeast(8.0));
        }
    }
    // The largest share is nearest to a steady stream: several compactions fall into it.
    if let Some((cell, written)) = ours.cells.last().and_then(|cell| Some((cell, cell.written?))) {
        let name = format!("write amplification, scattered updates ({} %)", cell.share);
        report.figure_with_target(name, written, "x", Target::AtMost(3.0));
        if let Some(encoded) = cell.written_encoded {
            report.figure("the same, of bytes as they are encoded", encoded, "x");
        }
    }
    if let Some(theirs) = lines.get("duckdb") {
        let ratio = ours.clean.as_secs_f64() / theirs.clean.as_secs_f64();
        report.figure_with_target("clean scan / duckdb native", ratio, "x", Target::AtMost(1.0));
    }
}
