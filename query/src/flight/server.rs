//! Accepts Flight SQL clients.

use std::sync::Arc;

use arrow_flight::flight_service_server::FlightServiceServer;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::service::Service;
use crate::node::Node;

/// A Flight SQL server that accepts clients.
pub struct FlightServer(JoinHandle<()>);

impl FlightServer {
    /// Serves clients of `listener` until [`FlightServer::stop`].
    pub fn start(node: Arc<Node>, listener: TcpListener) -> Self {
        let service = FlightServiceServer::new(Service::new(node));
        Self(tokio::spawn(async move {
            // Without this a small answer waits for the acknowledgement of the packet before.
            let clients = TcpIncoming::from(listener).with_nodelay(Some(true));
            if let Err(e) = Server::builder().add_service(service).serve_with_incoming(clients).await {
                tracing::warn!("the Flight SQL server stopped: {e}");
            }
        }))
    }

    /// Accepts no more clients, and ends those connected.
    pub fn stop(&self) {
        self.0.abort();
    }
}

impl Drop for FlightServer {
    fn drop(&mut self) {
        self.stop();
    }
}
