//! The leader's answers to front ends in other processes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltatree_proto::v1::group_leader_server::{GroupLeader, GroupLeaderServer};
use deltatree_proto::v1::{
    AllocateIdsReply, AllocateIdsRequest, CommitTransaction, Definitions, DefinitionsRequest, DropTableDataRequest,
    FoundRow, GetRowsReply, GetRowsRequest, GroupMember, HoldRequest, KeepAliveReply, KeepAliveRequest, KeyValue,
    LockKeysReply, LockKeysRequest, MemberAddress, MemberNumber, Members, Nothing, ReleaseLocksRequest, RunChunk,
    RunReply, RunsRequest, ScanRowsChunk, ScanRowsRequest, TimestampReply, TimestampRequest,
};
use deltatree_storage::types::{TableId, Timestamp};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::failure::Failure;
use super::front_ends::{FrontEnds, Locking};
use super::runs::ReceivedRun;
use crate::catalog::is_definition_key;
use crate::codec::{meta_range, table_range};
use crate::error::{Error, Result};
use crate::leader::Leader;
use crate::raft::MESSAGE_BYTES;
use crate::row_store::{Row, StoreScan};
use crate::txn::{CheckedMutation, CommitRequest, LockedKey};

/// Longest wait for commits below a timestamp.
const SETTLE: Duration = Duration::from_secs(10);
/// Keys above which a look into the row store must not block the runtime's worker.
const MANY_KEYS: usize = 64;

/// See the module.
pub(crate) struct LeaderService {
    leader: Arc<Leader>,
    front_ends: Arc<FrontEnds>,
}

/// The service of a voter, on the current runtime.
pub(crate) fn leader_service(leader: Arc<Leader>) -> GroupLeaderServer<LeaderService> {
    let front_ends = FrontEnds::start(leader.clone());
    GroupLeaderServer::new(LeaderService { leader, front_ends })
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES)
}

impl LeaderService {
    fn failed(&self, e: Error) -> Status {
        Failure::of(e, self.leader.leader_address()).into_status()
    }

    fn answer<T>(&self, outcome: Result<T>) -> Result<Response<T>, Status> {
        outcome.map(Response::new).map_err(|e| self.failed(e))
    }

    fn timestamp(&self, outcome: Result<Timestamp>) -> Result<Response<TimestampReply>, Status> {
        let definitions = self.leader.voter().catalog().version();
        self.answer(outcome.map(|ts| TimestampReply { timestamp: ts.0, definitions }))
    }

    async fn hold(&self, front_end: u64, ts: Timestamp) -> Result<Timestamp> {
        let reads = self.leader.snapshot_at(ts).await?;
        self.front_ends.hold(front_end, reads);
        Ok(ts)
    }

    async fn rows(&self, ts: Timestamp, keys: &[Bytes]) -> Result<GetRowsReply> {
        // Whoever was the leader when the timestamp was drawn: this one has everything below it.
        self.leader.settle(ts, SETTLE).await?;
        let read = || self.leader.reader().multi_get(keys, ts);
        let rows = if keys.len() > MANY_KEYS { crate::runtime::blocking(read) } else { read() }?;
        Ok(GetRowsReply { rows: found(rows) })
    }

    /// Locks keys, and reads them if they are few: whoever locks rows wants to know what is in them.
    async fn lock(&self, request: &LockKeysRequest) -> Result<LockKeysReply> {
        let LockKeysRequest { front_end, transaction: number, ref keys, wait_ms, sent } = *request;
        let txn = self.front_ends.transaction(front_end, number, sent);
        let _given_back = Locking { front_ends: &self.front_ends, front_end, number, txn };
        let ts = self.leader.lock(txn, keys, Duration::from_millis(wait_ms)).await?;
        let rows = if keys.len() > MANY_KEYS { Vec::new() } else { self.leader.reader().multi_get(keys, ts)? };
        let definitions = self.leader.voter().catalog().version();
        Ok(LockKeysReply { timestamp: ts.0, definitions, rows: found(rows) })
    }

    async fn commit_transaction(&self, request: CommitTransaction) -> Result<Timestamp> {
        let known = self.front_ends.known(request.front_end, request.transaction);
        let changes = request.changes.into_iter();
        let mutations =
            changes.map(|c| CheckedMutation::new(c.key, c.value, Timestamp(c.unchanged_since), c.must_be_new));
        let commit = CommitRequest::new(
            known.unwrap_or_else(|| self.leader.new_txn_id()),
            Timestamp(request.start_timestamp),
            mutations.collect(),
            request.schemas.iter().map(|s| (TableId(s.table), s.version)).collect(),
        )
        .with_locked(request.locked.into_iter().map(|l| LockedKey::new(l.key, Timestamp(l.unchanged_since))).collect());
        // What the asker would see as a refusal must be one: a commit that was begun is finished, even if
        // the asker goes away.
        let leader = self.leader.clone();
        let committed = tokio::spawn(async move { leader.commit(commit).await });
        committed.await.map_err(|e| Error::OutcomeUnknown(format!("the leader failed while it committed: {e}")))?
    }

