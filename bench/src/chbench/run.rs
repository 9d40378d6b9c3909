//! The phases in turn.

use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use mysql::Conn;
use mysql::prelude::Queryable;

use super::answers::compare_paths;
use super::figures::Phases;
use super::phase::{Clients, Phase};
use super::queries::{QUERIES, Query};
use super::sites::Sites;
use crate::cli::Common;
use crate::report::{Report, Target};
use crate::server::Server;
use crate::tpcc::consistency::{CHECKS, check};
use crate::tpcc::load::load;
use crate::tpcc::scale::Scale;

/// Options of `deltatree-bench chbench`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Warehouses. With --quick each has a tenth of the specification's rows
    #[arg(long, default_value_t = 1)]
    warehouses: u32,
    /// Clients that run transactions.
    #[arg(long, default_value_t = 8)]
    transactional: u32,
    /// Clients that run queries.
    #[arg(long, default_value_t = 2)]
    analytical: usize,
    /// The engines that queries may read; `tikv,tiflash` leaves the choice to the server.
    #[arg(long, default_value = "tiflash")]
    engines: String,
    /// Serve transactions and queries by processes of their own, on a core each with their clients
    #[arg(long)]
    apart: bool,
    /// Seconds of each phase, or more if a query has not run in them [default: 30, quick: 5]
    #[arg(long)]
    seconds: Option<u64>,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// Runs it. Blocks.
///
/// # Errors
/// When the server does not start, or cannot be loaded.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let quick = options.common.quick;
    let scale = if quick { Scale::tenth(options.warehouses) } else { Scale::full(options.warehouses) };
    let time = Duration::from_secs(options.seconds.unwrap_or(if quick { 5 } else { 30 }).max(1));
    let mut report = Report::new("chbench");
    let directory = tempfile::tempdir()?;
    let sites = if options.apart { Sites::apart(directory.path()) } else { Sites::shared(directory.path()) }?;
    let start = Instant::now();
    let rows = load(sites.transactions().server, scale)?;
    report.figure("load", rows as f64 / start.elapsed().as_secs_f64(), "rows/s");
    println!(
        "{} warehouses of {} items, {} customers and orders a district; {rows} rows loaded in {:.1} s",
        scale.warehouses,
        scale.items,
        scale.customers,
        start.elapsed().as_secs_f64()
    );
    judge(sites.queries().server, scale, "loaded", &mut report)?;
    let phases = Phases {
        transactions: phase(&sites, scale, options, (options.transactional, 0), time, 1)?,
        queries: phase(&sites, scale, options, (0, options.analytical), time, 2)?,
        together: phase(&sites, scale, options, (options.transactional, options.analytical), time, 3)?,
        queries_again: phase(&sites, scale, options, (0, options.analytical), time, 4)?,
        analysts: options.analytical,
        apart: options.apart,
    };
    judge(sites.queries().server, scale, "after the mix", &mut report)?;
    phases.report(&mut report);
    sites.stop()?;
    Ok(report)
}

/// Checks what must hold while nobody writes.
fn judge(server: &Server, scale: Scale, state: &str, report: &mut Report) -> anyhow::Result<()> {
    let mut connection = server.connect()?;
    let held = check(&mut connection, scale, state, report)?;
    let name = format!("conditions that hold, {state}");
    report.figure_with_target(name, f64::from(held), "count", Target::Exactly(f64::from(CHECKS)));
    let agreed = compare_paths(&mut connection, state, report)?;
    let name = format!("queries that both paths answer alike, {state}");
    report.figure_with_target(name, f64::from(agreed), "count", Target::Exactly(QUERIES.len() as f64));
    Ok(())
}

fn phase(
    sites: &Sites,
    scale: Scale,
    options: &Options,
    (transactional, analytical): (u32, usize),
    time: Duration,
    seed: u64,
) -> anyhow::Result<Phase<()>> {
    let (transactions, queries) = (sites.transactions(), sites.queries());
    let clients = Clients { transactions, queries, scale, transactional, analytical, engines: &options.engines, seed };
    let ask = |connection: &mut Conn, query: &Query| Ok(connection.query_drop(query.sql)?);
    clients.measure(
        |_| (),
        &ask,
        true,
        || {
            thread::sleep(time);
            Ok(())
        },
    )
}
