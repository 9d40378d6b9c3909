//! Listening, and being told to stop.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Result, SqlError};

/// Clients that the operating system may hold until they are accepted.
const BACKLOG: u32 = 1024;

/// Resolves on SIGTERM or SIGINT.
pub(super) fn stop_signal() -> Result<impl Future<Output = ()>> {
    let handler = |kind| signal(kind).map_err(|e| SqlError::internal(format!("cannot handle signals: {e}")));
    let (mut terminate, mut interrupt) = (handler(SignalKind::terminate())?, handler(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Tells whoever started this process that it serves, and where.
pub(super) fn say_ready(addresses: &[(&str, SocketAddr)]) {
    let addresses: Vec<_> = addresses.iter().map(|(name, address)| format!("{name}={address}")).collect();
    println!("ready {}", addresses.join(" "));
    // Whoever reads the line may have gone; that is no reason to stop.
    let _ = std::io::stdout().flush();
}

/// Listens on a port; 0 picks a free one.
pub(super) fn listen(host: IpAddr, port: u16, what: &str) -> Result<TcpListener> {
    let address = SocketAddr::new(host, port);
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Lets a restarted server take its port over from connections that still linger.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|e| match e.kind() {
        std::io::ErrorKind::AddrInUse => SqlError::internal(format!("port {port} ({what}) is in use on {host}")),
        _ => SqlError::internal(format!("cannot listen on {address} ({what}): {e}")),
    })
}

/// Where a listener listens.
pub(super) fn address(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(|e| SqlError::internal(format!("cannot tell a listening address: {e}")))
}
