//! A `deltatree serve` as a child process: started, connected to, stopped or killed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mysql::{Conn, OptsBuilder};

/// How long a server may take from its start, recovery included, to its `ready` line.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How long it may take to drain and flush.
const STOPPED_WITHIN: Duration = Duration::from_secs(60);

/// The program whose `serve` is the server.
#[derive(Clone, Debug)]
pub struct ServerCommand {
    program: PathBuf,
    options: Vec<String>,
}

impl ServerCommand {
    /// The `deltatree` binary at a path.
    pub fn binary(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), options: Vec::new() }
    }

    /// The bench's own binary: it has the server built in, by the same subcommand.
    ///
    /// # Errors
    /// When the running binary's path is unknown.
    pub fn built_in() -> anyhow::Result<Self> {
        Ok(Self::binary(std::env::current_exe().context("the path of this program is unknown")?))
    }

    /// With a further option of `serve`.
    #[must_use]
    pub fn option(mut self, name: &str, value: impl ToString) -> Self {
        self.options.extend([format!("--{name}"), value.to_string()]);
        self
    }
}

/// A running server. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    mysql: SocketAddr,
    /// From the start of the process to its `ready` line.
    pub ready_after: Duration,
}

impl Server {
    /// Starts a server on a data directory, on free ports, and waits until it accepts.
    ///
    /// # Errors
    /// When it ends or says nothing in time. Blocks for up to two minutes.
    pub fn start(command: &ServerCommand, data_dir: &Path) -> anyhow::Result<Self> {
        let start = Instant::now();
        let mut process = Command::new(&command.program)
            .arg("serve")
            .arg("--data-dir")
            .arg(data_dir)
            .args(["--port", "0", "--flight-port", "0", "--status-port", "0"])
            .args(&command.options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.program.display()))?;
        let output = process.stdout.take().context("the server has no standard output")?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        match ready_address(&lines) {
            Ok(mysql) => Ok(Self { process, mysql, ready_after: start.elapsed() }),
            Err(error) => {
                end(&mut process);
                Err(error)
            }
        }
    }

    /// A new connection as `root`, in the database `test`.
    ///
    /// # Errors
    /// When the server refuses it.
    pub fn connect(&self) -> anyhow::Result<Conn> {
        connect(self.mysql)
    }

    /// Where it speaks the MySQL protocol.
    pub fn mysql_address(&self) -> SocketAddr {
        self.mysql
    }

    /// `kill -9`, at once.
    pub fn kill(mut self) {
        end(&mut self.process);
    }

    /// SIGTERM, and waits until it has drained and flushed.
    ///
    /// # Errors
    /// When it does not end in time, or not with status 0.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let pid = libc::pid_t::try_from(self.process.id())?;
        // SAFETY: `kill` takes plain numbers; the process is our child and not yet waited for.
        let sent = unsafe { libc::kill(pid, libc::SIGTERM) };
        if sent != 0 {
            bail!("cannot signal the server: {}", std::io::Error::last_os_error());
        }
        let deadline = Instant::now() + STOPPED_WITHIN;
        while Instant::now() < deadline {
            if let Some(status) = self.process.try_wait()? {
                if status.success() {
                    return Ok(());
                }
                bail!("the server ended with {status}");
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!("the server did not end within {} s", STOPPED_WITHIN.as_secs())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// A new connection as `root`, in the database `test`.
///
/// # Errors
/// When the server refuses it.
pub fn connect(address: SocketAddr) -> anyhow::Result<Conn> {
    let options = OptsBuilder::new()
        .ip_or_hostname(Some(address.ip().to_string()))
        .tcp_port(address.port())
        .user(Some("root"))
        .db_name(Some("test"))
        .tcp_connect_timeout(Some(Duration::from_secs(10)))
        .prefer_socket(false);
    Ok(Conn::new(options)?)
}

fn ready_address(lines: &mpsc::Receiver<String>) -> anyhow::Result<SocketAddr> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = match lines.recv_timeout(left) {
            Ok(line) => line,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                bail!("the server was not ready within {} s", READY_WITHIN.as_secs())
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("the server ended before it was ready"),
        };
        if let Some(rest) = line.strip_prefix("ready ") {
            let address = rest.split_whitespace().find_map(|word| word.strip_prefix("mysql="));
            let address = address.with_context(|| format!("no address in the server's line: {line}"))?;
            return address.parse().with_context(|| format!("not an address: {address}"));
        }
    }
}

/// Kills a process and waits for it; one that has ended already is fine.
fn end(process: &mut Child) {
    if process.kill().and_then(|()| process.wait().map(drop)).is_err() {
        eprintln!("process {} could not be ended", process.id());
    }
}
