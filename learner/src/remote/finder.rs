//! Finds the leader among the voters, and sends requests there.
//!
//! A request goes to the voter that answered last. If that one does not lead it says who does; if it
//! does not answer, the others are asked in turn, for a while. A request that may not be repeated is
//! repeated all the same as long as it is certain that nobody has acted on it: the answer says so, or the
//! connection was refused.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use deltatree_proto::v1::group_leader_client::GroupLeaderClient;
use parking_lot::Mutex;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use super::failure::Failure;
use crate::error::{Error, Result};
use crate::grpc::PeerLinks;
use crate::raft::MESSAGE_BYTES;

/// A connection to one voter.
pub(super) type Client = GroupLeaderClient<Channel>;

/// Longest search for a leader: several elections.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause before the next voter is asked.
const PAUSE: Duration = Duration::from_millis(50);

/// What may be done about a request that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Send it again: to do it twice is to do it once.
    Always,
    /// Nothing: it may have happened.
    Never,
}

/// The voters that are known.
pub(super) struct Finder {
    known: Mutex<Known>,
    links: PeerLinks,
    /// Where connections live.
    runtime: tokio::runtime::Handle,
}

struct Known {
    addresses: Vec<String>,
    /// Who is asked next.
    current: usize,
    clients: HashMap<String, Client>,
}

/// What came of one attempt.
enum Outcome {
    /// This voter does not lead. It may know who does.
    NotLeader(Option<String>),
    /// No answer. Whether the request arrived is not known.
    Lost(String),
    /// No answer, because the request was never sent.
    Unsent(String),
    /// The leader's answer.
    Failed(Error),
}

impl Finder {
    /// `addresses` of some voters, `host:port`. Call it within a runtime that outlives the finder.
    /// Errors: `Invalid` if there are none, or one is no address.
    pub(super) fn new(addresses: &[String], links: PeerLinks) -> Result<Self> {
        if addresses.is_empty() {
            return Err(Error::Invalid("no address of the group is given".into()));
        }
        let finder = Self {
            known: Mutex::new(Known { addresses: addresses.to_vec(), current: 0, clients: HashMap::new() }),
            links,
            runtime: tokio::runtime::Handle::current(),
        };
        for address in addresses {
            let client = connect(address, &finder.links)?;
            finder.known.lock().clients.insert(address.clone(), client);
        }
        Ok(finder)
    }

    /// The voters known, for messages.
    pub(super) fn addresses(&self) -> String {
        self.known.lock().addresses.join(", ")
    }

    /// The voter that answered last.
    pub(super) fn current(&self) -> Result<(String, Client)> {
        let known = &mut *self.known.lock();
        let at = known.current % known.addresses.len();
        let address = known.addresses[at].clone();
        let client = match known.clients.get(&address) {
            Some(client) => client.clone(),
            None => {
                let _there = self.runtime.enter();
                let client = connect(&address, &self.links)?;
                known.clients.insert(address.clone(), client.clone());
                client
            }
        };
        Ok((address, client))
    }

    /// These are all the voters.
    pub(super) fn learn(&self, voters: Vec<String>) {
        let known = &mut *self.known.lock();
        if voters.is_empty() || voters == known.addresses {
            return;
        }
        let current = known.addresses.get(known.current % known.addresses.len());
        known.current = voters.iter().position(|address| Some(address) == current).unwrap_or(0);
        known.clients.retain(|address, _| voters.contains(address));
        known.addresses = voters;
    }

    /// Asks somebody other than `failed` next: `leader` if it is named. Whoever comes late changes nothing.
    fn move_on(&self, failed: &str, leader: Option<String>) {
        let known = &mut *self.known.lock();
        let at = known.current % known.addresses.len();
        if known.addresses[at] != failed {
            return;
        }
        let named = leader.filter(|address| address != failed && !address.is_empty());
        known.current = match named {
            None => at + 1,
            Some(address) => match known.addresses.iter().position(|a| *a == address) {
                Some(position) => position,
                None => {
                    known.addresses.push(address);
                    known.addresses.len() - 1
                }
            },
        };
    }

