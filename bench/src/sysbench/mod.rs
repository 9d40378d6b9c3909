//! The bench `sysbench`: transactions of a row store, beside MariaDB and PostgreSQL on the same cores.
//!
//! `sysbench` itself drives every server, over its own protocol, with prepared statements. Each commit is
//! durable when it is acknowledged, at all of them. All servers are up; one at a time is driven, so that
//! each figure has its peers beside it in time. What this machine lacks is said to be absent.

mod disk;
mod mariadb;
mod postgres;
pub mod run;
mod subject;
mod workload;
