//! A columnar replica in another process, seen from a front end. Callers block, as they do on a disk.

use std::sync::Arc;
use std::time::Duration;

use deltatree_proto::v1::columnar_replica_client::ColumnarReplicaClient;
use deltatree_proto::v1::{GateRequest, ProgressRequest, TableAt, TableScan};
use deltatree_storage::api::{ScanEstimate, ScanRequest, SnapshotStatistics};
use deltatree_storage::types::{TableId, Timestamp};
use tonic::transport::Channel;
use tonic::{Response, Status};

use super::remote_scan::RemoteScan;
use super::wire::{WireEstimate, WireRequest, WireStatistics, decode, encode};
use crate::error::{Error, Result};
use crate::grpc::PeerLinks;
use crate::raft::MESSAGE_BYTES;
use crate::remote::Failure;
use crate::runtime::OwnRuntime;

/// Longest wait for an answer that takes the replica no time.
const ANSWER: Duration = Duration::from_secs(5);

/// See the module.
pub(crate) struct RemoteReplica {
    address: String,
    client: ColumnarReplicaClient<Channel>,
    links: PeerLinks,
    /// Of the front end: where connections live.
    runtime: Arc<OwnRuntime>,
}

/// How far a replica is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplicaProgress {
    /// Index applied and visible.
    pub(crate) applied: u64,
    /// Index that it would resume from after a crash.
    pub(crate) durable: u64,
    /// Why it has stopped, if it has.
    pub(crate) failure: Option<String>,
}

impl RemoteReplica {
    /// `address` is `host:port`. Connects when it is first used. Call it within the front end's runtime.
    pub(crate) fn new(address: &str, links: PeerLinks, runtime: Arc<OwnRuntime>) -> Result<Self> {
        let client = ColumnarReplicaClient::new(links.channel(address)?)
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        Ok(Self { address: address.to_owned(), client, links, runtime })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How far it is, if it answers.
    pub(crate) async fn progress(&self) -> Result<ReplicaProgress> {
        let mut client = self.client.clone();
        let progress = self.answered(ANSWER, client.get_progress(ProgressRequest {})).await?;
        let failure = Some(progress.failure).filter(|text| !text.is_empty());
        Ok(ReplicaProgress { applied: progress.applied, durable: progress.durable, failure })
    }

    /// Waits until it shows every commit at or below `ts`, at most `timeout`. Returns the log index.
    pub(crate) async fn pass_gate(&self, ts: Timestamp, timeout: Duration) -> Result<u64> {
        let gate = GateRequest { timestamp: ts.0, timeout_ms: timeout.as_millis() as u64 };
        let mut client = self.client.clone();
        Ok(self.answered(timeout + ANSWER, client.pass_gate(gate)).await?.position)
    }

    async fn answered<T>(
        &self,
        within: Duration,
        asked: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T> {
        match tokio::time::timeout(within, asked).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(self.failed(&status)),
            Err(_) => Err(self.unreachable(format!("no answer within {} ms", within.as_millis()))),
        }
    }

    /// What a status means: the replica's own failure, or that it was not reached.
    pub(super) fn failed(&self, status: &Status) -> Error {
        match Failure::read(status) {
            Some(failure) => failure.into_error(),
            None => self.unreachable(self.links.why(&self.address, status)),
        }
    }

    pub(super) fn unreachable(&self, reason: String) -> Error {
        Error::Io { action: "read a columnar replica", reason: format!("{}: {reason}", self.address) }
    }

    /// The connection.
    pub(super) fn client(&self) -> ColumnarReplicaClient<Channel> {
        self.client.clone()
    }

    /// Where to run what nobody waits for.
    pub(super) fn runtime(&self) -> &OwnRuntime {
        &self.runtime
    }

    /// A table at `ts`, with its figures.
    pub(crate) fn snapshot(self: &Arc<Self>, table: TableId, ts: Timestamp) -> Result<RemoteSnapshot> {
        let replica = self.clone();
        let described = self.runtime.wait(async move {
            let at = TableAt { table: table.0, timestamp: ts.0 };
            let mut client = replica.client();
            replica.answered(ANSWER, client.describe_table(at)).await
        })??;
        let statistics = decode::<WireStatistics>(&described.statistics)?.into_statistics();
        Ok(RemoteSnapshot {
            replica: self.clone(),
            table,
            ts,
            schema_version: described.schema_version,
            statistics: Arc::new(statistics),
        })
    }
}

/// A table of a replica elsewhere at one timestamp.
#[derive(Clone)]
pub(crate) struct RemoteSnapshot {
    replica: Arc<RemoteReplica>,
    table: TableId,
    ts: Timestamp,
    schema_version: u64,
    statistics: Arc<SnapshotStatistics>,
}

impl std::fmt::Debug for RemoteSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteSnapshot").field("table", &self.table).field("ts", &self.ts).finish_non_exhaustive()
    }
}

impl RemoteSnapshot {
    pub(super) fn schema_version(&self) -> u64 {
        self.schema_version
    }

    pub(super) fn statistics(&self) -> Arc<SnapshotStatistics> {
        self.statistics.clone()
    }

    /// The call for a scan of this table.
    pub(super) fn call(&self, request: &WireRequest) -> Result<TableScan> {
        Ok(TableScan { table: self.table.0, timestamp: self.ts.0, request: encode(request)? })
    }

    pub(super) fn estimate(&self, request: &ScanRequest) -> Result<ScanEstimate> {
        let call = self.call(&WireRequest::new(request, request.projection.clone(), &request.predicates))?;
        let replica = self.replica.clone();
        let answer = self.replica.runtime.wait(async move {
            let mut client = replica.client();
            replica.answered(ANSWER, client.estimate_scan(call)).await
        })??;
        Ok(decode::<WireEstimate>(&answer.figures)?.into_estimate())
    }

    pub(super) fn scan(&self, request: ScanRequest) -> Result<RemoteScan> {
        RemoteScan::start(self.replica.clone(), self, request)
    }
}
