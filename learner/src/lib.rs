//! The leader group of row-store voters, transactions, and the columnar Raft learner.
//!
//! See `DESIGN.md` beside this crate for the write path, the read path and what changes together.

mod access;
pub mod apply;
pub mod catalog;
pub mod clock;
pub mod cluster;
pub mod codec;
pub mod columnar;
mod config;
mod error;
mod group;
mod grpc;
mod leader;
mod maintenance;
pub mod raft;
mod remote;
mod replica;
mod row_store;
mod runtime;
#[cfg(test)]
mod sim;
pub mod table_write;
mod tso;
mod txn;

pub use access::{RowReader, RowScan};
pub use config::GroupConfig;
pub use error::{Error, ErrorKind, Result};
pub use group::{GateReport, GroupStatus, LeaderGroup, RemoteGroupConfig};
pub use grpc::{PeerLinks, TlsFiles};
pub use leader::ReaderGuard;
pub use row_store::{FillRun, Row, RunSink};
pub use runtime::Favour;
pub use txn::{CommitInfo, DirtyEntry, LockOutcome, Savepoint, Transaction, TxnMode, TxnOptions, TxnScan};
