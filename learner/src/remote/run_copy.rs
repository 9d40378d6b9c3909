//! Runs of an imported table, from one voter to another: to those that follow, before the table appears, and to
//! those that lack it when they apply the entry by which it appeared.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deltatree_proto::v1::{KeyValue, RunChunk, RunsRequest, ScanRowsChunk};
use deltatree_storage::types::{TableId, Timestamp};
use tokio::sync::mpsc;
use tonic::Streaming;

use super::finder::connect;
use super::runs::{Sender, send_run};
use crate::codec::{runs_complete_key, table_range};
use crate::error::{Error, Result};
use crate::raft::VoterState;
use crate::row_store::{Ascending, Version};

/// Longest wait for the next rows of another voter.
const NEXT_ROWS: Duration = Duration::from_secs(30);
/// How long a voter asks the others for a table: without it, it cannot go on.
const PATIENCE: Duration = Duration::from_secs(3600);
const PAUSE: Duration = Duration::from_millis(500);

/// Sends all that this voter has of a table to the one at `address`. Returns the number of pairs.
pub(crate) async fn copy_runs(voter: &Arc<VoterState>, table: TableId, address: &str) -> Result<u64> {
    const PIECES_AHEAD: usize = 4;
    let client = connect(address, &voter.links)?;
    let (pieces, stream) = mpsc::channel(PIECES_AHEAD);
    let store = voter.store.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let piece = RunChunk { copy: true, ..RunChunk::default() };
        let mut sender = Sender { ts: Timestamp::ZERO, order: Ascending::default(), piece, bytes: 0, pieces };
        let (start, end) = table_range(table);
        for row in store.newest_rows(&start, &end) {
            let row = row?;
            let commit_timestamp = row.commit_ts()?.0;
            sender.add(KeyValue { key: row.key_bytes(), value: row.value_bytes(), commit_timestamp })?;
        }
        sender.end()
    });
    let sent = send_run(client, stream).await;
    let read = reading.await.map_err(|e| Error::Internal(format!("a task failed: {e}")))?;
    // If the other one gave up, it says why.
    let pairs = sent?;
    read.map(|()| pairs)
}

/// Gets all of a table from one of `members`. Blocks, for an hour if nobody has it.
///
/// It comes as it is with the sender now, which may be later than where this voter is: what it applies next it
/// has already, which changes nothing, but older versions are missing. So nothing below may be read here.
pub(crate) fn fetch_runs(voter: &VoterState, table: TableId, members: Vec<String>) -> Result<()> {
    let runtime = tokio::runtime::Handle::current();
    let begun = Instant::now();
    tracing::info!(%table, "getting an imported table from another voter");
    loop {
        let mut last = Error::Internal(format!("no other voter is known that has table {table}"));
        for address in members.iter().filter(|address| !address.is_empty()) {
            match crate::runtime::blocking(|| fetch_from(voter, table, address, &runtime)) {
                Ok(()) => return Ok(()),
                Err(e) => last = e,
            }
        }
        if begun.elapsed() >= PATIENCE || members.iter().all(String::is_empty) {
            return Err(last);
        }
        crate::runtime::blocking(|| std::thread::sleep(PAUSE));
    }
}

fn fetch_from(voter: &VoterState, table: TableId, address: &str, runtime: &tokio::runtime::Handle) -> Result<()> {
    let failed = |status: tonic::Status| Error::Io { action: "get a table", reason: voter.links.why(address, &status) };
    let _there = runtime.enter();
    let mut client = connect(address, &voter.links)?;
    let request = RunsRequest { table: table.0, timestamp: 0 };
    let answer = runtime.block_on(async { tokio::time::timeout(NEXT_ROWS, client.fetch_runs(request)).await });
    let mut stream = answer.map_err(|_| late())?.map_err(failed)?.into_inner();
    // The first piece tells how new the rows may be. Without one the table is gone by now.
    let Some(first) = next_piece(&mut stream, runtime)? else { return Ok(()) };
    let upto = first.rows.into_iter().next().filter(|row| row.key.is_empty()).ok_or_else(late)?;
    voter.store.raise_safe_point(Timestamp(upto.commit_timestamp));
    voter.store.keep_safe_point()?;
    let complete = runs_complete_key(table);
    let mut rows = Vec::new().into_iter();
    let mut seen_all = false;
    let mut versions = std::iter::from_fn(|| {
        loop {
            if let Some(KeyValue { key, value, commit_timestamp }) = rows.next() {
                seen_all |= key == complete;
                return Some(Ok(Version { key, value, commit_ts: Timestamp(commit_timestamp) }));
            }
            match next_piece(&mut stream, runtime) {
                Ok(Some(piece)) => rows = piece.rows.into_iter(),
                // The mark is the last of all.
                Ok(None) if seen_all => return None,
                Ok(None) => return Some(Err(late())),
                Err(e) => return Some(Err(e)),
            }
        }
    });
    voter.ingest_versions(&|| Ok(()), &mut versions).map(drop)
}

fn next_piece(
    stream: &mut Streaming<ScanRowsChunk>,
    runtime: &tokio::runtime::Handle,
) -> Result<Option<ScanRowsChunk>> {
    let piece = runtime.block_on(async { tokio::time::timeout(NEXT_ROWS, stream.message()).await });
    piece.map_err(|_| late())?.map_err(|e| Error::Io { action: "get a table", reason: e.message().to_owned() })
}

fn late() -> Error {
    Error::Io { action: "get a table", reason: "the other voter has stopped sending".into() }
}
