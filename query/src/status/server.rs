//! The HTTP server for operators and their tools.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::metrics as names;
use crate::node::Node;

/// A listening HTTP server with `/status` (JSON), `/metrics` (Prometheus) and `/health`.
pub struct StatusServer(JoinHandle<()>);

#[derive(Clone)]
struct Shared {
    node: Arc<Node>,
    prometheus: PrometheusHandle,
}

impl StatusServer {
    /// Serves until [`StatusServer::stop`].
    pub fn start(node: Arc<Node>, listener: TcpListener, prometheus: PrometheusHandle) -> Self {
        let router = Router::new()
            .route("/status", get(status))
            .route("/metrics", get(metrics))
            .route("/health", get(|| async { "ok\n" }))
            .with_state(Shared { node, prometheus });
        Self(tokio::spawn(async move {
            if let Err(e) = axum::serve(listener, router).await {
                tracing::warn!("the status server stopped: {e}");
            }
        }))
    }

    /// Stops serving.
    pub fn stop(&self) {
        self.0.abort();
    }
}

impl Drop for StatusServer {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn status(State(shared): State<Shared>) -> Json<Value> {
    let group = shared.node.group().status();
    Json(json!({
        "version": crate::session::SERVER_VERSION,
        "uptime_seconds": shared.node.uptime().as_secs(),
        "connections": shared.node.connections().len(),
        "leader": group.leader,
        "term": group.term,
        "last_log": group.last_log,
        "purged": group.purged,
        "row_applied": group.voter_applied,
        "columnar_applied": group.learner_applied,
        "columnar_durable": group.learner_durable,
        "columnar_error": group.learner_error,
        "safe_point": group.safe_point.0,
        "commits": group.commits,
        "log_syncs": group.log_syncs,
        "row_disk_bytes": group.row_disk_bytes,
    }))
}

async fn metrics(State(shared): State<Shared>) -> String {
    let group = shared.node.group().status();
    gauge!(names::CONNECTIONS).set(shared.node.connections().len() as f64);
    gauge!(names::UPTIME_SECONDS).set(shared.node.uptime().as_secs_f64());
    gauge!(names::ROW_APPLIED_INDEX).set(group.voter_applied.unwrap_or(0) as f64);
    gauge!(names::COLUMNAR_APPLIED_INDEX).set(group.learner_applied.unwrap_or(0) as f64);
    gauge!(names::COMMITS).set(group.commits as f64);
    gauge!(names::LOG_SYNCS).set(group.log_syncs as f64);
    gauge!(names::ROW_DISK_BYTES).set(group.row_disk_bytes as f64);
    shared.prometheus.render()
}
