//! Asking the leader for changes of the group's members.

use std::time::{Duration, Instant};

use deltatree_proto::v1::{MemberAddress, MemberNumber, Nothing};

use super::finder::{Client, Finder, Repeat};
use super::leader_client::ATTEMPT;
use crate::error::{Error, ErrorKind, Result};
use crate::grpc::PeerLinks;
use crate::leader::Member;

/// See the module.
pub(crate) struct MembershipClient(Finder);

impl MembershipClient {
    /// `addresses` of some voters, `host:port`. Call it within a runtime. Errors: `Invalid`.
    pub(crate) fn new(addresses: &[String], links: PeerLinks) -> Result<Self> {
        Finder::new(addresses, links).map(Self)
    }

    /// All members, by number.
    pub(crate) async fn members(&self) -> Result<Vec<Member>> {
        let send = |mut client: Client| async move { client.get_members(Nothing {}).await };
        let answer = self.0.call(Repeat::Always, ATTEMPT, send).await?;
        let members = answer.members.into_iter();
        Ok(members.map(|m| Member { id: m.id, address: m.address, voter: m.voter, leads: m.leads }).collect())
    }

    /// Joins the group as a learner. Waits for a group that is being formed, at most `patience`.
    pub(crate) async fn join(&self, address: &str, patience: Duration) -> Result<u64> {
        let begun = Instant::now();
        let joining = MemberAddress { address: address.to_owned() };
        loop {
            let send = |mut client: Client| {
                let joining = joining.clone();
                async move { client.admit_member(joining).await }
            };
            match self.0.call(Repeat::Always, ATTEMPT, send).await {
                Err(e) if e.kind() == ErrorKind::NotLeader && begun.elapsed() < patience => {}
                answer => return answer.map(|number| number.id),
            }
        }
    }

    /// Becomes a voter. Returns when it is one, or cannot become one.
    pub(crate) async fn become_voter(&self, id: u64) -> Result<()> {
        const AGAIN: Duration = Duration::from_millis(300);
        loop {
            let send = |mut client: Client| async move { client.promote_member(MemberNumber { id }).await };
            match self.0.call(Repeat::Always, ATTEMPT, send).await {
                Ok(_) => return Ok(()),
                Err(e) if matches!(e.kind(), ErrorKind::NotLeader | ErrorKind::Timeout) => {
                    tokio::time::sleep(AGAIN).await;
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Lets a member go.
    pub(crate) async fn remove(&self, address: &str) -> Result<(), Error> {
        let leaving = MemberAddress { address: address.to_owned() };
        let send = |mut client: Client| {
            let leaving = leaving.clone();
            async move { client.remove_member(leaving).await }
        };
        self.0.call(Repeat::Always, ATTEMPT, send).await.map(drop)
    }
}
