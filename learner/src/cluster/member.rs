//! How a process becomes a member of its group, and again in its next life.
//!
//! The processes that are listed when a group begins found it together: their places in the list are their
//! numbers, and the first forms the group. Whoever comes later asks the leader for a number, follows the log
//! until it has caught up, and becomes a voter if it holds rows.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{LearnerNode, NodeConfig, VoterNode, identity};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::grpc::PeerLinks;
use crate::leader::Member;
use crate::raft::Beside;
use crate::remote::{LeaderRows, MembershipClient};

/// A process that is, or wants to be, a member.
#[derive(Clone)]
pub struct MemberConfig {
    /// Where its data lives. Created if absent, locked while open.
    pub data_dir: PathBuf,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where the others reach it, `host:port`; the same in every life.
    pub advertise: String,
    /// Voters of the group, `host:port`: all of them, in one order, if they found it.
    pub join: Vec<String>,
    /// Physical time.
    pub clock: Arc<dyn Clock>,
    /// How it speaks with the others.
    pub links: PeerLinks,
}

/// Longest wait of a newcomer for a group that is being formed.
const PATIENCE: Duration = Duration::from_secs(120);

impl MemberConfig {
    /// On the loopback interface, where it is reached by the port that it listens on.
    pub fn on_loopback(data_dir: impl Into<PathBuf>, port: u16, join: Vec<String>) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            data_dir: data_dir.into(),
            listen,
            advertise: listen.to_string(),
            join,
            clock: Arc::new(SystemClock),
            links: PeerLinks::default(),
        }
    }

    fn node(&self, id: u64) -> NodeConfig {
        NodeConfig {
            id,
            data_dir: self.data_dir.clone(),
            listen: self.listen,
            clock: self.clock.clone(),
            links: self.links.clone(),
        }
    }

    /// The founders by number, and this one's, if it is one.
    fn founders(&self) -> Option<(u64, BTreeMap<u64, String>)> {
        let founders: BTreeMap<u64, String> = (1..).zip(self.join.iter().cloned()).collect();
        let own = founders.iter().find(|(_, address)| **address == self.advertise).map(|(id, _)| *id)?;
        Some((own, founders))
    }

    /// This process's number: the one that it had, or a new one.
    async fn number(&self, founder: Option<u64>) -> Result<u64> {
        if let Some(id) = identity::load(&self.data_dir)? {
            return Ok(id);
        }
        let id = match founder {
            Some(id) => id,
            None => MembershipClient::new(&self.join, self.links.clone())?.join(&self.advertise, PATIENCE).await?,
        };
        identity::keep(&self.data_dir, id)?;
        Ok(id)
    }
}

impl VoterNode {
    /// Starts a voter that founds a group with others or joins one, or goes on where it was. Does not wait
    /// until the group has a leader. Errors: `Locked`, `Io`, `Corrupt`, `Invalid`; `NotLeader` if there is
    /// no group to join.
    pub async fn start(config: MemberConfig) -> Result<Self> {
        if config.join.is_empty() {
            return Err(Error::Invalid("a voter needs the addresses of its group".into()));
        }
        let founders = config.founders();
        let id = config.number(founders.as_ref().map(|(own, _)| *own)).await?;
        let node = Self::open(config.node(id)).await?;
        match founders {
            Some((1, founders)) => node.form_group(founders).await?,
            // The first founder tells the others.
            Some(_) => {}
            None => node.become_voter(id, config.join).await?,
        }
        Ok(node)
    }
}

impl LearnerNode {
    /// Starts a columnar learner that joins a group, or goes on where it was. Errors: as
    /// [`VoterNode::start`].
    pub async fn start(config: MemberConfig) -> Result<Self> {
        let id = config.number(None).await?;
        let rows = LeaderRows::new(&config.join, config.links.clone())?;
        Self::open_beside(config.node(id), Beside::Elsewhere(Arc::new(rows))).await
    }
}

/// The members of the group that some voters, `host:port`, belong to. Errors: `NotLeader`, `Invalid`.
pub async fn members(voters: &[String], links: &PeerLinks) -> Result<Vec<Member>> {
    MembershipClient::new(voters, links.clone())?.members().await
}

/// Takes the member that listens at `address` out of its group; it may end then. Errors: `NotLeader`,
/// `Timeout`, `Invalid` for the last voter.
pub async fn remove_member(voters: &[String], address: &str, links: &PeerLinks) -> Result<()> {
    MembershipClient::new(voters, links.clone())?.remove(address).await
}
