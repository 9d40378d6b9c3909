//! A process with a columnar learner.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deltatree_storage::config::Config;
use deltatree_storage::engine::Engine;
use deltatree_storage::types::Timestamp;

use super::NodeConfig;
use crate::columnar::{columnar_service, pass_gate};
use crate::error::Result;
use crate::group::GateReport;
use crate::maintenance::Maintenance;
use crate::raft::{Beside, Network, replica_routes};
use crate::replica::{ColumnarLearner, LearnerSetup};

/// A columnar learner that the leader reaches by gRPC.
pub struct LearnerNode {
    learner: Arc<ColumnarLearner>,
    address: SocketAddr,
    maintenance: Maintenance,
}

impl LearnerNode {
    /// Opens the learner and begins to listen. It has no rows to build tables from. Errors: `Locked`, `Io`,
    /// `Corrupt`.
    pub async fn open(config: NodeConfig) -> Result<Self> {
        Self::open_beside(config, Beside::Nobody).await
    }

    pub(super) async fn open_beside(config: NodeConfig, beside: Beside) -> Result<Self> {
        const THREADS: usize = 2;
        let maintained = config.group();
        let setup = LearnerSetup {
            id: config.id,
            dir: config.data_dir,
            engine: Config::default(),
            backlog_bytes: 128 << 20,
            beside,
            threads: THREADS,
        };
        let network = Network::new(config.links.clone());
        let learner = Arc::new(ColumnarLearner::open(setup, network).await?);
        let routes = replica_routes(learner.peer(), None).add_service(columnar_service(learner.clone()));
        let address = learner.run(async move { config.links.serve(config.listen, routes).await }).await??;
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
        let begun = Instant::now();
        let (ts, position) = pass_gate(&self.learner, Timestamp::ZERO, timeout).await?;
        Ok((ts, GateReport { position, waited: begun.elapsed() }))
    }

    /// Stops, and makes durable what is applied.
    pub async fn shutdown(&self) -> Result<()> {
        crate::runtime::blocking(|| self.maintenance.stop());
        self.learner.shutdown().await
    }
}
