//! The Python process of one peer.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use deltatree_query::tpch::answers::Row;
use serde::Deserialize;

const DRIVER: &str = include_str!("driver.py");

/// A Python package that holds a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    /// DuckDB.
    DuckDb,
    /// ClickHouse.
    Chdb,
}

impl Package {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::DuckDb, Self::Chdb];

    /// The package's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::DuckDb => "duckdb",
            Self::Chdb => "chdb",
        }
    }

    /// Whether this machine's Python has it.
    pub fn present(self) -> bool {
        let status = Command::new("python3")
            .args(["-c", &format!("import {}", self.name())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }

    /// Those that this machine's Python has. Says of the others on stdout that they are absent.
    pub fn all_present() -> Vec<Self> {
        let (present, absent): (Vec<_>, Vec<_>) = Self::ALL.into_iter().partition(|package| package.present());
        for package in absent {
            println!("{package} is absent: python3 -c 'import {package}' fails");
        }
        present
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a statement gave.
#[derive(Clone, Debug)]
pub struct Reply {
    /// From the statement's text to the last row in Python's memory.
    pub elapsed: Duration,
    /// Every row, as text.
    pub rows: Vec<Row>,
}

/// A running peer. Ended when dropped.
pub struct Peer {
    package: Package,
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
struct Line {
    #[serde(default)]
    nanoseconds: u64,
    #[serde(default)]
    rows: Vec<Row>,
    error: Option<String>,
}

impl Peer {
    /// Starts a package with a new database below `directory`, to use so many threads.
    ///
    /// # Errors
    /// When Python or the package is missing. Blocks meanwhile.
    pub fn start(package: Package, directory: &Path, threads: usize) -> anyhow::Result<Self> {
        let mut process = Command::new("python3")
            .args(["-c", DRIVER, package.name()])
            .arg(directory)
            .arg(threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start python3 for {package}"))?;
        let requests = process.stdin.take().context("python3 has no standard input")?;
        let mut replies = BufReader::new(process.stdout.take().context("python3 has no standard output")?);
        let mut line = String::new();
        replies.read_line(&mut line)?;
        let greeting: Greeting = serde_json::from_str(&line).with_context(|| format!("{package} did not start"))?;
        Ok(Self { package, process, requests, replies, version: greeting.version })
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Runs one statement. Blocks.
    ///
    /// # Errors
    /// When the statement fails or the process has ended.
    pub fn run(&mut self, sql: &str) -> anyhow::Result<Reply> {
        let mut request = serde_json::json!({ "sql": sql }).to_string();
        request.push('\n');
        let package = self.package;
        self.requests.write_all(request.as_bytes()).with_context(|| format!("{package}'s process takes no request"))?;
        let mut line = String::new();
        if self.replies.read_line(&mut line)? == 0 {
            bail!("{package}'s process ended");
        }
        let reply: Line = serde_json::from_str(&line)?;
        match reply.error {
            Some(error) => bail!("{package}: {error}"),
            None => Ok(Reply { elapsed: Duration::from_nanos(reply.nanoseconds), rows: reply.rows }),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The process ends by itself when its input closes; it must not outlive the directory.
        if self.process.kill().and_then(|()| self.process.wait().map(drop)).is_err() {
            eprintln!("the process of {} could not be ended", self.package);
        }
    }
}
