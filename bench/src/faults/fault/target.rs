//! Whom a fault befalls.

use anyhow::Context;

use crate::crash::random::Random;
use crate::faults::cluster::{Role, Servers};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The server that is one process.
    Server,
    /// The voter that leads.
    Leader,
    /// A voter that does not.
    Follower,
    /// The columnar replica.
    Learner,
    /// A front end.
    FrontEnd,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Server, Self::Leader, Self::Follower, Self::Learner, Self::FrontEnd];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Learner => "learner",
            Self::FrontEnd => "front-end",
        }
    }

    fn role(self) -> Role {
        match self {
            Self::Server => Role::Single,
            Self::Leader | Self::Follower => Role::Voter,
            Self::Learner => Role::Learner,
            Self::FrontEnd => Role::FrontEnd,
        }
    }

    /// Whether there is one.
    pub fn exists(self, servers: &Servers) -> bool {
        !servers.of(self.role()).is_empty()
    }

    /// The place of one.
    ///
    /// # Errors
    /// When nobody leads.
    pub fn place(self, servers: &Servers, random: &mut Random) -> anyhow::Result<usize> {
        let mut places = servers.of(self.role());
        match self {
            Self::Leader => return servers.leader(),
            Self::Follower => {
                let leader = servers.leader()?;
                places.retain(|&place| place != leader);
            }
            Self::Server | Self::Learner | Self::FrontEnd => {}
        }
        let chosen = random.below(places.len().max(1) as u64) as usize;
        places.get(chosen).copied().with_context(|| format!("there is no {}", self.name()))
    }
}
