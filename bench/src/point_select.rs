//! The bench `point-select`: rows by primary key over the MySQL protocol, by prepared statements.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use hdrhistogram::Histogram;
use mysql::Conn;
use mysql::prelude::Queryable;

use crate::cli::Common;
use crate::crash::random::Random;
use crate::report::Report;
use crate::server::{Server, ServerCommand};

/// Rows of one `INSERT`.
const ROWS_A_STATEMENT: u64 = 1000;
/// Longest latency that is told apart, in microseconds.
const LONGEST_US: u64 = 60_000_000;

/// Options of `deltatree-bench point-select`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Rows of the table [default: 100000, quick: 20000]
    #[arg(long)]
    rows: Option<u64>,
    /// Numbers of connections to measure with.
    #[arg(long, value_delimiter = ',', default_value = "1,16")]
    connections: Vec<usize>,
    /// Seconds of each measurement [default: 10, quick: 3]
    #[arg(long)]
    seconds: Option<u64>,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// Runs it. Blocks.
///
/// # Errors
/// When the server does not start or a statement fails.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let quick = options.common.quick;
    let rows = options.rows.unwrap_or(if quick { 20_000 } else { 100_000 }).max(1);
    let time = Duration::from_secs(options.seconds.unwrap_or(if quick { 3 } else { 10 }));
    let mut report = Report::new("point-select");
    let directory = tempfile::tempdir()?;
    let server = Server::start(&ServerCommand::built_in()?, directory.path())?;
    let start = Instant::now();
    load(&mut server.connect()?, rows)?;
    report.figure("load", rows as f64 / start.elapsed().as_secs_f64(), "rows/s");
    for &connections in &options.connections {
        let histogram = measure(&server, connections, rows, time)?;
        let rate = histogram.len() as f64 / time.as_secs_f64();
        report.figure(format!("{connections} connections"), rate, "selects/s");
        for (name, quantile) in [("p50", 0.5), ("p99", 0.99)] {
            let micros = histogram.value_at_quantile(quantile) as f64;
            report.figure(format!("{connections} connections, {name}"), micros, "us");
        }
    }
    server.stop()?;
    Ok(report)
}

fn load(connection: &mut Conn, rows: u64) -> anyhow::Result<()> {
    connection.query_drop(
        "create table point (id int not null primary key, k int not null, c char(120) not null, pad char(60) not null)",
    )?;
    let mut random = Random::new(rows);
    for first in (0..rows).step_by(ROWS_A_STATEMENT as usize) {
        let values: Vec<String> = (first..rows.min(first + ROWS_A_STATEMENT))
            .map(|id| {
                format!("({id}, {}, '{:0>119}', '{:0>59}')", random.below(rows), random.number(), random.number())
            })
            .collect();
        connection.query_drop(format!("insert into point values {}", values.join(", ")))?;
    }
    Ok(())
}

fn measure(server: &Server, connections: usize, rows: u64, time: Duration) -> anyhow::Result<Histogram<u64>> {
    let stop = AtomicBool::new(false);
    let mut all = Histogram::new_with_max(LONGEST_US, 3)?;
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for number in 0..connections {
            let connection = server.connect()?;
            let stop = &stop;
            threads.push(scope.spawn(move || select(connection, number as u64, rows, stop)));
        }
        thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            match thread.join() {
                Ok(histogram) => all.add(histogram?)?,
                Err(_) => bail!("a measuring thread failed"),
            }
        }
        Ok(())
    })?;
    Ok(all)
}

fn select(mut connection: Conn, seed: u64, rows: u64, stop: &AtomicBool) -> anyhow::Result<Histogram<u64>> {
    let mut histogram = Histogram::new_with_max(LONGEST_US, 3)?;
    let mut random = Random::new(seed);
    let statement = connection.prep("select c from point where id = ?")?;
    while !stop.load(Ordering::Relaxed) {
        let id = random.below(rows);
        let start = Instant::now();
        let found: Option<String> = connection.exec_first(&statement, (id,))?;
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        histogram.saturating_record(micros);
        found.with_context(|| format!("row {id} is missing"))?;
    }
    Ok(histogram)
}
