//! DuckDB, by its Python package: a small Python process that is kept alive and spoken to in lines.
//!
//! The tables are native ones in a database file, filled from the Parquet files and checkpointed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use async_trait::async_trait;
use deltatree_query::tpch::answers::{QuotientRule, Row};
use deltatree_query::tpch::schema::Table;
use serde::Deserialize;

use super::{Answer, Engine};
use crate::machine::cores;

const DRIVER: &str = include_str!("duckdb.py");

/// A running DuckDB.
pub struct DuckDb {
    process: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
    version: String,
}

#[derive(Deserialize)]
struct Greeting {
    version: String,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    nanoseconds: u64,
    #[serde(default)]
    rows: Vec<Row>,
    error: Option<String>,
}

impl DuckDb {
    /// Whether this machine's Python has DuckDB.
    pub fn present() -> bool {
        let status = Command::new("python3")
            .args(["-c", "import duckdb"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    /// Starts it with a new database file in `directory`, filled from the Parquet files there.
    ///
    /// # Errors
    /// When Python or the package is missing, or the files cannot be loaded. Blocks meanwhile.
    pub fn start(directory: &Path) -> anyhow::Result<Self> {
        let mut process = Command::new("python3")
            .args(["-c", DRIVER])
            .arg(directory.join("tpch.duckdb"))
            .arg(cores().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start python3 for DuckDB")?;
        let requests = process.stdin.take().context("python3 has no standard input")?;
        let mut replies = BufReader::new(process.stdout.take().context("python3 has no standard output")?);
        let mut line = String::new();
        replies.read_line(&mut line)?;
        let greeting: Greeting = serde_json::from_str(&line).context("DuckDB did not start")?;
        let mut duckdb = Self { process, requests, replies, version: greeting.version };
        for table in Table::ALL {
            let file = directory.join(format!("{table}.parquet"));
            duckdb.ask(&format!("create table {table} as select * from read_parquet('{}')", file.display()))?;
        }
        duckdb.ask("checkpoint")?;
        Ok(duckdb)
    }

    fn ask(&mut self, sql: &str) -> anyhow::Result<Answer> {
        let mut request = serde_json::json!({ "sql": sql }).to_string();
        request.push('\n');
        self.requests.write_all(request.as_bytes()).context("DuckDB's process takes no request")?;
        let mut line = String::new();
        if self.replies.read_line(&mut line)? == 0 {
            bail!("DuckDB's process ended");
        }
        let reply: Reply = serde_json::from_str(&line)?;
        match reply.error {
            Some(error) => bail!("DuckDB: {error}"),
            None => Ok(Answer { elapsed: Duration::from_nanos(reply.nanoseconds), rows: reply.rows }),
        }
    }
}

#[async_trait]
impl Engine for DuckDb {
    fn name(&self) -> &'static str {
        "duckdb"
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn quotients(&self) -> QuotientRule {
        QuotientRule::Exact
    }

    async fn run(&mut self, sql: &str) -> anyhow::Result<Answer> {
        tokio::task::block_in_place(|| self.ask(sql))
    }
}

impl Drop for DuckDb {
    fn drop(&mut self) {
        // The process ends by itself when its input closes; it must not outlive the directory.
        if self.process.kill().and_then(|()| self.process.wait().map(drop)).is_err() {
            eprintln!("DuckDB's process could not be ended");
        }
    }
}