    fn definitions(&self, known: u64) -> Result<Definitions> {
        if !self.leader.is_leading() {
            return Err(Error::NotLeader { leader: None });
        }
        if self.leader.voter().catalog().version() == known {
            return Ok(Definitions { unchanged: true, entries: Vec::new() });
        }
        let (start, end) = meta_range();
        let rows = self.leader.voter().store.newest_rows(&start, &end);
        let definitions = rows.filter(|row| row.as_ref().map_or(true, |row| is_definition_key(row.key())));
        let entries = definitions.map(|row| key_value(&row?)).collect::<Result<_>>()?;
        Ok(Definitions { unchanged: false, entries })
    }

    fn members(&self) -> Result<Vec<GroupMember>> {
        let members = self.leader.members()?.into_iter();
        let members = members.map(|m| GroupMember { id: m.id, address: m.address, voter: m.voter, leads: m.leads });
        Ok(members.collect())
    }

    fn keep_alive_reply(&self, request: &KeepAliveRequest) -> Result<KeepAliveReply> {
        if !self.leader.is_leading() {
            return Err(Error::NotLeader { leader: None });
        }
        let oldest = request.oldest_reader.map(Timestamp);
        self.front_ends.heard(request.front_end, oldest, request.sent, &request.open_transactions);
        let status = postcard::to_allocvec(&self.leader.status())
            .map_err(|e| Error::Internal(format!("cannot encode the status: {e}")))?;
        Ok(KeepAliveReply { status: status.into(), members: self.members()? })
    }
}

fn key_value(row: &Row) -> Result<KeyValue> {
    Ok(KeyValue { key: row.key_bytes(), value: row.value_bytes(), commit_timestamp: row.commit_ts()?.0 })
}

/// Reads a range and sends it piece by piece, small pieces first: many scans end after a few rows. Blocks.
fn send_rows(scan: StoreScan, chunks: &mpsc::Sender<Result<ScanRowsChunk, Status>>) {
    const FIRST_BYTES: usize = 4 << 10;
    const MOST_BYTES: usize = 512 << 10;
    let mut limit = FIRST_BYTES;
    let mut rows = Vec::new();
    let mut bytes = 0;
    for row in scan {
        match row.and_then(|row| key_value(&row)) {
            Ok(row) => {
                bytes += row.key.len() + row.value.len();
                rows.push(row);
            }
            Err(e) => {
                let _ = chunks.blocking_send(Err(Failure::of(e, None).into_status()));
                return;
            }
        }
        if bytes >= limit {
            bytes = 0;
            limit = (limit * 4).min(MOST_BYTES);
            if chunks.blocking_send(Ok(ScanRowsChunk { rows: std::mem::take(&mut rows) })).is_err() {
                return;
            }
        }
    }
    if !rows.is_empty() {
        // Nobody listens if the scan was given up.
        let _ = chunks.blocking_send(Ok(ScanRowsChunk { rows }));
    }
}

#[tonic::async_trait]
impl GroupLeader for LeaderService {
    type ScanRowsStream = ReceiverStream<Result<ScanRowsChunk, Status>>;
    type FetchRunsStream = ReceiverStream<Result<ScanRowsChunk, Status>>;

    async fn get_timestamp(&self, _: Request<TimestampRequest>) -> Result<Response<TimestampReply>, Status> {
        self.timestamp(self.leader.read_ts().await)
    }

    async fn hold_timestamp(&self, request: Request<HoldRequest>) -> Result<Response<TimestampReply>, Status> {
        let HoldRequest { front_end, timestamp } = request.into_inner();
        self.timestamp(self.hold(front_end, Timestamp(timestamp)).await)
    }

    async fn get_rows(&self, request: Request<GetRowsRequest>) -> Result<Response<GetRowsReply>, Status> {
        let GetRowsRequest { timestamp, keys } = request.into_inner();
        self.answer(self.rows(Timestamp(timestamp), &keys).await)
    }

