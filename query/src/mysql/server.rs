//! Accepts MySQL clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::connection;
use crate::node::Node;

/// Clients served at a time; one more is told 1040.
const MAX_CONNECTIONS: usize = 1040;
/// Pause after a failed accept: out of file descriptors is a state that lasts.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A MySQL server that accepts clients.
pub struct MySqlServer(JoinHandle<()>);

impl MySqlServer {
    /// Serves clients of `listener` until [`MySqlServer::stop`].
    pub fn start(node: Arc<Node>, listener: TcpListener) -> Self {
        Self(tokio::spawn(accept(node, listener)))
    }

    /// Accepts no more clients. Those connected are ended by [`Node::shutdown`].
    pub fn stop(&self) {
        self.0.abort();
    }
}

impl Drop for MySqlServer {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn accept(node: Arc<Node>, listener: TcpListener) {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let (socket, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(e) => {
                tracing::warn!("cannot accept a MySQL client: {e}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let place = Place::take(&open);
        let node = node.clone();
        tokio::spawn(async move {
            let served = match &place {
                Some(_) => connection::serve(node, socket).await,
                None => connection::refuse(socket).await,
            };
            if let Err(e) = served {
                tracing::debug!("connection with {peer} ended: {e}");
            }
        });
    }
}

/// One of the [`MAX_CONNECTIONS`].
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(open.clone());
        // Taken before it is checked, so that `drop` gives back exactly what was taken.
        (open.fetch_add(1, Ordering::Relaxed) < MAX_CONNECTIONS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
