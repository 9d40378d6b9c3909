//! `deltatree serve`: a server, or one of the processes that make up a cluster.
//!
//! - [`front_end`]: what clients speak to, with the whole group in the same process or in others
//! - [`member`]: a replica of the group, rows or columns
//! - [`process`]: listening, and being told to stop

mod front_end;
mod member;
mod process;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::cluster_ssl::ClusterSslArgs;
use crate::error::{Result, SqlError};

/// Options of `deltatree serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Directory that holds everything; created if absent
    #[arg(long)]
    pub data_dir: PathBuf,
    /// What this process does
    #[arg(long, value_enum, default_value_t = Role::All)]
    pub role: Role,
    /// Voters of the group; a new group is founded by all of them, each started with the same list
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    pub join: Vec<String>,
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
    /// Port for the other processes of the group
    #[arg(long, default_value_t = 20160)]
    pub peer_port: u16,
    /// Where the other processes reach this one [default: the host and peer port]
    #[arg(long, value_name = "HOST:PORT")]
    pub advertise: Option<String>,
    #[command(flatten)]
    cluster_ssl: ClusterSslArgs,
    /// MiB of the disk to keep back: writes are refused when less is free [default: 1024, or a quarter of
    /// a small disk]
    #[arg(long, value_name = "MIB")]
    pub disk_reserve: Option<u64>,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Everything: rows, columns and SQL
    All,
    /// Rows: a voter of the group
    Kv,
    /// Columns: a learner that follows the group
    Columnar,
    /// SQL: speaks to clients and keeps nothing
    Sql,
}

/// Serves until SIGTERM or SIGINT, then drains and flushes.
///
/// Fails with a sentence for the operator if a port is taken, the directory is in use, damaged or not
/// writable, or there is no group to join.
pub async fn run(args: &ServeArgs) -> Result<()> {
    if args.role == Role::All && args.cluster_ssl.are_given() {
        return Err(SqlError::internal("--cluster-ssl-ca, -cert and -key are for the roles kv, columnar and sql"));
    }
    match (args.role, args.join.is_empty()) {
        (Role::All, false) => Err(SqlError::internal("--join is for the roles kv, columnar and sql")),
        (Role::Kv | Role::Columnar | Role::Sql, true) => {
            Err(SqlError::internal("this role needs --join, with the addresses of the group's voters"))
        }
        (Role::All | Role::Sql, _) => front_end::run(args).await,
        (Role::Kv, false) => member::run_voter(args).await,
        (Role::Columnar, false) => member::run_learner(args).await,
    }
}
