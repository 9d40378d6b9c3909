//! Am I still the leader? One round trip for all who ask at the same time.
//!
//! A request that arrives while a round is under way is answered by the next one: the round must begin
//! after the request for its answer to count.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{mpsc, oneshot};

use super::Leader;
use crate::error::{Error, Result};

type Reply = oneshot::Sender<Result<()>>;

/// Where to ask.
pub(super) struct Confirmations(mpsc::UnboundedSender<Reply>);

impl Confirmations {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Reply>) {
        let (requests, receiver) = mpsc::unbounded_channel();
        (Self(requests), receiver)
    }
}

impl Leader {
    /// Makes sure that no other voter has become leader without this one knowing, and that it is the confirmed
    /// term that answers: a term may have come and gone since this one began to serve. The only voter of a
    /// group knows.
    pub(super) async fn confirm_leadership(&self) -> Result<()> {
        if self.alone.load(Ordering::Acquire) {
            return Ok(());
        }
        let (reply, answer) = oneshot::channel();
        self.confirmations.0.send(reply).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    async fn confirm_once(&self) -> Result<()> {
        let asked = crate::runtime::timeout(self.limits.replication, self.raft.get_read_log_id()).await;
        match asked {
            Ok(Ok((read_log_id, _))) => {
                let index = read_log_id.map_or(0, |l| l.index);
                let mut applied = self.voter.watch_applied();
                let wait = applied.wait_for(|a| a.index >= index);
                match crate::runtime::timeout(self.limits.replication, wait).await {
                    Ok(Ok(_)) => self.serves_in(read_log_id.map(|l| l.leader_id.term)),
                    Ok(Err(_)) => Err(Error::Closed),
                    Err(_) => Err(self.unconfirmed()),
                }
            }
            Ok(Err(openraft::error::RaftError::APIError(_))) => Err(self.not_leader()),
            Ok(Err(openraft::error::RaftError::Fatal(e))) => Err(self.fatal(&e)),
            Err(_) => Err(self.unconfirmed()),
        }
    }

    fn serves_in(&self, term: Option<u64>) -> Result<()> {
        let serving = self.state.lock().term.as_ref().map(|led| led.term);
        if serving.is_some() && serving == term { Ok(()) } else { Err(self.not_leader()) }
    }

    fn unconfirmed(&self) -> Error {
        Error::Timeout {
            what: "confirmation of leadership".into(),
            waited_ms: self.limits.replication.as_millis() as u64,
        }
    }
}

/// Serves rounds until the leader stops.
pub(super) async fn run(leader: Arc<Leader>, mut requests: mpsc::UnboundedReceiver<Reply>) {
    loop {
        let first = tokio::select! {
            first = requests.recv() => first,
            () = leader.stopped() => return,
        };
        let Some(first) = first else { return };
        let mut round = vec![first];
        while let Ok(more) = requests.try_recv() {
            round.push(more);
        }
        let answer = leader.confirm_once().await;
        for reply in round {
            // Whoever has stopped waiting needs no answer.
            let _ = reply.send(answer.clone());
        }
    }
}
