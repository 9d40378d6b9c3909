//! Where the two sides are served: by one process on all cores, or by processes of their own on a core each.
//!
//! Apart they are laid out as on two machines: the voter and a front end for transactions on one core, the
//! columnar replica and a front end for queries on another, each with its clients. What is left of one side's
//! work for the other is replication.

use std::net::TcpListener;
use std::path::Path;

use anyhow::ensure;

use crate::faults::cluster::{Process, Role};
use crate::machine;
use crate::server::{Server, ServerCommand};

/// The core of transactions, if the sides are apart.
const TRANSACTIONS: usize = 0;
/// The core of queries.
const QUERIES: usize = 1;

/// Running servers.
#[derive(Debug)]
pub struct Sites {
    first: Server,
    /// The front end for queries, if it is another one, and what stands behind both.
    apart: Option<(Server, Vec<Process>)>,
}

/// One side's server, and the core that it and its clients keep to.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// Where to connect.
    pub server: &'a Server,
    core: Option<usize>,
}

impl<'a> Site<'a> {
    /// A server on all cores.
    pub fn anywhere(server: &'a Server) -> Self {
        Self { server, core: None }
    }

    /// Keeps the calling thread, a client, to the site's core.
    pub fn enter(&self) {
        if let Some(core) = self.core {
            machine::keep_to(core);
        }
    }
}

impl Sites {
    /// One process for everything.
    ///
    /// # Errors
    /// When it does not start.
    pub fn shared(dir: &Path) -> anyhow::Result<Self> {
        Ok(Self { first: Server::start(&ServerCommand::built_in()?, dir)?, apart: None })
    }

    /// The sides on a core each.
    ///
    /// # Errors
    /// When there is one core only, or a process does not start.
    pub fn apart(dir: &Path) -> anyhow::Result<Self> {
        ensure!(machine::cores() > QUERIES, "two cores are needed to keep the sides apart");
        // Held until all are known, so that they differ.
        let free = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
        let ports = [free[0].local_addr()?.port(), free[1].local_addr()?.port()];
        drop(free);
        let join = format!("127.0.0.1:{}", ports[0]);
        let member = |core: usize, role: Role, port: u16| {
            let options = ["--join", &join, "--peer-port", &port.to_string()].map(str::to_owned).to_vec();
            let mut process = Process::new(&std::env::current_exe()?, role, role.option().to_owned(), dir, options);
            machine::on_core(core, || process.start())?;
            anyhow::Ok(process)
        };
        let voter = member(TRANSACTIONS, Role::Voter, ports[0])?;
        let learner = member(QUERIES, Role::Learner, ports[1])?;
        let front_end = |core: usize, name: &str| {
            let command = ServerCommand::built_in()?.option("role", "sql").option("join", &join);
            machine::on_core(core, || Server::start(&command, &dir.join(name)))
        };
        let first = front_end(TRANSACTIONS, "sql-1")?;
        let second = front_end(QUERIES, "sql-2")?;
        Ok(Self { first, apart: Some((second, vec![learner, voter])) })
    }

    /// Where transactions go.
    pub fn transactions(&self) -> Site<'_> {
        Site { server: &self.first, core: self.apart.as_ref().map(|_| TRANSACTIONS) }
    }

    /// Where queries go.
    pub fn queries(&self) -> Site<'_> {
        match &self.apart {
            Some((second, _)) => Site { server: second, core: Some(QUERIES) },
            None => Site::anywhere(&self.first),
        }
    }

    /// Ends all processes, front ends first.
    ///
    /// # Errors
    /// When one does not end well.
    pub fn stop(self) -> anyhow::Result<()> {
        self.first.stop()?;
        let Some((second, members)) = self.apart else { return Ok(()) };
        second.stop()?;
        members.into_iter().try_for_each(|mut member| member.stop())
    }
}
