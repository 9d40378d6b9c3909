//! A replica of the group.

use std::net::SocketAddr;
use std::sync::Arc;

use deltatree_learner::clock::SystemClock;
use deltatree_learner::cluster::{LearnerNode, MemberConfig, VoterNode};

use super::ServeArgs;
use super::process::{say_ready, stop_signal};
use crate::error::Result;

/// Serves rows: to the other voters, and while it leads to front ends.
pub(super) async fn run_voter(args: &ServeArgs) -> Result<()> {
    let stop = stop_signal()?;
    let voter = VoterNode::start(member(args)?).await?;
    say_ready(&[("peer", voter.address())]);
    stop.await;
    Ok(voter.shutdown().await?)
}

/// Follows the group and keeps its tables as columns.
pub(super) async fn run_learner(args: &ServeArgs) -> Result<()> {
    let stop = stop_signal()?;
    let learner = LearnerNode::start(member(args)?).await?;
    say_ready(&[("peer", learner.address())]);
    stop.await;
    Ok(learner.shutdown().await?)
}

fn member(args: &ServeArgs) -> Result<MemberConfig> {
    let listen = SocketAddr::new(args.host, args.peer_port);
    Ok(MemberConfig {
        data_dir: args.data_dir.clone(),
        listen,
        advertise: args.advertise.clone().unwrap_or_else(|| listen.to_string()),
        join: args.join.clone(),
        clock: Arc::new(SystemClock),
        links: args.cluster_ssl.links()?,
    })
}
