//! A columnar learner's answers to front ends in other processes.

use std::sync::Arc;
use std::time::Duration;

use deltatree_proto::v1::columnar_replica_server::{ColumnarReplica, ColumnarReplicaServer};
use deltatree_proto::v1::{
    GateReply, GateRequest, Progress, ProgressRequest, ScanFigures, ScanPart, TableAt, TableDescription, TableScan,
};
use deltatree_storage::api::ScanRequest;
use deltatree_storage::scan::{Scan, Snapshot};
use deltatree_storage::types::{TableId, Timestamp};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::gate::pass_gate;
use super::wire::{WireEstimate, WireMetrics, WireRequest, WireStatistics, decode, encode, encode_rows};
use crate::error::Result;
use crate::raft::MESSAGE_BYTES;
use crate::remote::Failure;
use crate::replica::ColumnarLearner;
use crate::runtime::blocking;

/// See the module.
pub(crate) struct ColumnarService {
    learner: Arc<ColumnarLearner>,
}

/// The service of a learner.
pub(crate) fn columnar_service(learner: Arc<ColumnarLearner>) -> ColumnarReplicaServer<ColumnarService> {
    ColumnarReplicaServer::new(ColumnarService { learner })
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES)
}

fn answer<T>(outcome: Result<T>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(|e| Failure::of(e, None).into_status())
}

impl ColumnarService {
    fn snapshot(&self, table: u64, ts: u64) -> Result<Snapshot> {
        Ok(self.learner.engine().snapshot(TableId(table), Timestamp(ts))?)
    }

    fn describe(&self, at: TableAt) -> Result<TableDescription> {
        let snapshot = self.snapshot(at.table, at.timestamp)?;
        let statistics = encode(&WireStatistics::of(&*snapshot.statistics()?))?;
        Ok(TableDescription { schema_version: snapshot.schema().version, statistics })
    }

    fn requested(&self, scan: &TableScan) -> Result<(Snapshot, ScanRequest)> {
        let request = decode::<WireRequest>(&scan.request)?.into_request();
        Ok((self.snapshot(scan.table, scan.timestamp)?, request))
    }

    fn estimate(&self, scan: &TableScan) -> Result<ScanFigures> {
        let (snapshot, request) = self.requested(scan)?;
        Ok(ScanFigures { figures: encode(&WireEstimate::of(&snapshot.estimate(&request)?))? })
    }

    fn start(&self, scan: &TableScan) -> Result<Arc<Scan>> {
        let (snapshot, request) = self.requested(scan)?;
        Ok(snapshot.scan(request)?)
    }
}

type Parts = mpsc::Sender<Result<ScanPart, Status>>;

/// Sends what one worker finds. False if that was not all. Blocks.
fn send_rows(scan: &Arc<Scan>, parts: &Parts) -> bool {
    let mut worker = scan.worker();
    loop {
        let part = match worker.next_batch() {
            Ok(Some(batch)) => encode_rows(&batch).map(|rows| ScanPart { rows, done: None }),
            Ok(None) => return true,
            Err(e) => Err(e.into()),
        };
        let failed = part.is_err();
        let sent = parts.blocking_send(part.map_err(|e| Failure::of(e, None).into_status()));
        if failed || sent.is_err() {
            return false;
        }
    }
}

/// Lets all threads that the machine has work on a scan, and says at the end what was done.
async fn run(scan: Arc<Scan>, parts: Parts) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(scan.units_left().max(1));
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let (scan, parts) = (scan.clone(), parts.clone());
            tokio::task::spawn_blocking(move || send_rows(&scan, &parts))
        })
        .collect();
    for worker in workers {
        // Without the last part the asker knows that something is missing.
        if !matches!(worker.await, Ok(true)) {
            return;
        }
    }
    let done = encode(&WireMetrics::of(&scan.metrics()))
        .map(|figures| ScanPart { rows: Default::default(), done: Some(ScanFigures { figures }) });
    // Nobody listens if the scan was given up.
    let _ = parts.send(done.map_err(|e| Failure::of(e, None).into_status())).await;
}

#[tonic::async_trait]
impl ColumnarReplica for ColumnarService {
    type ScanTableStream = ReceiverStream<Result<ScanPart, Status>>;

    async fn get_progress(&self, _: Request<ProgressRequest>) -> Result<Response<Progress>, Status> {
        Ok(Response::new(Progress {
            applied: self.learner.applied().index,
            durable: self.learner.durable_index().unwrap_or(0),
            failure: self.learner.failure().map(|e| e.to_string()).unwrap_or_default(),
        }))
    }

    async fn pass_gate(&self, request: Request<GateRequest>) -> Result<Response<GateReply>, Status> {
        let GateRequest { timestamp, timeout_ms } = request.into_inner();
        let passed = pass_gate(&self.learner, Timestamp(timestamp), Duration::from_millis(timeout_ms)).await;
        answer(passed.map(|(_, position)| GateReply { position }))
    }

    async fn describe_table(&self, request: Request<TableAt>) -> Result<Response<TableDescription>, Status> {
        answer(blocking(|| self.describe(request.into_inner())))
    }

    async fn estimate_scan(&self, request: Request<TableScan>) -> Result<Response<ScanFigures>, Status> {
        answer(blocking(|| self.estimate(request.get_ref())))
    }

    async fn scan_table(&self, request: Request<TableScan>) -> Result<Response<Self::ScanTableStream>, Status> {
        const PARTS_AHEAD: usize = 8;
        let scan = blocking(|| self.start(request.get_ref())).map_err(|e| Failure::of(e, None).into_status())?;
        let (parts, stream) = mpsc::channel(PARTS_AHEAD);
        tokio::spawn(run(scan, parts));
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}
