//! A connection that came in over TLS.
//!
//! The handshake goes on above and keeps its reasons to itself; its bytes pass through here. A connection that is
//! dropped before both sides know each other was refused, and the log says by whom, once.

use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

use super::trouble::Told;

/// See the module.
pub(super) struct Arrival {
    /// There until this is dropped.
    socket: Option<TcpStream>,
    from: Option<IpAddr>,
    first_read: Option<u8>,
    /// Whether the last thing written was an alert.
    parted: bool,
    /// Whether both sides know each other.
    known: AtomicBool,
    refused: Arc<Told>,
}

impl Arrival {
    /// `refused` keeps what was said of those that were refused.
    pub(super) fn new(socket: TcpStream, refused: Arc<Told>) -> Self {
        let from = socket.peer_addr().ok().map(|address| address.ip());
        Self { socket: Some(socket), from, first_read: None, parted: false, known: AtomicBool::new(false), refused }
    }

    fn socket(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.socket.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Why the handshake came to nothing; `None` if there was none.
    fn refusal(&self) -> Option<&'static str> {
        /// First byte of a handshake.
        const HANDSHAKE: u8 = 0x16;
        Some(match (self.first_read?, self.parted) {
            (HANDSHAKE, true) => "it shows no certificate, or none that was signed by the CA that this process knows",
            (HANDSHAKE, false) => "it does not accept this process's certificate, or gave up",
            _ => "it does not speak TLS",
        })
    }
}

/// Whether bytes to be written are an alert and nothing else: in plain, or encrypted, which only its length gives
/// away. Before the end of a handshake nothing else is as short.
fn is_alert(first: Option<&u8>, bytes: usize) -> bool {
    matches!((first, bytes), (Some(0x15), 7) | (Some(0x17), 24))
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let Some(mut socket) = self.socket.take().filter(|_| !self.known.load(Ordering::Relaxed)) else { return };
        let Some((reason, from)) = self.refusal().zip(self.from) else { return };
        if self.refused.is_news(&from.to_string(), reason) {
            tracing::warn!(%from, reason, "a connection to the port for the cluster's processes was refused");
        }
        // A socket that is closed with unread bytes takes back what was written, and the other side would not learn
        // why it was refused.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                const WITHIN: Duration = Duration::from_secs(1);
                const BYTES: u64 = 64 << 10;
                let farewell = async {
                    socket.shutdown().await?;
                    tokio::io::copy(&mut socket.take(BYTES), &mut tokio::io::sink()).await
                };
                if !matches!(tokio::time::timeout(WITHIN, farewell).await, Ok(Ok(_))) {
                    tracing::debug!("whoever was refused has not listened");
                }
            });
        }
    }
}

impl Connected for Arrival {
    type ConnectInfo = TcpConnectInfo;

    /// Asked for once the handshake is done.
    fn connect_info(&self) -> TcpConnectInfo {
        self.known.store(true, Ordering::Relaxed);
        match &self.socket {
            Some(socket) => socket.connect_info(),
            None => TcpConnectInfo { local_addr: None, remote_addr: None },
        }
    }
}

impl AsyncRead for Arrival {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(self.socket()?.poll_read(cx, buf))?;
        if self.first_read.is_none() {
            self.first_read = buf.filled().get(before).copied();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Arrival {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(self.socket()?.poll_write(cx, buf))?;
        self.parted = is_alert(buf.first(), written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(self.socket()?.poll_write_vectored(cx, bufs))?;
        self.parted = is_alert(bufs.iter().find_map(|buf| buf.first()), written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_shutdown(cx)
    }
}
