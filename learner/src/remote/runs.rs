//! Runs of a hidden table, from a front end to the leader, piece by piece.

use std::sync::Arc;

use bytes::Bytes;
use deltatree_proto::v1::{KeyValue, RunChunk, RunsRequest};
use deltatree_storage::types::{TableId, Timestamp};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::failure::Failure;
use super::finder::{Client, Repeat};
use super::leader_client::RemoteLeader;
use crate::error::{Error, Result};
use crate::row_store::{Ascending, FillRun, RunSink, Version};

/// Bytes of a piece, and pieces under way.
const PIECE_BYTES: usize = 1 << 20;
const PIECES_AHEAD: usize = 4;
/// Longest wait for a majority to have all runs of a table.
const SEAL: std::time::Duration = std::time::Duration::from_secs(3600);

impl RemoteLeader {
    /// See [`crate::LeaderGroup::ingest`].
    pub(crate) fn ingest(self: &Arc<Self>, ts: Timestamp, fill: &mut FillRun<'_>) -> Result<u64> {
        // Whoever answers this leads, and is asked next.
        let leader = self.clone();
        self.runtime().wait(async move { leader.read_ts().await })??;
        let (_, client) = self.finder.current()?;
        let (pieces, stream) = mpsc::channel(PIECES_AHEAD);
        let (done, outcome) = std::sync::mpsc::sync_channel(1);
        self.runtime().spawn(async move {
            // Whoever has stopped waiting needs no answer.
            let _ = done.send(send_run(client, stream).await);
        })?;
        let mut sender = Sender { ts, order: Ascending::default(), piece: RunChunk::default(), bytes: 0, pieces };
        let filled = fill(&mut sender).and_then(|()| sender.end());
        drop(sender);
        let sent = outcome.recv().map_err(|_| Error::Closed)?;
        // If it was cut off, what there was to say of it is here.
        filled.and(sent)
    }

    /// See [`crate::LeaderGroup::seal`].
    pub(crate) async fn seal_runs(&self, table: TableId, ts: Timestamp) -> Result<()> {
        let request = RunsRequest { table: table.0, timestamp: ts.0 };
        let send = |mut client: Client| async move { client.seal_runs(request).await };
        self.finder.call(Repeat::Always, SEAL, send).await.map(drop)
    }
}

/// Sends a run to a voter. Returns the number of pairs.
pub(super) async fn send_run(mut client: Client, pieces: mpsc::Receiver<RunChunk>) -> Result<u64> {
    let answer = client.ingest_run(ReceiverStream::new(pieces)).await;
    answer.map(|answer| answer.into_inner().pairs).map_err(|status| match Failure::read(&status) {
        Some(failure) => failure.into_error(),
        None => Error::Io { action: "send a run to a voter", reason: status.message().to_owned() },
    })
}

/// Collects pairs into pieces.
pub(super) struct Sender {
    pub(super) ts: Timestamp,
    pub(super) order: Ascending,
    pub(super) piece: RunChunk,
    pub(super) bytes: usize,
    pub(super) pieces: mpsc::Sender<RunChunk>,
}

impl Sender {
    /// The next pair.
    pub(super) fn add(&mut self, pair: KeyValue) -> Result<()> {
        self.order.next(&pair.key)?;
        self.bytes += pair.key.len() + pair.value.len();
        self.piece.pairs.push(pair);
        if self.bytes < PIECE_BYTES {
            return Ok(());
        }
        self.send()
    }

    fn send(&mut self) -> Result<()> {
        self.bytes = 0;
        let cut_off = |_| Error::Io { action: "send a run to a voter", reason: "it has given up".into() };
        self.pieces.blocking_send(std::mem::take(&mut self.piece)).map_err(cut_off)
    }

    /// There are no more.
    pub(super) fn end(&mut self) -> Result<()> {
        self.piece.last = true;
        self.send()
    }
}

impl RunSink for Sender {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        self.add(KeyValue { key, value, commit_timestamp: self.ts.0 })
    }
}

/// The pieces of a run as they arrive. Reading blocks.
pub(super) struct ReceivedRun {
    /// Of the first piece.
    pub(super) copy: bool,
    pieces: mpsc::Receiver<Result<RunChunk, Status>>,
    pairs: std::vec::IntoIter<KeyValue>,
    complete: bool,
}

impl ReceivedRun {
    /// Waits for the first piece.
    pub(super) async fn begin(mut stream: Streaming<RunChunk>) -> Result<Self, Status> {
        let first = stream.message().await?.ok_or_else(|| Status::invalid_argument("an empty run"))?;
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        // Ends when the stream does or when the receiver is dropped.
        tokio::spawn(async move {
            while let Some(piece) = stream.message().await.transpose() {
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { copy: first.copy, pieces, pairs: first.pairs.into_iter(), complete: first.last })
    }
}

impl Iterator for ReceivedRun {
    type Item = Result<Version>;

    fn next(&mut self) -> Option<Self::Item> {
        let cut_off = |reason: String| Some(Err(Error::Io { action: "receive a run", reason }));
        loop {
            if let Some(KeyValue { key, value, commit_timestamp }) = self.pairs.next() {
                return Some(Ok(Version { key, value, commit_ts: Timestamp(commit_timestamp) }));
            }
            if self.complete {
                return None;
            }
            match self.pieces.blocking_recv() {
                Some(Ok(piece)) => {
                    self.complete = piece.last;
                    self.pairs = piece.pairs.into_iter();
                }
                Some(Err(status)) => return cut_off(status.message().to_owned()),
                None => return cut_off("it was cut off".into()),
            }
        }
    }
}