    async fn scan_rows(&self, request: Request<ScanRowsRequest>) -> Result<Response<Self::ScanRowsStream>, Status> {
        const CHUNKS_AHEAD: usize = 2;
        let ScanRowsRequest { timestamp, start, end, reverse } = request.into_inner();
        let ts = Timestamp(timestamp);
        self.leader.settle(ts, SETTLE).await.map_err(|e| self.failed(e))?;
        let reader = self.leader.reader();
        let (chunks, stream) = mpsc::channel(CHUNKS_AHEAD);
        tokio::task::spawn_blocking(move || send_rows(reader.scan(start, end, ts, reverse), &chunks));
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn lock_keys(&self, request: Request<LockKeysRequest>) -> Result<Response<LockKeysReply>, Status> {
        self.answer(self.lock(&request.into_inner()).await)
    }

    async fn release_locks(&self, request: Request<ReleaseLocksRequest>) -> Result<Response<Nothing>, Status> {
        let ReleaseLocksRequest { front_end, transaction } = request.into_inner();
        self.front_ends.end(front_end, transaction);
        Ok(Response::new(Nothing {}))
    }

    async fn commit(&self, request: Request<CommitTransaction>) -> Result<Response<TimestampReply>, Status> {
        self.timestamp(self.commit_transaction(request.into_inner()).await)
    }

    async fn allocate_ids(&self, request: Request<AllocateIdsRequest>) -> Result<Response<AllocateIdsReply>, Status> {
        let AllocateIdsRequest { table, count, at_least } = request.into_inner();
        let first = self.leader.allocate_ids(TableId(table), count, at_least).await;
        self.answer(first.map(|first| AllocateIdsReply { first }))
    }

    async fn ingest_run(&self, request: Request<Streaming<RunChunk>>) -> Result<Response<RunReply>, Status> {
        let mut run = ReceivedRun::begin(request.into_inner()).await?;
        let leader = self.leader.clone();
        let written = tokio::task::spawn_blocking(move || leader.ingest_versions(run.copy, &mut run));
        let written = written.await.map_err(|e| Status::internal(e.to_string()))?;
        self.answer(written.map(|pairs| RunReply { pairs }))
    }

    async fn seal_runs(&self, request: Request<RunsRequest>) -> Result<Response<Nothing>, Status> {
        let RunsRequest { table, timestamp } = request.into_inner();
        let sealed = self.leader.seal_runs(TableId(table), Timestamp(timestamp)).await;
        self.answer(sealed.map(|()| Nothing {}))
    }

    async fn fetch_runs(&self, request: Request<RunsRequest>) -> Result<Response<Self::FetchRunsStream>, Status> {
        const CHUNKS_AHEAD: usize = 4;
        let table = TableId(request.into_inner().table);
        let voter = self.leader.voter();
        if !voter.has_runs(table).map_err(|e| self.failed(e))? {
            if voter.catalog().is_gone(table) {
                // A stream without a piece: whoever asks will soon learn that the table was dropped.
                let (_, nothing) = mpsc::channel(1);
                return Ok(Response::new(ReceiverStream::new(nothing)));
            }
            return Err(Status::not_found(format!("not all of table {table} is here")));
        }
        let (start, end) = table_range(table);
        let rows = voter.store.newest_rows(&start, &end);
        // Asked after the rows are pinned, so that none of them is newer.
        let upto = KeyValue { commit_timestamp: voter.applied().commit_ts.0, ..KeyValue::default() };
        let (chunks, stream) = mpsc::channel(CHUNKS_AHEAD);
        tokio::task::spawn_blocking(move || {
            if chunks.blocking_send(Ok(ScanRowsChunk { rows: vec![upto] })).is_ok() {
                send_rows(rows, &chunks);
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn drop_table_data(&self, request: Request<DropTableDataRequest>) -> Result<Response<Nothing>, Status> {
        let dropped = self.leader.drop_table_data(TableId(request.into_inner().table)).await;
        self.answer(dropped.map(|()| Nothing {}))
    }

    async fn get_definitions(&self, request: Request<DefinitionsRequest>) -> Result<Response<Definitions>, Status> {
        self.answer(self.definitions(request.into_inner().known))
    }

    async fn get_members(&self, _: Request<Nothing>) -> Result<Response<Members>, Status> {
        self.answer(self.members().map(|members| Members { members }))
    }

    async fn admit_member(&self, request: Request<MemberAddress>) -> Result<Response<MemberNumber>, Status> {
        let admitted = self.leader.admit_member(&request.into_inner().address).await;
        self.answer(admitted.map(|id| MemberNumber { id }))
    }

    async fn promote_member(&self, request: Request<MemberNumber>) -> Result<Response<Nothing>, Status> {
        let promoted = self.leader.promote_member(request.into_inner().id).await;
        self.answer(promoted.map(|()| Nothing {}))
    }

    async fn remove_member(&self, request: Request<MemberAddress>) -> Result<Response<Nothing>, Status> {
        let removed = self.leader.remove_member(&request.into_inner().address).await;
        self.answer(removed.map(|()| Nothing {}))
    }

    async fn keep_alive(&self, request: Request<KeepAliveRequest>) -> Result<Response<KeepAliveReply>, Status> {
        self.answer(self.keep_alive_reply(request.get_ref()))
    }
}

fn found(rows: Vec<Option<Bytes>>) -> Vec<FoundRow> {
    rows.into_iter().map(|value| FoundRow { value }).collect()
}
