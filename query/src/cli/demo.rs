//! `deltatree demo`: the system does its main job in one command.
//!
//! An embedded node in a temporary directory loads TPC-H through the leader group, answers the 22
//! queries on the columnar replica, and then shows that the replica is never behind: see
//! [`freshness`].

mod freshness;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use clap::Args;

use crate::error::{Result, SqlError};
use crate::node::{Node, NodeConfig};
use crate::session::Session;
use crate::tpch::load::{LoadOptions, load};
use crate::tpch::queries::QUERIES;

/// The database of the demo.
const DATABASE: &str = "tpch";

/// Options of `deltatree demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// TPC-H scale factor: 1 is about 1 GB of data
    #[arg(long, default_value_t = 0.1, value_parser = scale_factor)]
    pub scale: f64,
    /// How long writes go on beside queries, in seconds
    #[arg(long, default_value_t = 5)]
    pub live_seconds: u64,
}

fn scale_factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(scale) if (0.001..=1000.0).contains(&scale) => Ok(scale),
        Ok(_) | Err(_) => Err("a scale factor is a number from 0.001 to 1000".to_owned()),
    }
}

/// Runs the demo and prints it; fails if a query fails or misses an acknowledged commit.
///
/// Needs no server, network or file of the user's; what it writes is removed at the end.
pub async fn run(args: &DemoArgs) -> Result<()> {
    let directory = tempfile::tempdir()
        .map_err(|error| SqlError::internal(format!("cannot create a temporary directory: {error}")))?;
    let node = Node::open(NodeConfig::new(directory.path())).await?;
    let shown = show(&node, args).await;
    let stopped = node.shutdown().await;
    shown.and(stopped)
}

async fn show(node: &Arc<Node>, args: &DemoArgs) -> Result<()> {
    println!("TPC-H at scale factor {}, loaded through the leader group:", args.scale);
    let report = load(node, &LoadOptions::new(DATABASE, args.scale)).await?;
    println!(
        "{} rows in {:.1} s ({:.0} rows/s); the columnar replica had them {:.2} s later",
        report.rows,
        report.loaded_in.as_secs_f64(),
        report.rows as f64 / report.loaded_in.as_secs_f64(),
        report.caught_up_in.as_secs_f64(),
    );
    let mut session = columnar_session(node).await?;
    let mut total = Duration::ZERO;
    for query in QUERIES {
        let start = Instant::now();
        let batches = session.query(query.sql).await?;
        let elapsed = start.elapsed();
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        total += elapsed;
        println!("{:<3} {rows:6} rows {:9.1} ms", query.name(), elapsed.as_secs_f64() * 1e3);
    }
    println!("22 queries in {:.2} s", total.as_secs_f64());
    let freshness = freshness::watch(node, Duration::from_secs(args.live_seconds)).await?;
    println!("{freshness}");
    match freshness.misses {
        0 => Ok(()),
        misses => Err(SqlError::internal(format!("{misses} queries did not see an acknowledged commit"))),
    }
}

/// A session in the demo's database that reads the columnar replica only.
async fn columnar_session(node: &Arc<Node>) -> Result<Session> {
    let mut session = node.session("root", "localhost");
    session.execute(&format!("use {DATABASE}")).await?;
    session.execute("set tidb_isolation_read_engines = 'tiflash'").await?;
    Ok(session)
}
