//! `deltatree serve`: the server.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Result, SqlError};
use crate::metrics;
use crate::mysql::MySqlServer;
use crate::node::{Node, NodeConfig};
use crate::status::StatusServer;

/// Clients that the operating system may hold until they are accepted.
const BACKLOG: u32 = 1024;

/// Options of `deltatree serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Directory that holds everything; created if absent
    #[arg(long)]
    pub data_dir: PathBuf,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port of the MySQL protocol; 0 picks a free one
    #[arg(long, default_value_t = 4000)]
    pub port: u16,
    /// Port of Arrow Flight SQL; 0 picks a free one
    #[arg(long, default_value_t = 4001)]
    pub flight_port: u16,
    /// Port of status, metrics and health over HTTP; 0 picks a free one
    #[arg(long, default_value_t = 10080)]
    pub status_port: u16,
    /// MiB of the disk to keep back: writes are refused when less is free [default: 1024, or a quarter of
    /// a small disk]
    #[arg(long, value_name = "MIB")]
    pub disk_reserve: Option<u64>,
}

/// Serves until SIGTERM or SIGINT, then drains and flushes.
///
/// Fails with a sentence for the operator if a port is taken, or the directory is in use, damaged or
/// not writable.
pub async fn run(args: &ServeArgs) -> Result<()> {
    let stop = stop_signal()?;
    // Ports first: a taken one is found before anything is opened.
    let mysql = listen(args.host, args.port, "MySQL protocol")?;
    let flight = listen(args.host, args.flight_port, "Flight SQL")?;
    let status = listen(args.host, args.status_port, "status")?;
    let prometheus = metrics::install()?;
    let mut config = NodeConfig::new(&args.data_dir);
    config.group.disk_reserve_bytes = args.disk_reserve.map(|mib| mib.saturating_mul(1 << 20));
    let node = Node::open(config).await?;
    let (mysql_address, flight_address, status_address) = (address(&mysql)?, address(&flight)?, address(&status)?);
    node.announce_port(mysql_address.port());
    let mysql = MySqlServer::start(node.clone(), mysql);
    let flight = crate::flight::FlightServer::start(node.clone(), flight);
    let status = StatusServer::start(node.clone(), status, prometheus);
    println!("ready mysql={mysql_address} flight={flight_address} status={status_address}");
    // Whoever reads the line may have gone; that is no reason to stop.
    let _ = std::io::stdout().flush();
    stop.await;
    mysql.stop();
    flight.stop();
    let flushed = node.shutdown().await;
    status.stop();
    flushed
}

fn stop_signal() -> Result<impl Future<Output = ()>> {
    let handler = |kind| signal(kind).map_err(|e| SqlError::internal(format!("cannot handle signals: {e}")));
    let (mut terminate, mut interrupt) = (handler(SignalKind::terminate())?, handler(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn listen(host: IpAddr, port: u16, what: &str) -> Result<TcpListener> {
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

fn address(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(|e| SqlError::internal(format!("cannot tell a listening address: {e}")))
}
