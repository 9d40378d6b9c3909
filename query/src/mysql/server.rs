//! Accepts MySQL clients.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use super::connection;
use crate::node::Node;

/// Clients served at a time; one more is told 1040.
const MAX_CONNECTIONS: usize = 1040;
/// Clients that the operating system may hold until they are accepted.
const BACKLOG: u32 = 1024;
/// Pause after a failed accept: out of file descriptors is a state that lasts.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listening MySQL server.
pub struct MySqlServer {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl MySqlServer {
    /// Listens on `address` and serves clients until [`MySqlServer::stop`]. Fails if the port cannot
    /// be had.
    pub fn start(node: Arc<Node>, address: SocketAddr) -> std::io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Lets a restarted server take its port over from connections that still linger.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(node, listener));
        Ok(Self { address, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more clients. Those connected are ended by [`Node::shutdown`].
    pub fn stop(&self) {
        self.accepting.abort();
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
