//! A `deltatree serve` as a child process: started, connected to, stopped or killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
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
/// Prepared statements of a connection: one more would close the one that was used least recently.
const STATEMENTS_KEPT: usize = 128;
/// How long it may take to tell its metrics.
const METRICS_WITHIN: Duration = Duration::from_secs(10);

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

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Addresses {
    mysql: SocketAddr,
    status: SocketAddr,
}

/// A running server. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    addresses: Addresses,
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
        match ready_words(&mut process).and_then(|words| addresses(&words)) {
            Ok(addresses) => Ok(Self { process, addresses, ready_after: start.elapsed() }),
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
        connect(self.addresses.mysql)
    }

    /// Where it speaks the MySQL protocol.
    pub fn mysql_address(&self) -> SocketAddr {
        self.addresses.mysql
    }

    /// All its metrics, in Prometheus' text format.
    ///
    /// # Errors
    /// When the status port does not answer.
    pub fn metrics(&self) -> anyhow::Result<String> {
        let address = self.addresses.status;
        let mut stream = TcpStream::connect_timeout(&address, METRICS_WITHIN)?;
        stream.set_read_timeout(Some(METRICS_WITHIN))?;
        // Version 1.0: the answer ends where the connection does.
        write!(stream, "GET /metrics HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the status port answered no HTTP")?;
        let status = head.lines().next().unwrap_or_default();
        anyhow::ensure!(status.contains(" 200"), "the status port answered: {status}");
        Ok(body.to_owned())
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
        .stmt_cache_size(Some(STATEMENTS_KEPT))
        .prefer_socket(false);
    Ok(Conn::new(options)?)
}

/// What follows `ready` in the line by which a process of `deltatree` says that it serves. Whatever else it
/// says on its standard output is read and dropped.
///
/// # Errors
/// When it ends or says nothing in time. Blocks for up to two minutes.
pub(crate) fn ready_words(process: &mut Child) -> anyhow::Result<String> {
    let output = process.stdout.take().context("the server has no standard output")?;
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut heard = true;
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            heard = heard && sender.send(line).is_ok();
        }
    });
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
            return Ok(rest.to_owned());
        }
    }
}

/// One of the addresses in such a line.
pub(crate) fn address_in(words: &str, label: &str) -> anyhow::Result<SocketAddr> {
    let address = words.split_whitespace().find_map(|word| word.strip_prefix(label)?.strip_prefix('='));
    let address = address.with_context(|| format!("no {label}= in the server's line: ready {words}"))?;
    address.parse().with_context(|| format!("not an address: {address}"))
}

/// Reads what follows `ready`.
fn addresses(words: &str) -> anyhow::Result<Addresses> {
    Ok(Addresses { mysql: address_in(words, "mysql")?, status: address_in(words, "status")? })
}

/// Kills a process and waits for it; one that has ended already is fine.
pub(crate) fn end(process: &mut Child) {
    if process.kill().and_then(|()| process.wait().map(drop)).is_err() {
        eprintln!("process {} could not be ended", process.id());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_ready_line() {
        let found = addresses("mysql=127.0.0.1:4000 flight=127.0.0.1:4001 status=127.0.0.1:10080").unwrap();
        let expected =
            Addresses { mysql: "127.0.0.1:4000".parse().unwrap(), status: "127.0.0.1:10080".parse().unwrap() };
        assert_eq!(found, expected);
        assert!(addresses("mysql=127.0.0.1:4000").is_err());
    }
}
