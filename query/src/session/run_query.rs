//! Running queries on the threads that are for them.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::sql::sqlparser::ast;
use deltatree_learner::ReaderGuard;
use deltatree_storage::api::CancelFlag;
use futures::StreamExt;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use super::Session;
use super::read::Read;
use super::result::StatementResult;
use crate::error::{Result, SqlError};
use crate::planner::{PlannedQuery, QueryStream, labelled};

/// Batches that may wait for a slow client.
const BATCHES_AHEAD: usize = 2;

impl Session {
    /// Plans a rewritten query on the interactive threads, and starts it there if it is short, otherwise on the
    /// analytical ones. Dropping the result stops it.
    pub(crate) async fn start_query(&self, query: Box<ast::Query>, read: Read) -> Result<QueryStream> {
        let engine = self.node.engine().clone();
        let analytics = self.node.runtimes().analytics().clone();
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
        let Read { context, guard } = read;
        let (announce, announced) = oneshot::channel::<Result<SchemaRef>>();
        let stop = StopOnDrop(context.cancel.clone());
        self.node.runtimes().interactive().spawn(async move {
            let planned = tokio::select! {
                planned = engine.query(&query, context) => planned,
                () = sender.closed() => return,
            };
            let planned = match planned {
                Ok(planned) => planned,
                // Nobody listens if the client has gone.
                Err(e) => return drop(announce.send(Err(e))),
            };
            let short = planned.is_short();
            crate::metrics::query_planned(short);
            let run = send_rows(planned, announce, sender, guard);
            if short {
                run.await;
            } else {
                analytics.spawn(run);
            }
        });
        let schema = announced.await.map_err(|_| ended())??;
        let labels = schema.clone();
        let stream = ReceiverStream::new(receiver).map(move |batch| {
            let _running = &stop;
            labelled(batch?, &labels)
        });
        Ok(QueryStream { schema: schema.clone(), stream: Box::pin(RecordBatchStreamAdapter::new(schema, stream)) })
    }

    /// All rows of a rewritten query.
    pub(crate) async fn collect_query(&self, query: Box<ast::Query>, read: Read) -> Result<Vec<RecordBatch>> {
        StatementResult::Rows(self.start_query(query, read).await?).collect().await
    }

    /// How a rewritten query would run, or with `analyze` did, on the threads that it would run on.
    pub(crate) async fn explain_query(&self, query: Box<ast::Query>, read: Read, analyze: bool) -> Result<RecordBatch> {
        let engine = self.node.engine().clone();
        let analytics = self.node.runtimes().analytics().clone();
        let explained = self.node.runtimes().interactive().spawn(async move {
            let Read { context, guard: _readable } = read;
            let planned = engine.query_explained(&query, context).await?;
            if !analyze || planned.is_short() {
                return planned.explain(analyze).await;
            }
            let run = analytics.spawn(async move { planned.explain(analyze).await });
            run.await.map_err(|_| ended())?
        });
        explained.await.map_err(|_| ended())?
    }
}

/// What a client is told whose query failed inside.
fn ended() -> SqlError {
    SqlError::internal("the query ended without an answer")
}

/// Runs a planned query on this runtime until nobody wants more. Its columns are announced when its rows are
/// over or as many wait as may: so the one who waits for a short result is woken up once.
async fn send_rows(
    planned: PlannedQuery,
    announce: oneshot::Sender<Result<SchemaRef>>,
    sender: mpsc::Sender<datafusion::common::Result<RecordBatch>>,
    _readable: Option<ReaderGuard>,
) {
    // Nobody listens if the client has gone.
    let mut rows = match planned.start() {
        Ok(rows) => rows,
        Err(e) => return drop(announce.send(Err(e))),
    };
    let mut announce = Some(announce);
    loop {
        let next = tokio::select! {
            next = rows.stream.next() => next,
            () = sender.closed() => return,
        };
        let failed = matches!(next, Some(Err(_)));
        if (failed || next.is_none() || sender.capacity() == 0)
            && let Some(announce) = announce.take()
        {
            if let Some(Err(e)) = next {
                return drop(announce.send(Err(e.into())));
            }
            drop(announce.send(Ok(rows.schema.clone())));
        }
        let Some(batch) = next else { return };
        if sender.send(batch).await.is_err() || failed {
            return;
        }
    }
}

/// Stops the work of a statement whose outcome nobody waits for any more.
pub(crate) struct StopOnDrop(pub(crate) CancelFlag);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
