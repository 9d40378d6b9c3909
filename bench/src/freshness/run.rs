//! The bench `freshness`: how soon columnar queries see what was committed, beside TPC-C transactions and
//! CH-benCHmark's queries.
//!
//! A prober commits a row and at once reads it on the columnar path. With a read gate the very first read
//! must show it, so the delay is how long that read takes, and a miss is a wrong result. The queries of
//! analytical clients are judged as well: each reads the clients' counters in its own transaction.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use mysql::Conn;
use mysql::prelude::Queryable;

use super::counters::{Counters, Counting};
use super::delays::{Delays, LIMITS_MS};
use super::prober::{Prober, Seen, Sightings};
use crate::chbench::phase::{Clients, Phase};
use crate::chbench::queries::Query;
use crate::chbench::sites::Site;
use crate::cli::Common;
use crate::report::{Report, Target, align_right, ms, number, table};
use crate::server::{Server, ServerCommand};
use crate::tpcc::consistency::{CHECKS, check};
use crate::tpcc::load::load;
use crate::tpcc::scale::Scale;

/// Options of `deltatree-bench freshness`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Warehouses. With --quick each has a tenth of the specification's rows
    #[arg(long, default_value_t = 1)]
    warehouses: u32,
    /// Numbers of clients that run transactions.
    #[arg(long, value_delimiter = ',', default_value = "8,64")]
    transactional: Vec<u32>,
    /// Numbers of clients that run queries.
    #[arg(long, value_delimiter = ',', default_value = "0,1,2")]
    analytical: Vec<usize>,
    /// Seconds with each pair of numbers [default: 30, quick: 4]
    #[arg(long)]
    seconds: Option<u64>,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// One pair of numbers of clients.
struct Measured {
    transactional: u32,
    analytical: usize,
    phase: Phase<Delays>,
    seen: Seen,
}

/// Runs it. Blocks.
///
/// # Errors
/// When the server does not start or cannot be loaded, or a write is never seen.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let quick = options.common.quick;
    let scale = if quick { Scale::tenth(options.warehouses) } else { Scale::full(options.warehouses) };
    let time = Duration::from_secs(options.seconds.unwrap_or(if quick { 4 } else { 30 }).max(1));
    let mut report = Report::new("freshness");
    let directory = tempfile::tempdir()?;
    let server = Server::start(&ServerCommand::built_in()?, directory.path())?;
    let rows = load(&server, scale)?;
    println!("{} warehouses, {rows} rows, {} s with each pair of numbers of clients", scale.warehouses, time.as_secs());
    let mut all = Vec::new();
    for &transactional in &options.transactional {
        for &analytical in &options.analytical {
            let clients = Clients {
                transactions: Site::anywhere(&server),
                queries: Site::anywhere(&server),
                scale,
                transactional,
                analytical,
                engines: "tiflash",
                seed: all.len() as u64 + 1,
            };
            let measured = measure(&clients, time)
                .with_context(|| format!("with {transactional} transactional and {analytical} analytical clients"))?;
            measured.report(&mut report);
            all.push(measured);
        }
    }
    print(&all);
    let checked: u64 = all.iter().map(|measured| measured.seen.checked).sum();
    let stale: u64 = all.iter().map(|measured| measured.seen.stale).sum();
    report.figure("reads of a counter", checked as f64, "count");
    report.figure_with_target("stale reads", stale as f64, "count", Target::Exactly(0.0));
    let held = check(&mut server.connect()?, scale, "after the mix", &mut report)?;
    let checks = f64::from(CHECKS);
    report.figure_with_target("conditions that hold, after the mix", f64::from(held), "count", Target::Exactly(checks));
    server.stop()?;
    Ok(report)
}

