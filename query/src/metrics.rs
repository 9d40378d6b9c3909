//! Every metric: name, unit, labels.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::error::{Result, SqlError};

/// Counter: statements run, by `outcome`: `ok` or `error`.
pub const STATEMENTS: &str = "deltatree_statements_total";
/// Histogram, seconds: from the start of a statement to its result, or its first row.
pub const STATEMENT_SECONDS: &str = "deltatree_statement_seconds";
/// Counter: queries planned, by the `threads` that run them: `interactive` or `analytics`.
pub const QUERIES: &str = "deltatree_queries_total";
/// Histogram, seconds: how long a query waited for the columnar replica to have all that it must see.
pub const READ_GATE_SECONDS: &str = "deltatree_read_gate_seconds";
/// Gauge: connections open.
pub const CONNECTIONS: &str = "deltatree_connections";
/// Gauge: seconds since the node opened.
pub const UPTIME_SECONDS: &str = "deltatree_uptime_seconds";
/// Gauge: index of the last entry applied to the row store.
pub const ROW_APPLIED_INDEX: &str = "deltatree_row_applied_index";
/// Gauge: index of the last entry applied to the columnar replica.
pub const COLUMNAR_APPLIED_INDEX: &str = "deltatree_columnar_applied_index";
/// Gauge: transactions committed since the node opened.
pub const COMMITS: &str = "deltatree_commits";
/// Gauge: durable log writes since the node opened.
pub const LOG_SYNCS: &str = "deltatree_log_syncs";
/// Gauge, bytes: log and row store on disk.
pub const ROW_DISK_BYTES: &str = "deltatree_row_disk_bytes";

/// Counts a statement that took so long to its result.
pub(crate) fn statement_done(ok: bool, took: Duration) {
    metrics::counter!(STATEMENTS, "outcome" => if ok { "ok" } else { "error" }).increment(1);
    metrics::histogram!(STATEMENT_SECONDS).record(took.as_secs_f64());
}

/// Counts a query by the threads that run it.
pub(crate) fn query_planned(short: bool) {
    metrics::counter!(QUERIES, "threads" => if short { "interactive" } else { "analytics" }).increment(1);
}

/// Counts a query's wait for the columnar replica.
pub(crate) fn read_gate_passed(waited: Duration) {
    metrics::histogram!(READ_GATE_SECONDS).record(waited.as_secs_f64());
}

/// Starts collecting, for the whole process. Fails if that was done before.
pub fn install() -> Result<PrometheusHandle> {
    const BUCKETS: [f64; 9] = [0.0001, 0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0];
    const GATE_BUCKETS: [f64; 14] =
        [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
    let failed =
        |e: metrics_exporter_prometheus::BuildError| SqlError::internal(format!("cannot collect metrics: {e}"));
    let gate = Matcher::Full(READ_GATE_SECONDS.to_owned());
    let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).map_err(failed)?;
    let builder = builder.set_buckets_for_metric(gate, &GATE_BUCKETS).map_err(failed)?;
    let handle = builder.install_recorder().map_err(failed)?;
    metrics::describe_counter!(STATEMENTS, "statements run");
    metrics::describe_counter!(QUERIES, "queries planned");
    metrics::describe_histogram!(
        STATEMENT_SECONDS,
        metrics::Unit::Seconds,
        "time to a statement's result or first row"
    );
    metrics::describe_histogram!(READ_GATE_SECONDS, metrics::Unit::Seconds, "wait for the columnar replica");
    metrics::describe_gauge!(CONNECTIONS, "connections open");
    Ok(handle)
}
