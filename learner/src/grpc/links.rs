//! Dialling and listening.
//!
//! Either all processes of a cluster speak TLS or none does. With TLS each shows a certificate and asks for the
//! other's: whoever has none that the cluster's CA has signed is refused before anything is read, whichever side
//! it is on. The name in the certificate of a process that is dialled must be the host of its address, as the
//! members' list has it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::net::TcpListener;
use tonic::Status;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};

use super::arrival::Arrival;
use super::tls::{Tls, TlsFiles};
use super::trouble::{Told, Trouble};
use crate::error::{Error, Result};

/// Longest wait for a connection; with TLS until both sides know each other.
pub(super) const CONNECT: Duration = Duration::from_secs(2);

/// The way to other processes, and theirs to this one. Clones share it. The default speaks plain text.
#[derive(Clone, Default)]
pub struct PeerLinks(Arc<Inner>);

#[derive(Default)]
struct Inner {
    tls: Option<Tls>,
    /// What was said of whom, for those that were dialled.
    told: Told,
    /// The same for those that came.
    refused: Arc<Told>,
}

impl PeerLinks {
    /// Over TLS, with these files, which are read now. Errors: `Invalid` says which file is wrong and why.
    pub fn secured(files: &TlsFiles) -> Result<Self> {
        Ok(Self(Arc::new(Inner { tls: Some(files.load()?), ..Inner::default() })))
    }

    /// A connection to `address`, `host:port`: made when it is first used, and again after it was cut off. Whoever
    /// has gone without a word is given up after a few seconds. Call it within the runtime where it is to live.
    /// Errors: `Invalid` if that is no address.
    pub(crate) fn channel(&self, address: &str) -> Result<Channel> {
        let scheme = if self.0.tls.is_some() { "https" } else { "http" };
        let no_address = |e: tonic::transport::Error| Error::Invalid(format!("{address} is not HOST:PORT: {e}"));
        let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
            .map_err(no_address)?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(Duration::from_secs(2))
            .keep_alive_timeout(Duration::from_secs(4))
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        let endpoint = match &self.0.tls {
            Some(tls) => endpoint.tls_config(tls.client()).map_err(no_address)?,
            None => endpoint,
        };
        Ok(endpoint.connect_lazy())
    }

    /// Serves `routes` on `listen` (port 0: any free one) for as long as the current runtime lives. Returns
    /// the address. Errors: `Io` if it is taken.
    pub(crate) async fn serve(&self, listen: SocketAddr, routes: Routes) -> Result<SocketAddr> {
        let listener = TcpListener::bind(listen).await.map_err(Error::io("listen for other processes"))?;
        let address = listener.local_addr().map_err(Error::io("listen for other processes"))?;
        // The server's own option does not reach connections that others accept, and without it each answer waits
        // for the acknowledgement of its first packet.
        let connections = TcpIncoming::from(listener).with_nodelay(Some(true));
        let links = self.clone();
        tokio::spawn(async move {
            let served = match &links.0.tls {
                None => Server::builder().add_routes(routes).serve_with_incoming(connections).await,
                Some(tls) => {
                    let refused = links.0.refused.clone();
                    let connections =
                        connections.map(move |came| came.map(|socket| Arrival::new(socket, refused.clone())));
                    match Server::builder().tls_config(tls.server()) {
                        Ok(mut server) => server.add_routes(routes).serve_with_incoming(connections).await,
                        Err(e) => Err(e),
                    }
                }
            };
            if let Err(e) = served {
                tracing::error!(error = %e, "the service for other processes has stopped");
            }
        });
        Ok(address)
    }

    /// Why `address` did not answer, in words. If the two cannot understand each other, which time does not mend,
    /// the log says so, once.
    pub(crate) fn why(&self, address: &str, status: &Status) -> String {
        let trouble = Trouble::of(status, self.0.tls.is_some());
        if trouble.lasts && self.0.told.is_news(address, &trouble.reason) {
            tracing::warn!(address, reason = trouble.reason, "a process of the cluster cannot be spoken with");
        }
        trouble.reason
    }

    /// What was said of those that came and were refused.
    #[cfg(test)]
    pub(super) fn refusals(&self) -> Vec<String> {
        self.0.refused.all()
    }
}
