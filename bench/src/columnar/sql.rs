//! Queries over a table of the engine, by DataFusion.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use deltatree_query::planner::rules::PerfectHashAggregates;
use tokio::runtime::Handle;

use super::ColumnarTable;
use super::provider::SnapshotTable;

/// Runs one query over the table as it is now, under the name `t`, in so many streams, with the
/// server's own operator for aggregations of few groups. The time includes taking the snapshot, parsing and planning. Blocks; must be called from a thread that may.
///
/// # Errors
/// When the query fails.
pub fn query(table: &ColumnarTable, sql: &str, threads: usize) -> anyhow::Result<(Duration, Vec<RecordBatch>)> {
    let state = SessionStateBuilder::new()
        .with_config(SessionConfig::new().with_target_partitions(threads))
        .with_default_features()
        .with_physical_optimizer_rule(Arc::new(PerfectHashAggregates))
        .build();
    let context = SessionContext::new_with_state(state);
    let start = Instant::now();
    context.register_table("t", Arc::new(SnapshotTable::new(table.snapshot()?)))?;
    let batches = Handle::current().block_on(async { context.sql(sql).await?.collect().await })?;
    Ok((start.elapsed(), batches))
}
