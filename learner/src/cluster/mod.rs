//! A leader group over several processes: each holds one replica and talks gRPC to the others.

mod identity;
mod learner_node;
mod member;
mod voter_node;

pub use crate::leader::Member;
pub use learner_node::LearnerNode;
pub use member::{MemberConfig, members, remove_member};
pub use voter_node::VoterNode;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::config::GroupConfig;
use crate::grpc::PeerLinks;

/// One replica of a group over several processes.
#[derive(Clone)]
pub struct NodeConfig {
    /// Its number, unique in the group and the same in every life.
    pub id: u64,
    /// Where its data lives. Created if absent, locked while open.
    pub data_dir: PathBuf,
    /// Where it listens for the others; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Physical time.
    pub clock: Arc<dyn Clock>,
    /// How it speaks with the others.
    pub links: PeerLinks,
}

impl NodeConfig {
    /// Node `id` in `data_dir`, on a free port of the loopback interface.
    pub fn on_loopback(id: u64, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            id,
            data_dir: data_dir.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Arc::new(SystemClock),
            links: PeerLinks::default(),
        }
    }

    /// The knobs of what goes on in the background.
    fn group(&self) -> GroupConfig {
        GroupConfig { clock: self.clock.clone(), ..GroupConfig::new(&self.data_dir) }
    }
}