fn measure(clients: &Clients<'_>, time: Duration) -> anyhow::Result<Measured> {
    // The prober's counter is the first, the transactional clients' are the others.
    let counters = Counters::create(&mut clients.transactions.server.connect()?, clients.transactional as usize + 1)?;
    let mut prober = Prober::connect(clients.queries.server)?;
    let sightings = Sightings::default();
    let ask = |connection: &mut Conn, query: &Query| -> anyhow::Result<()> {
        let began = Instant::now();
        connection.query_drop("begin")?;
        let judgement = counters.read(connection, began)?;
        connection.query_drop(query.sql)?;
        connection.query_drop("commit")?;
        sightings.add(judgement);
        Ok(())
    };
    let rider = |client: u32| Counting { counters: &counters, client: client as usize + 1 };
    let phase = clients.measure(rider, &ask, false, || prober.run(time, &counters, &sightings))?;
    ensure!(phase.gate.count() > 0, "the server counted no waits for the columnar replica");
    let (transactional, analytical) = (clients.transactional, clients.analytical);
    Ok(Measured { transactional, analytical, phase, seen: sightings.into_seen() })
}

impl Measured {
    fn name(&self) -> String {
        format!("{} transactional, {} analytical", self.transactional, self.analytical)
    }

    /// The worst score of a query.
    fn worst_score(&self) -> Duration {
        self.seen.scores.iter().max().copied().unwrap_or_default()
    }

    fn commits_per_second(&self) -> f64 {
        self.phase.transactions.committed() as f64 / self.phase.time.as_secs_f64()
    }

    fn report(&self, report: &mut Report) {
        let name = self.name();
        for failure in self.phase.transactions.failures.iter().chain(&self.phase.queries.failures) {
            report.failure(format!("{name}: {failure}"));
        }
        if self.seen.stale > 0 {
            report.failure(format!(
                "{name}: {} of {} counters were read without a number acknowledged before, by up to {:.3} ms",
                self.seen.stale,
                self.seen.checked,
                ms(self.worst_score())
            ));
        }
        let (delays, gate) = (&self.phase.other, &self.phase.gate);
        let visible = delays.share_below(Duration::from_millis(100));
        report.figure(format!("{name}: commits"), self.commits_per_second(), "1/s");
        report.figure_with_target(format!("{name}: visible within 100 ms"), visible, "%", Target::AtLeast(99.9));
        let p99 = delays.quantile_ms(0.99);
        report.figure_with_target(format!("{name}: visibility delay p99"), p99, "ms", Target::AtMost(20.0));
        for (label, share, limit) in [("p50", 0.5, 1.0), ("p99", 0.99, 10.0)] {
            let waited = gate.quantile_ms(share);
            report.figure_with_target(format!("{name}: gate wait {label}"), waited, "ms", Target::AtMost(limit));
        }
        let score = self.worst_score().as_secs_f64();
        report.figure_with_target(format!("{name}: worst freshness score"), score, "s", Target::Exactly(0.0));
    }
}

/// One row a pair of numbers of clients.
fn print(all: &[Measured]) {
    let mut header = vec!["transactional".to_owned(), "analytical".to_owned(), "commits/s".to_owned()];
    header.extend(["queries", "probes"].map(str::to_owned));
    header.extend(LIMITS_MS.map(|limit| format!("< {limit} ms, %")));
    header.extend(["p50 ms", "p99 ms", "max ms", "gate p50 ms", "gate p99 ms", "stale reads"].map(str::to_owned));
    let mut rows = table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for measured in all {
        let (delays, gate) = (&measured.phase.other, &measured.phase.gate);
        let mut cells = vec![measured.transactional.to_string(), measured.analytical.to_string()];
        cells.push(number(measured.commits_per_second()));
        cells.extend([measured.phase.queries.runs().to_string(), delays.count().to_string()]);
        cells.extend(LIMITS_MS.map(|limit| format!("{:.2}", delays.share_below(Duration::from_millis(limit)))));
        cells.extend([0.5, 0.99, 1.0].map(|share| number(delays.quantile_ms(share))));
        cells.extend([0.5, 0.99].map(|share| number(gate.quantile_ms(share))));
        cells.push(format!("{} of {}", measured.seen.stale, measured.seen.checked));
        rows.add_row(cells);
    }
    align_right(&mut rows, 0..header.len());
    println!("{rows}");
}
