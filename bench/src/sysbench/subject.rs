//! A server that is measured.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mysql::prelude::Queryable;

use super::workload::Driver;
use super::{mariadb, postgres};
use crate::server::{Server, ServerCommand};

/// How long a peer may take to accept connections.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    DeltaTree,
    MariaDb,
    Postgres,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DeltaTree => "deltatree",
            Self::MariaDb => "mariadb",
            Self::Postgres => "postgresql",
        }
    }

    /// What is missing to run it; `None` if nothing is.
    pub(super) fn missing(self) -> Option<&'static str> {
        match self {
            Self::DeltaTree => None,
            Self::MariaDb => mariadb::missing(),
            Self::Postgres => postgres::missing(),
        }
    }
}

/// A running server over an empty directory.
pub(super) enum Subject {
    DeltaTree(Server),
    Peer(Peer),
}

impl Subject {
    /// Starts it.
    ///
    /// # Errors
    /// When it does not come up.
    pub(super) fn start(kind: Kind, dir: &Path) -> anyhow::Result<Self> {
        Ok(match kind {
            Kind::DeltaTree => Self::DeltaTree(Server::start(&ServerCommand::built_in()?, dir)?),
            Kind::MariaDb => Self::Peer(mariadb::start(dir)?),
            Kind::Postgres => Self::Peer(postgres::start(dir)?),
        })
    }

    /// How `sysbench` reaches it.
    pub(super) fn driver(&self, rows: u64) -> Driver {
        let options = match self {
            Self::DeltaTree(server) => mysql_options(server.mysql_address().port(), "test"),
            Self::Peer(peer) => peer.options.clone(),
        };
        Driver { options, rows }
    }

    /// Commits and syncs of the log so far; `None` of a peer.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(super) fn commits_and_syncs(&self) -> anyhow::Result<Option<(u64, u64)>> {
        let Self::DeltaTree(server) = self else { return Ok(None) };
        let status: Vec<(String, String)> = server.connect()?.query("SHOW GLOBAL STATUS")?;
        let number = |name: &str| {
            let (_, value) = status.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
            value.parse::<u64>().ok()
        };
        Ok(number("Com_commit").zip(number("Deltatree_log_syncs")))
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it does not end.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        match self {
            Self::DeltaTree(server) => server.stop(),
            Self::Peer(peer) => drop_peer(peer),
        }
    }
}

fn drop_peer(peer: Peer) -> anyhow::Result<()> {
    drop(peer);
    Ok(())
}

/// A peer's process. Killed when dropped.
pub(super) struct Peer {
    process: Child,
    options: Vec<String>,
}

impl Peer {
    /// Starts a program and waits until `accepts`.
    ///
    /// # Errors
    /// When it ends or does not accept in time.
    pub(super) fn start(
        mut command: Command,
        options: Vec<String>,
        accepts: impl Fn() -> bool,
    ) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let mut peer = Self { process, options };
        let deadline = Instant::now() + READY_WITHIN;
        while !accepts() {
            if let Some(status) = peer.process.try_wait()? {
                bail!("{name} ended with {status}");
            }
            if Instant::now() > deadline {
                bail!("{name} did not accept connections within {} s", READY_WITHIN.as_secs());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(peer)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if self.process.kill().and_then(|()| self.process.wait().map(drop)).is_err() {
            eprintln!("process {} could not be ended", self.process.id());
        }
    }
}

/// Options for a server that speaks MySQL's protocol.
pub(super) fn mysql_options(port: u16, database: &str) -> Vec<String> {
    vec![
        "--db-driver=mysql".into(),
        "--mysql-host=127.0.0.1".into(),
        format!("--mysql-port={port}"),
        "--mysql-user=root".into(),
        format!("--mysql-db={database}"),
    ]
}

/// A port that nobody has.
///
/// # Errors
/// When there is none.
pub(super) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Runs a program to its end.
///
/// # Errors
/// With what it said, if it fails.
pub(super) fn complete(mut command: Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("cannot run {:?}", command.get_program()))?;
    if !output.status.success() {
        bail!("{:?} failed: {}", command.get_program(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
