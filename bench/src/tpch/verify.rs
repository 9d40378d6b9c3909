//! The bench `verify`: the published answers over the MySQL protocol, on both access paths.
//!
//! The data is loaded by an embedded node, which is then shut down, and a server opens the same
//! directory; so the answers also say that nothing was lost on the way. With `--load mysql` it is
//! loaded over the protocol, by `INSERT` statements.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use clap::{Args, ValueEnum};
use deltatree_query::node::{Node, NodeConfig};
use deltatree_query::tpch::answers::{self, QuotientRule, Row};
use deltatree_query::tpch::load::{LoadOptions, load};
use deltatree_query::tpch::queries::{QUERIES, Query};
use mysql::prelude::Queryable;
use mysql::{Conn, Value};

use super::load_mysql::load_over_mysql;
use super::update_load::while_updated;
use crate::cli::Common;
use crate::report::{Report, Target, ms};
use crate::server::{Server, ServerCommand};

/// The access paths, as `tidb_isolation_read_engines` names them.
const PATHS: [(&str, &str); 2] = [("columnar", "tiflash"), ("row", "tikv")];
const DATABASE: &str = "tpch";

/// Options of `deltatree-bench verify`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Scale factor: that of the answers.
    #[arg(long)]
    scale: f64,
    /// Directory with the answers, `q01.csv` to `q22.csv`.
    #[arg(long)]
    answers: PathBuf,
    /// How the data gets in.
    #[arg(long, value_enum, default_value = "embedded")]
    load: LoadBy,
    /// Verify once more while a tenth of `lineitem` and `orders` is updated over and over and compacted,
    /// and once after that.
    #[arg(long)]
    updates: bool,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// How the data gets in.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LoadBy {
    /// By sessions of an embedded node, in Arrow batches.
    Embedded,
    /// By `INSERT` statements over the MySQL protocol.
    Mysql,
}

/// Runs it.
///
/// # Errors
/// When the data cannot be loaded or the server does not start.
pub async fn run(options: &Options) -> anyhow::Result<Report> {
    let mut report = Report::new("verify");
    let directory = tempfile::tempdir()?;
    if matches!(options.load, LoadBy::Embedded) {
        let node = Node::open(NodeConfig::new(directory.path())).await?;
        let loaded = load(&node, &LoadOptions::new(DATABASE, options.scale)).await?;
        node.shutdown().await?;
        report.figure("load", loaded.rows as f64 / loaded.loaded_in.as_secs_f64(), "rows/s");
    }
    tokio::task::block_in_place(|| -> anyhow::Result<()> {
        let server = Server::start(&ServerCommand::built_in()?, directory.path())?;
        let mut connection = server.connect()?;
        match options.load {
            LoadBy::Embedded => connection.query_drop(format!("use {DATABASE}"))?,
            LoadBy::Mysql => {
                let start = Instant::now();
                let rows = load_over_mysql(&mut connection, DATABASE, options.scale)?;
                report.figure("load", rows as f64 / start.elapsed().as_secs_f64(), "rows/s");
            }
        }
        verify(&mut connection, &options.answers, "loaded", &mut report)?;
        if options.updates {
            verify_updated(&server, &mut connection, &options.answers, &mut report)?;
        }
        server.stop()
    })?;
    Ok(report)
}

/// Runs the 22 queries in the connection's database on both access paths, and compares with the
/// answers in a directory. `state` says in the report what the tables have gone through.
///
/// # Errors
/// When an answer cannot be read. A query that fails or whose result differs is a failure in the
/// report.
pub fn verify(connection: &mut Conn, answers: &Path, state: &str, report: &mut Report) -> anyhow::Result<()> {
    for (path, engine) in PATHS {
        connection.query_drop(format!("set session tidb_isolation_read_engines = '{engine}'"))?;
        let start = Instant::now();
        let mut right = 0;
        for query in QUERIES {
            let expected = answers::read(answers, &query)?;
            match check(connection, &query, &expected) {
                Ok(()) => right += 1,
                Err(error) => report.failure(format!("{path} path, {state}, {}: {error:#}", query.name())),
            }
        }
        report.figure(format!("{path} path, {state}: 22 queries"), ms(start.elapsed()), "ms");
        let name = format!("{path} path, {state}: right answers");
        report.figure_with_target(name, f64::from(right), "count", Target::Exactly(22.0));
    }
    Ok(())
}

/// [`verify`] twice: while a tenth of the two largest tables is updated and compacted, and right after.
///
/// # Errors
/// As [`verify`], and when an update or a compaction fails.
pub fn verify_updated(
    server: &Server,
    connection: &mut Conn,
    answers: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let ((), updated) = while_updated(server, DATABASE, || verify(connection, answers, "being updated", report))?;
    verify(connection, answers, "compacted", report)?;
    report.figure("rows updated meanwhile", updated.rows as f64, "count");
    report.figure("compactions meanwhile", updated.compactions as f64, "count");
    Ok(())
}

fn check(connection: &mut Conn, query: &Query, expected: &[Row]) -> anyhow::Result<()> {
    let rows: Vec<mysql::Row> = connection.query(query.sql)?;
    let actual = rows.into_iter().map(text_row).collect::<anyhow::Result<Vec<_>>>()?;
    answers::compare(query, expected, &actual, QuotientRule::Exact).map_err(|mismatch| anyhow::anyhow!("{mismatch}"))
}

/// A row of the text protocol.
///
/// # Errors
/// When a value is not text: the text protocol sends nothing else.
pub fn text_row(row: mysql::Row) -> anyhow::Result<Row> {
    let cell = |value| match value {
        Value::NULL => Ok(None),
        Value::Bytes(bytes) => Ok(Some(String::from_utf8(bytes).context("a value is not UTF-8")?)),
        Value::Int(_) | Value::UInt(_) | Value::Float(_) | Value::Double(_) | Value::Date(..) | Value::Time(..) => {
            anyhow::bail!("a binary value in the text protocol")
        }
    };
    row.unwrap().into_iter().map(cell).collect()
}