    /// Sends a request to the leader and returns its answer. An attempt may take as long as `attempt`.
    ///
    /// Errors: the leader's own; `NotLeader` if none was found in time; `OutcomeUnknown` if the answer to
    /// a request that may not be repeated was lost.
    pub(super) async fn call<T, F>(&self, repeat: Repeat, attempt: Duration, send: impl Fn(Client) -> F) -> Result<T>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let begun = Instant::now();
        loop {
            let (address, client) = self.current()?;
            let outcome = match tokio::time::timeout(attempt, send(client)).await {
                Ok(Ok(answer)) => return Ok(answer.into_inner()),
                Ok(Err(status)) => Outcome::of(&status, || self.links.why(&address, &status)),
                Err(_) => Outcome::Lost(format!("no answer within {} ms", attempt.as_millis())),
            };
            let last = match outcome {
                Outcome::Failed(e) => return Err(e),
                Outcome::Lost(reason) if repeat == Repeat::Never => {
                    self.move_on(&address, None);
                    return Err(Error::OutcomeUnknown(format!("the leader at {address} was lost: {reason}")));
                }
                Outcome::Lost(reason) | Outcome::Unsent(reason) => {
                    self.move_on(&address, None);
                    format!("{address}: {reason}")
                }
                Outcome::NotLeader(leader) => {
                    self.move_on(&address, leader);
                    format!("{address} does not lead")
                }
            };
            if begun.elapsed() >= PATIENCE {
                let waited_ms = begun.elapsed().as_millis() as u64;
                return Err(Error::NoLeader { asked: self.addresses(), waited_ms, last });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Outcome {
    /// `why` tells the transport's reason.
    fn of(status: &Status, why: impl Fn() -> String) -> Self {
        match Failure::read(status) {
            Some(Failure::NotLeader { address }) => Self::NotLeader(address),
            Some(failure) => Self::Failed(failure.into_error()),
            None if refused(status) => Self::Unsent(why()),
            None => match status.code() {
                Code::InvalidArgument | Code::OutOfRange | Code::ResourceExhausted | Code::Unimplemented => {
                    Self::Failed(Error::Internal(format!("the leader refuses a request: {}", why())))
                }
                _ => Self::Lost(why()),
            },
        }
    }
}

/// Whether nobody listened, so that the request was never sent.
fn refused(status: &Status) -> bool {
    let mut cause = std::error::Error::source(status);
    while let Some(e) = cause {
        if let Some(e) = e.downcast_ref::<std::io::Error>() {
            return e.kind() == std::io::ErrorKind::ConnectionRefused;
        }
        cause = e.source();
    }
    false
}

/// Connects when it is first used.
pub(super) fn connect(address: &str, links: &PeerLinks) -> Result<Client> {
    Ok(GroupLeaderClient::new(links.channel(address)?)
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finder(addresses: &[&str]) -> Finder {
        Finder::new(&addresses.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>(), PeerLinks::default()).unwrap()
    }

    #[tokio::test]
    async fn the_leader_that_is_named_is_asked_next_and_others_in_turn() {
        let finder = finder(&["a:1", "b:1"]);
        let current = || finder.current().unwrap().0;
        assert_eq!(current(), "a:1");
        finder.move_on("a:1", Some("c:1".into()));
        assert_eq!(current(), "c:1", "an unknown leader is added");
        finder.move_on("a:1", None);
        assert_eq!(current(), "c:1", "a failure of somebody else changes nothing");
        finder.move_on("c:1", None);
        assert_eq!(current(), "a:1");
        finder.learn(vec!["c:1".into(), "a:1".into()]);
        assert_eq!(current(), "a:1", "who is asked stays the same when the voters change");
        finder.learn(vec!["d:1".into()]);
        assert_eq!(current(), "d:1");
    }

    #[tokio::test]
    async fn a_request_that_nobody_heard_may_be_sent_again() {
        let finder = finder(&["127.0.0.1:1"]);
        let (_, mut client) = finder.current().unwrap();
        let status = client.get_timestamp(deltatree_proto::v1::TimestampRequest {}).await.unwrap_err();
        assert!(matches!(Outcome::of(&status, String::new), Outcome::Unsent(_)), "{status:?}");
    }
}
