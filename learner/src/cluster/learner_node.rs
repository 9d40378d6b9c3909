//! A process with a columnar learner.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deltatree_storage::config::Config;
use deltatree_storage::engine::Engine;
use deltatree_storage::types::Timestamp;

use super::NodeConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::group::GateReport;
use crate::maintenance::Maintenance;
use crate::raft::{Beside, Network, read_index, replica_routes, serve};
use crate::replica::{ColumnarLearner, LearnerSetup};

/// A columnar learner that the leader reaches by gRPC.
pub struct LearnerNode {
    learner: Arc<ColumnarLearner>,
    address: SocketAddr,
    maintenance: Maintenance,
}

impl LearnerNode {
    /// Opens the learner and begins to listen. Errors: `Locked`, `Io`, `Corrupt`.
    pub async fn open(config: NodeConfig) -> Result<Self> {
        let maintained = config.group();
        let setup = LearnerSetup {
            id: config.id,
            dir: config.data_dir,
            engine: Config::default(),
            backlog_bytes: 128 << 20,
            beside: Beside::Nobody,
        };
        let network = Network::default();
        let learner = Arc::new(ColumnarLearner::open(setup, network).await?);
        let address = learner.run(serve(config.listen, replica_routes(learner.peer(), None))).await??;
        let maintenance = Maintenance::of_learner(&maintained, learner.clone())?;
        Ok(Self { learner, address, maintenance })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The columnar engine. Take snapshots of it after [`LearnerNode::read_gate`].
    pub fn columnar(&self) -> &Engine {
        self.learner.engine()
    }

    /// Gets a timestamp from the leader at which every commit acknowledged so far is visible, and waits
    /// until the engine shows them all; at most `timeout`. While there is no leader, or the leader
    /// changes, it asks again. Errors: `Timeout`, `Closed`, and the learner's own if it has stopped.
    pub async fn read_gate(&self, timeout: Duration) -> Result<(Timestamp, GateReport)> {
        const AGAIN: Duration = Duration::from_millis(50);
        let begun = Instant::now();
        loop {
            let left = timeout.saturating_sub(begun.elapsed());
            let asked = match self.learner.leader_address() {
                Some(address) => read_index(&address, Timestamp::ZERO, left).await,
                None => Err(Error::NotLeader { leader: None }),
            };
            match asked {
                Ok((ts, position)) => {
                    let left = timeout.saturating_sub(begun.elapsed());
                    self.learner.wait_applied(position, left).await?;
                    return Ok((ts, GateReport { position, waited: begun.elapsed() }));
                }
                Err(e) if e.kind() == ErrorKind::NotLeader && left > AGAIN => tokio::time::sleep(AGAIN).await,
                Err(e) if e.kind() == ErrorKind::NotLeader => {
                    return Err(Error::Timeout { what: "a leader".into(), waited_ms: timeout.as_millis() as u64 });
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Stops, and makes durable what is applied.
    pub async fn shutdown(&self) -> Result<()> {
        crate::runtime::blocking(|| self.maintenance.stop());
        self.learner.shutdown().await
    }
}
