//! The columnar replica as queries read it: in this process, or in another one.
//!
//! A replica elsewhere is asked for a table *at a timestamp* each time and keeps nothing between calls. It
//! prunes and filters by what can be said over the wire; what only the asker can evaluate (an expression of
//! the query engine, the keys of a hash join) is evaluated here, on the rows that come.

mod gate;
mod remote_replica;
mod remote_scan;
mod replica;
mod service;
mod table;
mod wire;

pub use replica::ColumnarReplica;
pub use table::{TableScan, TableScanWorker, TableSnapshot};

#[cfg(test)]
pub(crate) use gate::pass_gate_by;

pub(crate) use gate::pass_gate;
pub(crate) use remote_replica::{RemoteReplica, ReplicaProgress};
pub(crate) use service::columnar_service;
