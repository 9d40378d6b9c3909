//! One process of a playground.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child as Process, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// How long a process may take until it serves.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How long it may take to drain and flush.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// SQL front end.
    Db,
    /// Voter.
    Kv,
    /// Columnar replica.
    TiFlash,
}

impl Kind {
    /// As users of TiUP know it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Db => "db",
            Self::Kv => "kv",
            Self::TiFlash => "tiflash",
        }
    }

    /// The value of `serve --role`.
    fn role(self) -> &'static str {
        match self {
            Self::Db => "sql",
            Self::Kv => "kv",
            Self::TiFlash => "columnar",
        }
    }
}

/// A process that was started, and not yet found to have ended.
pub(super) struct Child {
    pub(super) kind: Kind,
    /// Where it listens: the MySQL protocol, or its peers' port.
    pub(super) address: String,
    pub(super) log: PathBuf,
    process: Process,
    ready: Option<oneshot::Receiver<String>>,
    ended: Option<ExitStatus>,
}

impl Child {
    /// Starts `deltatree serve` with its data in `dir/name` and its log beside that, and does not wait.
    pub(super) fn start(kind: Kind, dir: &Path, name: &str, options: &[String]) -> Result<Self, String> {
        let failed = |what: &str, e: std::io::Error| format!("cannot {what} for {name}: {e}");
        let program = std::env::current_exe().map_err(|e| failed("find this program", e))?;
        let log = dir.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).map_err(|e| failed("open the log", e))?;
        let errors = file.try_clone().map_err(|e| failed("open the log", e))?;
        let mut process = Command::new(program)
            .args(["serve", "--role", kind.role(), "--data-dir"])
            .arg(dir.join(name))
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            // Ctrl-C is for the playground, which ends its processes in good order.
            .process_group(0)
            .spawn()
            .map_err(|e| failed("start a process", e))?;
        let (announce, ready) = oneshot::channel();
        if let Some(output) = process.stdout.take() {
            std::thread::spawn(move || copy_output(output, file, announce));
        }
        Ok(Self { kind, address: String::new(), log, process, ready: Some(ready), ended: None })
    }

    /// Waits until it serves, and notes where.
    pub(super) async fn wait_until_ready(&mut self) -> Result<(), String> {
        let Some(ready) = self.ready.take() else { return Ok(()) };
        let who = self.kind.name();
        let log = self.log.display().to_string();
        let line = match tokio::time::timeout(READY_WITHIN, ready).await {
            Ok(Ok(line)) => line,
            Ok(Err(_)) => return Err(format!("a {who} ended before it served, see {log}")),
            Err(_) => return Err(format!("a {who} did not serve within {} s, see {log}", READY_WITHIN.as_secs())),
        };
        let address = line.split_whitespace().find_map(|word| {
            let (name, address) = word.split_once('=')?;
            ["mysql", "peer"].contains(&name).then_some(address)
        });
        self.address = address.ok_or_else(|| format!("a {who} says {line:?} instead of its address"))?.to_owned();
        Ok(())
    }

    /// Process id.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            // One that cannot be asked is taken to live.
            self.ended = self.process.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Asks it to end in good order, waits for that, and kills it if it takes too long.
    pub(super) async fn stop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        if let Ok(pid) = libc::pid_t::try_from(self.pid()) {
            // SAFETY: takes plain numbers; the process is our child and was not waited for.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
        let deadline = Instant::now() + STOPPED_WITHIN;
        while self.ended().is_none() && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
        if self.ended().is_none() {
            tracing::warn!(pid = self.pid(), "a {} does not end and is killed", self.kind.name());
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.ended().is_none() {
            // It may end at this very moment.
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// Copies what a process prints into its log, and announces the line by which it says that it serves.
fn copy_output(output: ChildStdout, mut log: File, announce: oneshot::Sender<String>) {
    let mut announce = Some(announce);
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        // A log that cannot be written must not stop the process.
        let _ = writeln!(log, "{line}");
        if line.starts_with("ready ")
            && let Some(announce) = announce.take()
        {
            let _ = announce.send(line);
        }
    }
}
