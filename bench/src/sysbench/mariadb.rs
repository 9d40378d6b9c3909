//! MariaDB, if it is installed: each commit is synced (`innodb_flush_log_at_trx_commit=1`).

use std::path::Path;
use std::process::Command;

use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};

use super::subject::{Peer, complete, free_port, mysql_options};

/// Bytes of memory for pages: the table fits.
const BUFFER_POOL: &str = "1G";

pub(super) fn missing() -> Option<&'static str> {
    let there = Command::new("mariadbd").arg("--version").output().is_ok_and(|o| o.status.success());
    (!there).then_some("mariadbd (Debian: mariadb-server)")
}

/// Starts it over an empty directory.
///
/// # Errors
/// When it does not come up.
pub(super) fn start(dir: &Path) -> anyhow::Result<Peer> {
    let data = dir.join("data");
    let mut install = Command::new("mariadb-install-db");
    install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--user=root"]);
    install.arg(format!("--datadir={}", data.display()));
    complete(install)?;
    let port = free_port()?;
    let mut server = Command::new("mariadbd");
    server.args(["--no-defaults", "--user=root", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
    server.args(["--innodb-flush-log-at-trx-commit=1", "--skip-log-bin"]);
    server.arg(format!("--innodb-buffer-pool-size={BUFFER_POOL}"));
    server.arg(format!("--datadir={}", data.display()));
    server.arg(format!("--socket={}", dir.join("socket").display()));
    server.arg(format!("--port={port}"));
    Peer::start(server, mysql_options(port, "sbtest"), || create_database(port).is_ok())
}

fn create_database(port: u16) -> Result<(), mysql::Error> {
    let options = OptsBuilder::new().ip_or_hostname(Some("127.0.0.1")).tcp_port(port).user(Some("root"));
    Conn::new(options.prefer_socket(false))?.query_drop("CREATE DATABASE sbtest")
}
