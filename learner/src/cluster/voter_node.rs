//! A process with a voter.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use deltatree_storage::types::Timestamp;
use openraft::BasicNode;
use std::sync::Arc;

use super::NodeConfig;
use crate::access::{LeaderAccess, RowReader};
use crate::error::Result;
use crate::leader::{Leader, LeaderLimits};
use crate::maintenance::Maintenance;
use crate::raft::{LocalPeer, Network, ReadIndexService, replica_routes};
use crate::remote::{MembershipClient, leader_service};
use crate::replica::{Voter, VoterSetup};
use crate::txn::{Transaction, TxnOptions};

/// A voter that others reach by gRPC: the other replicas, and front ends
/// ([`crate::LeaderGroup::connect`]). Only the leader serves transactions; the others say `NotLeader`.
pub struct VoterNode {
    voter: Voter,
    address: SocketAddr,
    maintenance: Maintenance,
}

impl VoterNode {
    /// Opens the voter and begins to listen. Errors: `Locked`, `Io`, `Corrupt`.
    pub async fn open(config: NodeConfig) -> Result<Self> {
        const ROW_CACHE_BYTES: u64 = 64 << 20;
        const THREADS: usize = 2;
        let maintained = config.group();
        let setup = VoterSetup {
            id: config.id,
            dir: config.data_dir,
            row_cache_bytes: ROW_CACHE_BYTES,
            clock: config.clock,
            limits: LeaderLimits { replication: Duration::from_secs(10), ..LeaderLimits::default() },
            threads: THREADS,
        };
        let voter = Voter::open(setup, Network::new(config.links.clone())).await?;
        let leader = voter.leader().clone();
        let peer = LocalPeer::new(leader.raft().clone(), None);
        let maintenance = Maintenance::of_voter(&maintained, leader.clone())?;
        let served = async move {
            let routes = replica_routes(peer, Some(read_index_service(leader.clone())));
            config.links.serve(config.listen, routes.add_service(leader_service(leader))).await
        };
        let address = voter.run(served).await??;
        Ok(Self { voter, address, maintenance })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forms a group of these voters, by number and `host:port`, unless this voter belongs to one. Call
    /// it on one of them. Errors: `Io`, `Internal`.
    pub async fn form_group(&self, voters: BTreeMap<u64, String>) -> Result<()> {
        self.voter.form_group(voters.into_iter().map(|(id, addr)| (id, BasicNode { addr })).collect()).await
    }

    /// Asks, in the background, to become a voter of the group of `voters` once this one has caught up.
    pub(super) async fn become_voter(&self, id: u64, voters: Vec<String>) -> Result<()> {
        let links = self.voter.leader().voter().links.clone();
        let asking = async move {
            let membership = MembershipClient::new(&voters, links)?;
            tokio::spawn(async move {
                if let Err(e) = membership.become_voter(id).await {
                    tracing::error!(error = %e, "this process cannot become a voter");
                }
            });
            Ok(())
        };
        self.voter.run(asking).await?
    }

    /// Adds a learner, or changes its address. Errors: `NotLeader` and `Timeout`, `Invalid`.
    pub async fn add_learner(&self, id: u64, address: &str) -> Result<()> {
        self.voter.leader().add_learner(id, BasicNode { addr: address.into() }).await
    }

    /// Waits until this voter leads and serves. Errors: `Timeout`, `Closed`.
    pub async fn wait_until_leading(&self, timeout: Duration) -> Result<()> {
        self.voter.leader().wait_until_leading(timeout).await
    }

    /// Whether this voter leads and serves.
    pub fn is_leading(&self) -> bool {
        self.voter.leader().is_leading()
    }

    /// See [`crate::LeaderGroup::timestamp`].
    pub async fn timestamp(&self) -> Result<Timestamp> {
        self.voter.leader().read_ts().await
    }

    /// See [`crate::LeaderGroup::begin`].
    pub async fn begin(&self, options: TxnOptions) -> Result<Transaction> {
        LeaderAccess::Here(self.voter.leader().clone()).begin(options).await
    }

    /// Reads what this voter has applied, whether it leads or not.
    pub fn reader(&self) -> RowReader {
        RowReader::here(self.voter.leader().reader())
    }

    /// Purges the log up to the last applied entry, so that a replica that lacks any of it gets a raft
    /// snapshot. Returns at once.
    pub fn purge_log(&self) {
        let leader = self.voter.leader();
        leader.purge_log(leader.voter().applied().index);
    }

    /// Index of the last entry removed from this voter's log.
    pub fn purged_index(&self) -> Option<u64> {
        self.voter.leader().raft().metrics().borrow().purged.map(|l| l.index)
    }

    /// Stops. The others elect somebody else if this voter led.
    pub async fn shutdown(&self) -> Result<()> {
        crate::runtime::blocking(|| self.maintenance.stop());
        self.voter.shutdown().await
    }
}

fn read_index_service(leader: Arc<Leader>) -> ReadIndexService {
    Arc::new(move |ts, timeout| {
        let leader = leader.clone();
        Box::pin(async move {
            let ts = match ts {
                Some(ts) => ts,
                None => leader.read_ts().await?,
            };
            Ok((ts, leader.read_index(ts, timeout).await?))
        })
    })
}
