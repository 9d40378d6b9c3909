//! One process of `deltatree serve`, over its lives.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::{Machine, MachineLibrary, Role};
use crate::server::{self, address_in, ready_words};

/// How long it may take to drain and flush.
const STOPPED_WITHIN: Duration = Duration::from_secs(60);

/// A process, alive or not. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    /// `kv-1`, `sql-2`…
    pub name: String,
    /// What it does.
    pub role: Role,
    program: PathBuf,
    options: Vec<String>,
    log: PathBuf,
    child: Option<Child>,
    paused: bool,
    machine: Option<Machine>,
}

impl Process {
    /// A process that is not started yet. Its data and its log are in `dir`, under its name.
    pub fn new(program: &Path, role: Role, name: String, dir: &Path, options: Vec<String>) -> Self {
        let data = dir.join(&name).display().to_string();
        let mut all = vec!["serve".into(), "--role".into(), role.option().into(), "--data-dir".into(), data];
        if role.speaks_sql() {
            all.extend(["--port", "0", "--flight-port", "0", "--status-port", "0"].map(str::to_owned));
        }
        all.extend(options);
        let log = dir.join(format!("{name}.log"));
        Self { name, role, program: program.to_owned(), options: all, log, child: None, paused: false, machine: None }
    }

    /// Its further lives are on a machine whose clock and disk can go wrong; what they shall do is kept in `dir`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn give_machine(&mut self, library: &MachineLibrary, dir: &Path) -> anyhow::Result<()> {
        self.machine = Some(Machine::new(library, dir.join(format!("{}.machine", self.name)))?);
        Ok(())
    }

    /// The machine that it was given.
    pub fn machine(&self) -> Option<&Machine> {
        self.machine.as_ref()
    }

    /// Starts it and waits until it serves. Returns where: for clients, or for the other processes.
    ///
    /// # Errors
    /// When it runs already, ends, or says nothing in time. Blocks for up to two minutes.
    pub fn start(&mut self) -> anyhow::Result<SocketAddr> {
        self.begin()?;
        self.wait_ready()
    }

    /// Starts it and does not wait. Processes that need each other are begun all, and then waited for.
    ///
    /// # Errors
    /// When it runs already, or cannot be started.
    pub fn begin(&mut self) -> anyhow::Result<()> {
        ensure!(self.child.is_none(), "{} runs already", self.name);
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        if let Some(machine) = &self.machine {
            machine.carry(&mut command);
        }
        let child = command
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        self.child = Some(child);
        self.paused = false;
        Ok(())
    }

    /// Waits until it serves.
    ///
    /// # Errors
    /// When it ends or says nothing in time.
    pub fn wait_ready(&mut self) -> anyhow::Result<SocketAddr> {
        let child = self.child.as_mut().with_context(|| format!("{} was not started", self.name))?;
        let label = if self.role.speaks_sql() { "mysql" } else { "peer" };
        let ready = ready_words(child).and_then(|words| address_in(&words, label));
        ready.with_context(|| format!("{}, whose log is {}", self.name, self.log.display()))
    }

    /// Its number, if it lives.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether it ended by itself, and how.
    pub fn ended(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        Some(format!("{} ended with {status}, its log is {}", self.name, self.log.display()))
    }

    /// `kill -9`, at once. One that does not live is fine.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            server::end(&mut child);
        }
        self.paused = false;
    }

    /// Stops its threads where they are.
    ///
    /// # Errors
    /// When it does not live.
    pub fn pause(&mut self) -> anyhow::Result<()> {
        self.signal(libc::SIGSTOP)?;
        self.paused = true;
        Ok(())
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// When it does not live.
    pub fn go_on(&mut self) -> anyhow::Result<()> {
        if self.paused {
            self.signal(libc::SIGCONT)?;
            self.paused = false;
        }
        Ok(())
    }

    /// SIGTERM, and waits until it has drained and flushed.
    ///
    /// # Errors
    /// When it does not end in time, or not with status 0.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.go_on()?;
        self.signal(libc::SIGTERM)?;
        let deadline = Instant::now() + STOPPED_WITHIN;
        while let Some(child) = &mut self.child {
            if let Some(status) = child.try_wait()? {
                self.child = None;
                ensure!(status.success(), "{} ended with {status}", self.name);
                break;
            }
            if Instant::now() > deadline {
                bail!("{} did not end within {} s", self.name, STOPPED_WITHIN.as_secs());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn signal(&self, signal: libc::c_int) -> anyhow::Result<()> {
        let pid = self.pid().with_context(|| format!("{} does not live", self.name))?;
        let pid = libc::pid_t::try_from(pid)?;
        // SAFETY: `kill` takes plain numbers; the process is our child and not yet waited for.
        let sent = unsafe { libc::kill(pid, signal) };
        ensure!(sent == 0, "cannot signal {}: {}", self.name, std::io::Error::last_os_error());
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
