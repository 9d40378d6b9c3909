//! Reading rows from the leader. Callers block, as they do on a disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use deltatree_proto::v1::{GetRowsRequest, KeyValue, ScanRowsChunk, ScanRowsRequest};
use deltatree_storage::types::Timestamp;
use tokio::sync::mpsc;
use tonic::Streaming;

use super::finder::{Client, Finder, Repeat};
use super::leader_client::{ATTEMPT, RemoteLeader};
use crate::error::{Error, ErrorKind, Result};
use crate::row_store::Row;

/// Longest wait for the next rows of a scan.
const NEXT_ROWS: Duration = Duration::from_secs(12);

impl RemoteLeader {
    /// The rows of `keys` at `ts`, in their order. Blocks.
    pub(crate) fn get_rows<K: AsRef<[u8]>>(self: &Arc<Self>, keys: &[K], ts: Timestamp) -> Result<Vec<Option<Bytes>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = keys.iter().map(|key| Bytes::copy_from_slice(key.as_ref())).collect();
        let wanted = keys.len();
        let request = GetRowsRequest { timestamp: ts.0, keys };
        let leader = self.clone();
        let answer = self.runtime().wait(async move {
            let send = |mut client: Client| {
                let request = request.clone();
                async move { client.get_rows(request).await }
            };
            leader.finder.call(Repeat::Always, ATTEMPT, send).await
        })??;
        if answer.rows.len() != wanted {
            let text = format!("the leader answered {} rows for {wanted} keys", answer.rows.len());
            return Err(Error::Internal(text));
        }
        Ok(answer.rows.into_iter().map(|row| row.value).collect())
    }

    /// Rows with keys in `start..end` at `ts`, fetched ahead of the reader.
    pub(crate) fn scan_rows(self: &Arc<Self>, start: Bytes, end: Bytes, ts: Timestamp, reverse: bool) -> RemoteScan {
        let wanted = ScanRowsRequest { timestamp: ts.0, start, end, reverse };
        let (fetch, mut scan) = RemoteScan::new(self.finder.clone(), wanted, Duration::ZERO);
        scan.failed = self.runtime().spawn(fetch).err();
        scan
    }
}

/// The fetching half of a scan.
struct Fetch {
    finder: Arc<Finder>,
    /// How long to go on without a leader, beyond what the finder does.
    patience: Duration,
    /// What is still to be fetched. A scan whose leader is lost goes on from here at another one: a
    /// timestamp shows the same rows everywhere.
    rest: ScanRowsRequest,
}

type Chunk = Result<Vec<KeyValue>>;

impl Fetch {
    /// Returns when all rows are handed over, or nobody wants them.
    async fn run(mut self, chunks: &mpsc::Sender<Chunk>) -> Result<()> {
        let mut without = Instant::now();
        loop {
            let send = |mut client: Client| {
                let rest = self.rest.clone();
                async move { client.scan_rows(rest).await }
            };
            let mut stream = match self.finder.call(Repeat::Always, ATTEMPT, send).await {
                Err(e) if e.kind() == ErrorKind::NotLeader && without.elapsed() < self.patience => continue,
                answer => answer?,
            };
            if self.receive(&mut stream, chunks).await? {
                return Ok(());
            }
            without = Instant::now();
        }
    }

    /// Hands over what comes. False if the stream broke off.
    async fn receive(&mut self, stream: &mut Streaming<ScanRowsChunk>, chunks: &mpsc::Sender<Chunk>) -> Result<bool> {
        loop {
            let rows = match tokio::time::timeout(NEXT_ROWS, stream.message()).await {
                Ok(Ok(None)) => return Ok(true),
                Ok(Ok(Some(chunk))) => chunk.rows,
                Ok(Err(status)) => match super::failure::Failure::read(&status) {
                    Some(super::failure::Failure::NotLeader { .. }) | None => return Ok(false),
                    Some(failure) => return Err(failure.into_error()),
                },
                Err(_) => return Ok(false),
            };
            if let Some(last) = rows.last() {
                self.skip_past(&last.key);
            }
            if chunks.send(Ok(rows)).await.is_err() {
                return Ok(true);
            }
        }
    }

    fn skip_past(&mut self, key: &Bytes) {
        if self.rest.reverse {
            self.rest.end = key.clone();
        } else {
            self.rest.start = [key.as_ref(), &[0]].concat().into();
        }
    }
}

/// Rows as they arrive. Blocks.
pub(crate) struct RemoteScan {
    received: mpsc::Receiver<Chunk>,
    rows: std::vec::IntoIter<KeyValue>,
    failed: Option<Error>,
}

impl RemoteScan {
    /// A scan, and what fetches for it: to be run elsewhere.
    pub(super) fn new(
        finder: Arc<Finder>,
        wanted: ScanRowsRequest,
        patience: Duration,
    ) -> (impl Future<Output = ()> + Send + 'static, Self) {
        const CHUNKS_AHEAD: usize = 2;
        let (chunks, received) = mpsc::channel(CHUNKS_AHEAD);
        let fetch = Fetch { finder, patience, rest: wanted };
        let run = async move {
            if let Err(e) = fetch.run(&chunks).await {
                // Nobody listens if the scan was dropped.
                let _ = chunks.send(Err(e)).await;
            }
        };
        (run, Self { received, rows: Vec::new().into_iter(), failed: None })
    }

    /// The next row as it came.
    pub(super) fn next_entry(&mut self) -> Option<Result<KeyValue>> {
        if let Some(e) = self.failed.take() {
            return Some(Err(e));
        }
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            let received = &mut self.received;
            match crate::runtime::blocking(|| futures::executor::block_on(received.recv()))? {
                Ok(rows) => self.rows = rows.into_iter(),
                Err(e) => return Some(Err(e)),
            }
        }
    }
}

impl Iterator for RemoteScan {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.next_entry()?.map(|row| Row::own(row.key, row.value)))
    }
}
