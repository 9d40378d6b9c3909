//! The processes of a playground as a whole.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use deltatree_learner::{PeerLinks, cluster};
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

use super::child::{Child, Kind};
use super::control::{self, Request};
use super::{StartArgs, default_dir};

/// Pause between two looks at the processes.
const LOOK: Duration = Duration::from_millis(500);

/// Longest wait for the list of members.
const MEMBERS_WITHIN: Duration = Duration::from_secs(2);

struct Supervisor {
    dir: PathBuf,
    children: Vec<Child>,
    /// Pids of those whose end was told.
    told: Vec<u32>,
    started: usize,
}

/// How many processes of each kind.
#[derive(Clone, Copy)]
struct Counts {
    db: usize,
    kv: usize,
    tiflash: usize,
}

/// Starts a playground and runs it until SIGTERM or SIGINT.
pub(super) async fn run(args: &StartArgs) -> Result<(), String> {
    if args.kv == 0 {
        return Err("a playground needs at least one kv".into());
    }
    let handler = |kind| signal(kind).map_err(|e| format!("cannot handle signals: {e}"));
    let (mut terminate, mut interrupt) = (handler(SignalKind::terminate())?, handler(SignalKind::interrupt())?);
    let dir = args.data_dir.clone().unwrap_or_else(default_dir);
    std::fs::create_dir_all(&dir).map_err(|e| format!("cannot create {}: {e}", dir.display()))?;
    let listener = control::listen(&dir).await?;
    if args.data_dir.is_none() {
        clear(&dir)?;
    } else if dir.join("kv-0").exists() {
        return Err(format!("{} holds the data of an earlier playground: remove it or take another", dir.display()));
    }
    let mut playground = Supervisor { dir, children: Vec::new(), told: Vec::new(), started: 0 };
    let counts = Counts { db: args.db, kv: args.kv, tiflash: args.tiflash };
    let served = tokio::select! {
        served = playground.serve(counts, args.port, &listener) => served,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    };
    playground.stop().await;
    if args.data_dir.is_none() {
        std::fs::remove_dir_all(&playground.dir)
            .map_err(|e| format!("cannot remove {}: {e}", playground.dir.display()))?;
    }
    served
}

/// Removes what an earlier playground, which was killed, has left in the directory that is ours.
fn clear(dir: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("cannot clear {}: {e}", dir.display());
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).map_err(failed)?;
        } else if path.extension().is_some_and(|extension| extension == "log") {
            std::fs::remove_file(path).map_err(failed)?;
        }
    }
    Ok(())
}

