//! What clients speak to.

use super::ServeArgs;
use super::process::{address, listen, say_ready, stop_signal};
use crate::error::Result;
use crate::flight::FlightServer;
use crate::metrics;
use crate::mysql::MySqlServer;
use crate::node::{Node, NodeConfig};
use crate::status::StatusServer;

/// Serves over the group in this process, or with `--join` over one in others.
pub(super) async fn run(args: &ServeArgs) -> Result<()> {
    let stop = stop_signal()?;
    let links = args.cluster_ssl.links()?;
    // Ports first: a taken one is found before anything is opened.
    let mysql = listen(args.host, args.port, "MySQL protocol")?;
    let flight = listen(args.host, args.flight_port, "Flight SQL")?;
    let status = listen(args.host, args.status_port, "status")?;
    let prometheus = metrics::install()?;
    let mut config = NodeConfig::new(&args.data_dir);
    config.group.disk_reserve_bytes = args.disk_reserve.map(|mib| mib.saturating_mul(1 << 20));
    config.join.clone_from(&args.join);
    config.links = links;
    let node = Node::open(config).await?;
    let (mysql_address, flight_address, status_address) = (address(&mysql)?, address(&flight)?, address(&status)?);
    node.announce_port(mysql_address.port());
    let mysql = MySqlServer::start(node.clone(), mysql);
    let flight = FlightServer::start(node.clone(), flight);
    let status = StatusServer::start(node.clone(), status, prometheus);
    say_ready(&[("mysql", mysql_address), ("flight", flight_address), ("status", status_address)]);
    stop.await;
    mysql.stop();
    flight.stop();
    let flushed = node.shutdown().await;
    status.stop();
    flushed
}
