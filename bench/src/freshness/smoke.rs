//! The bench `freshness-smoke`: a write acknowledged on one MySQL connection is seen by a columnar
//! aggregate begun afterwards on another, always.
//!
//! Each try inserts a row (or updates or deletes one), waits for the acknowledgement, and then runs the
//! aggregate on another connection, which must give exactly the state after the write. Other
//! connections load the same table with rows of their own meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use hdrhistogram::Histogram;
use mysql::Conn;
use mysql::prelude::Queryable;

use crate::cli::Common;
use crate::report::{Report, Target};
use crate::server::{Server, ServerCommand};

/// The rows of the tries; the load's rows carry other numbers.
const TRIES: u64 = 0;

/// Longest latency that is told apart, in microseconds.
const LONGEST_US: u64 = 60_000_000;

/// Options of `deltatree-bench freshness-smoke`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Writes that are looked for [default: 10000, quick: 2000]
    #[arg(long)]
    tries: Option<u64>,
    /// Connections that load the table meanwhile.
    #[arg(long, default_value_t = 4)]
    load: u64,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// Runs it. Blocks.
///
/// # Errors
/// When the server does not start or a statement fails.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let tries = options.tries.unwrap_or(if options.common.quick { 2_000 } else { 10_000 });
    let mut report = Report::new("freshness-smoke");
    let directory = tempfile::tempdir()?;
    let server = Server::start(&ServerCommand::built_in()?, directory.path())?;
    let mut writer = server.connect()?;
    writer.query_drop(
        "create table freshness (id bigint not null primary key, origin bigint not null, amount bigint not null)",
    )?;
    let load = Load::default();
    let start = Instant::now();
    let outcome = thread::scope(|scope| {
        let loaders: Vec<_> = (1..=options.load)
            .map(|origin| Ok((origin, server.connect()?)))
            .collect::<anyhow::Result<Vec<_>>>()?
            .into_iter()
            .map(|(origin, connection)| {
                let load = &load;
                scope.spawn(move || load.run(origin, connection))
            })
            .collect();
        let outcome = try_all(&server, &mut writer, tries, &mut report);
        load.stop.store(true, Ordering::Relaxed);
        for loader in loaders {
            match loader.join() {
                Ok(ended) => ended?,
                Err(_) => bail!("a loading thread failed"),
            }
        }
        outcome
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let ms = |histogram: &Histogram<u64>, quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
    report.figure("tries", tries as f64, "count");
    report.figure_with_target("misses", outcome.misses as f64, "count", Target::Exactly(0.0));
    report.figure("commits of the load", load.commits.load(Ordering::Relaxed) as f64 / seconds, "1/s");
    report.figure("write p50", ms(&outcome.writes, 0.5), "ms");
    report.figure("write p99", ms(&outcome.writes, 0.99), "ms");
    report.figure("aggregate p50", ms(&outcome.reads, 0.5), "ms");
    report.figure("aggregate p99", ms(&outcome.reads, 0.99), "ms");
    server.stop()?;
    Ok(report)
}

struct Outcome {
    misses: u64,
    /// Microseconds.
    writes: Histogram<u64>,
    /// Microseconds.
    reads: Histogram<u64>,
}

fn try_all(server: &Server, writer: &mut Conn, tries: u64, report: &mut Report) -> anyhow::Result<Outcome> {
    let mut reader = server.connect()?;
    reader.query_drop("set session tidb_isolation_read_engines = 'tiflash'")?;
    let mut outcome = Outcome { misses: 0, writes: histogram()?, reads: histogram()? };
    let (mut count, mut sum) = (0_i64, 0_i64);
    for number in 0..tries {
        let sql = match number % 4 {
            // Every fourth row is updated next and deleted after that: inserts, updates, deletes.
            1 => {
                sum += 1000;
                format!("update freshness set amount = amount + 1000 where id = {}", number - 1)
            }
            2 => {
                count -= 1;
                sum -= (number - 2) as i64 + 1000;
                format!("delete from freshness where id = {}", number - 2)
            }
            _ => {
                count += 1;
                sum += number as i64;
                format!("insert into freshness values ({number}, {TRIES}, {number})")
            }
        };
        let start = Instant::now();
        writer.query_drop(&sql)?;
        anyhow::ensure!(writer.affected_rows() == 1, "{} rows affected by: {sql}", writer.affected_rows());
        record(&mut outcome.writes, start.elapsed());
        let start = Instant::now();
        let seen: (i64, i64) = reader
            .query_first(format!(
                "select count(*), cast(ifnull(sum(amount), 0) as signed) from freshness where origin = {TRIES}"
            ))?
            .context("an aggregate without a row")?;
        record(&mut outcome.reads, start.elapsed());
        if seen != (count, sum) {
            outcome.misses += 1;
            report.failure(format!("try {number}: {seen:?} instead of {:?} after: {sql}", (count, sum)));
        }
    }
    Ok(outcome)
}

fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_max(LONGEST_US, 3)?)
}

fn record(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
}

/// What goes on beside the tries.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    commits: AtomicU64,
}

impl Load {
    /// Inserts rows and updates earlier ones until told to stop.
    fn run(&self, origin: u64, mut connection: Conn) -> anyhow::Result<()> {
        let first = origin << 40;
        for number in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let sql = if number % 3 == 2 {
                format!("update freshness set amount = amount + 1 where id = {}", first + number / 3 * 3)
            } else {
                format!("insert into freshness values ({}, {origin}, {number})", first + number)
            };
            connection.query_drop(sql)?;
            self.commits.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}