impl Supervisor {
    async fn serve(&mut self, counts: Counts, port: u16, listener: &UnixListener) -> Result<(), String> {
        let ports = free_ports(counts.kv)?;
        let voters: Vec<_> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        for port in ports {
            self.start(Kind::Kv, &peer_options(port, &voters))?;
        }
        self.add(Counts { kv: 0, ..counts }, &voters, Some(port)).await?;
        print!("{}", self.display().await);
        println!("ready dir={}", self.dir.display());
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = look.tick() => self.tell_ended(),
                connected = listener.accept() => {
                    let (mut stream, _) = connected.map_err(|e| format!("cannot be asked any more: {e}"))?;
                    let outcome = match control::receive(&mut stream).await {
                        Ok(request) => self.obey(&request).await,
                        Err(e) => Err(e),
                    };
                    control::answer(stream, outcome).await;
                }
            }
        }
    }

    fn start(&mut self, kind: Kind, options: &[String]) -> Result<(), String> {
        let name = format!("{}-{}", kind.name(), self.started);
        self.started += 1;
        self.children.push(Child::start(kind, &self.dir, &name, options)?);
        Ok(())
    }

    /// Starts processes beside `voters`, and waits until all that were started serve. The first front end
    /// gets `port` if it is free.
    async fn add(&mut self, counts: Counts, voters: &[String], port: Option<u16>) -> Result<(), String> {
        for port in free_ports(counts.kv)? {
            self.start(Kind::Kv, &peer_options(port, voters))?;
        }
        for port in free_ports(counts.tiflash)? {
            self.start(Kind::TiFlash, &peer_options(port, voters))?;
        }
        let mut port = port.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
        for _ in 0..counts.db {
            let port = port.take().unwrap_or(0).to_string();
            let options = ["--port", &port, "--flight-port", "0", "--status-port", "0", "--join", &voters.join(",")];
            self.start(Kind::Db, &options.map(str::to_owned))?;
        }
        for child in &mut self.children {
            child.wait_until_ready().await?;
        }
        Ok(())
    }

    /// Voters that live.
    fn voters(&mut self) -> Vec<String> {
        let kv = self.children.iter_mut().filter(|child| child.kind == Kind::Kv);
        kv.filter_map(|child| child.ended().is_none().then(|| child.address.clone())).collect()
    }

    async fn obey(&mut self, request: &Request) -> Result<String, String> {
        match *request {
            Request::Display => Ok(self.display().await),
            Request::ScaleOut { db, kv, tiflash } => {
                let voters = self.voters();
                let before = self.children.len();
                if let Err(e) = self.add(Counts { db, kv, tiflash }, &voters, None).await {
                    // What came up halfway must not stay, unknown to whoever asked.
                    for mut child in self.children.split_off(before) {
                        child.stop().await;
                    }
                    return Err(e);
                }
                Ok(self.display().await)
            }
            Request::ScaleIn { pid } => self.scale_in(pid).await,
        }
    }

    async fn scale_in(&mut self, pid: u32) -> Result<String, String> {
        let position = self.children.iter().position(|child| child.pid() == pid);
        let position = position.ok_or_else(|| format!("no process of the playground has pid {pid}"))?;
        let (kind, address) = (self.children[position].kind, self.children[position].address.clone());
        if kind != Kind::Db {
            let voters = self.voters();
            cluster::remove_member(&voters, &address, &PeerLinks::default()).await.map_err(|e| e.to_string())?;
        }
        self.children[position].stop().await;
        self.children.remove(position);
        Ok(self.display().await)
    }

    /// One line a process.
    async fn display(&mut self) -> String {
        let voters = self.voters();
        // Without a leader there is nobody to show as one.
        let members = tokio::time::timeout(MEMBERS_WITHIN, cluster::members(&voters, &PeerLinks::default())).await;
        let members = members.ok().and_then(Result::ok).unwrap_or_default();
        let mut text = format!("{:<8} {:>8}  {:<22} {:<10} {}\n", "ROLE", "PID", "ADDRESS", "STATE", "LOG");
        for child in &mut self.children {
            let leads = members.iter().any(|member| member.leads && member.address == child.address);
            let state = match child.ended() {
                Some(_) => "ended",
                None if leads => "up, leads",
                None => "up",
            };
            let (role, pid, log) = (child.kind.name(), child.pid(), child.log.display());
            text.push_str(&format!("{role:<8} {pid:>8}  {:<22} {state:<10} {log}\n", child.address));
        }
        text
    }

    /// Says once of each process that it has ended without being told to.
    fn tell_ended(&mut self) {
        for child in &mut self.children {
            if let Some(status) = child.ended()
                && !self.told.contains(&child.pid())
            {
                self.told.push(child.pid());
                println!("{} {} ended: {status}", child.kind.name(), child.pid());
            }
        }
    }

    /// Front ends first, voters last: nobody loses what it works with.
    async fn stop(&mut self) {
        for kind in [Kind::Db, Kind::TiFlash, Kind::Kv] {
            for child in self.children.iter_mut().filter(|child| child.kind == kind) {
                child.stop().await;
            }
        }
    }
}

/// Options of a replica that listens on `port`.
fn peer_options(port: u16, voters: &[String]) -> Vec<String> {
    vec!["--peer-port".into(), port.to_string(), "--join".into(), voters.join(",")]
}

/// Ports that nobody listens on.
fn free_ports(count: usize) -> Result<Vec<u16>, String> {
    let failed = |e: std::io::Error| format!("cannot find free ports: {e}");
    let listeners = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>();
    let listeners = listeners.map_err(failed)?;
    listeners.iter().map(|listener| Ok(listener.local_addr().map_err(failed)?.port())).collect()
}
