//! All processes of the server under test.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use deltatree_learner::PeerLinks;
use deltatree_learner::cluster::members;
use mysql::{Conn, OptsBuilder};
use parking_lot::{Mutex, MutexGuard};

use super::{Links, MachineLibrary, Process, Role, Shape};

/// Longest time that a client waits for an answer. What is unknown then stays so.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// Longest time that it takes to find who leads.
const LEADER_WITHIN: Duration = Duration::from_secs(30);

/// See the module. All processes are killed when dropped.
#[derive(Debug)]
pub struct Servers {
    processes: Vec<Mutex<Process>>,
    roles: Vec<Role>,
    /// Where clients reach each process, as far as they do.
    clients: Vec<Mutex<Option<SocketAddr>>>,
    links: Option<Links>,
    /// Where the voters are reached.
    voters: Vec<String>,
    runtime: tokio::runtime::Runtime,
}

impl Servers {
    /// Starts all processes, with data and logs in `dir`, and waits until they serve; with `machines` on those
    /// whose clocks and disks can go wrong. Blocks.
    ///
    /// # Errors
    /// When one does not start.
    pub fn start(program: &Path, shape: Shape, dir: &Path, machines: bool) -> anyhow::Result<Self> {
        let roles = shape.roles();
        let members = roles.iter().filter(|role| matches!(role, Role::Voter | Role::Learner)).count();
        let voters = roles.iter().filter(|role| **role == Role::Voter).count();
        let linked = matches!(shape, Shape::Cluster { linked: true, .. });
        let links = if linked { Some(Links::new(members)?) } else { None };
        let reached: Vec<String> = match &links {
            Some(links) => links.addresses().iter().map(ToString::to_string).collect(),
            None => free_addresses(members)?,
        };
        let join = reached[..voters].join(",");
        let library = machines.then(|| MachineLibrary::build(dir)).transpose()?;
        let mut processes = Vec::new();
        for (place, &role) in roles.iter().enumerate() {
            let options = match (role, reached.get(place), linked) {
                (Role::Single, _, _) => Vec::new(),
                (Role::FrontEnd, _, _) | (_, None, _) => vec!["--join".to_owned(), join.clone()],
                (_, Some(address), true) => {
                    ["--join", &join, "--peer-port", "0", "--advertise", address].map(str::to_owned).to_vec()
                }
                (_, Some(address), false) => {
                    let (_, port) = address.rsplit_once(':').context("an address has a port")?;
                    ["--join", &join, "--peer-port", port].map(str::to_owned).to_vec()
                }
            };
            let number = 1 + roles[..place].iter().filter(|other| **other == role).count();
            let name = format!("{}-{number}", role.option());
            let mut process = Process::new(program, role, name, dir, options);
            if let Some(library) = &library {
                process.give_machine(library, dir)?;
            }
            processes.push(Mutex::new(process));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let clients = roles.iter().map(|_| Mutex::new(None)).collect();
        let servers = Self { processes, roles, clients, links, voters: reached[..voters].to_vec(), runtime };
        // A group is founded by all its voters, and who joins needs a group.
        for role in [Role::Voter, Role::Learner, Role::FrontEnd, Role::Single] {
            servers.start_all(role)?;
        }
        Ok(servers)
    }

    /// Starts those of a role that do not live.
    ///
    /// # Errors
    /// When one does not start.
    pub fn start_all(&self, role: Role) -> anyhow::Result<()> {
        let dead: Vec<_> = self.of(role).into_iter().filter(|&place| self.process(place).pid().is_none()).collect();
        for &place in &dead {
            let mut process = self.process(place);
            process.begin()?;
            self.tell_links(place, &process);
        }
        dead.into_iter().try_for_each(|place| self.ready(place))
    }

    /// Starts a process that does not live, and waits until it serves.
    ///
    /// # Errors
    /// When it does not.
    pub fn restart(&self, place: usize) -> anyhow::Result<()> {
        let mut process = self.process(place);
        process.begin()?;
        self.tell_links(place, &process);
        drop(process);
        self.ready(place)
    }

    fn ready(&self, place: usize) -> anyhow::Result<()> {
        let address = self.process(place).wait_ready()?;
        if self.roles[place].speaks_sql() {
            *self.clients[place].lock() = Some(address);
        } else if let Some(links) = &self.links {
            links.listens(place, address);
        }
        Ok(())
    }

    fn tell_links(&self, place: usize, process: &Process) {
        if let Some(links) = &self.links {
            links.lives(place, process.pid());
        }
    }

    /// Where the voters are reached, `host:port`.
    pub fn voters(&self) -> &[String] {
        &self.voters
    }

    /// The process at a place.
    pub fn process(&self, place: usize) -> MutexGuard<'_, Process> {
        self.processes[place].lock()
    }

    /// The name of the process at a place.
    pub fn name(&self, place: usize) -> String {
        self.process(place).name.clone()
    }

    /// The places of a role.
    pub fn of(&self, role: Role) -> Vec<usize> {
        (0..self.roles.len()).filter(|&place| self.roles[place] == role).collect()
    }

    /// All places.
    pub fn places(&self) -> std::ops::Range<usize> {
        0..self.roles.len()
    }

    /// The places that clients speak to.
    pub fn speakers(&self) -> Vec<usize> {
        self.places().filter(|&place| self.roles[place].speaks_sql()).collect()
    }

    /// The network, if the processes have one that can fail.
    pub fn links(&self) -> Option<&Links> {
        self.links.as_ref()
    }

    /// The place of the voter that leads.
    ///
    /// # Errors
    /// When there is none for long.
    pub fn leader(&self) -> anyhow::Result<usize> {
        let voters = self.voters.clone();
        let found = async move { tokio::time::timeout(LEADER_WITHIN, members(&voters, &PeerLinks::default())).await };
        let members = self.runtime.block_on(found).context("nobody leads")??;
        let leader = members.into_iter().find(|member| member.leads).context("no member leads")?;
        let place = self.voters.iter().position(|address| *address == leader.address);
        place.with_context(|| format!("{} leads and is none of the voters", leader.address))
    }

    /// A new connection to a process as `root`, in the database `test`.
    ///
    /// # Errors
    /// When it does not live, or refuses it.
    pub fn connect(&self, place: usize) -> anyhow::Result<Conn> {
        let address = (*self.clients[place].lock()).ok_or_else(|| anyhow!("process {place} never spoke to clients"))?;
        let options = OptsBuilder::new()
            .ip_or_hostname(Some(address.ip().to_string()))
            .tcp_port(address.port())
            .user(Some("root"))
            .db_name(Some("test"))
            .tcp_connect_timeout(Some(Duration::from_secs(2)))
            .read_timeout(Some(ANSWERED_WITHIN))
            .prefer_socket(false);
        Ok(Conn::new(options)?)
    }

    /// Processes that ended by themselves.
    pub fn ended(&self) -> Vec<String> {
        self.places().filter_map(|place| self.process(place).ended()).collect()
    }

    /// Ends all processes in good order: those that others need last.
    ///
    /// # Errors
    /// When one does not end, or not well.
    pub fn stop(&self) -> anyhow::Result<()> {
        self.places().rev().try_for_each(|place| self.process(place).stop())
    }
}

/// Addresses that are free now.
fn free_addresses(n: usize) -> anyhow::Result<Vec<String>> {
    let listeners = (0..n).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
    listeners.iter().map(|listener| Ok(listener.local_addr()?.to_string())).collect()
}

/// The program that serves: the bench's own has the server built in.
///
/// # Errors
/// When the running program's path is unknown.
pub fn built_in() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("the path of this program is unknown")
}
