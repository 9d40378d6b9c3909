//! Every measurement of DeltaTree, side by side with its peers on the same machine in the same run.
//!
//! - [`cli`]: the command line
//! - [`report`]: figures with their targets, printed as a table or as one JSON object
//! - [`machine`]: what the figures were measured on, and the process's memory
//! - [`engine`]: DeltaTree and its peers behind one trait
//! - [`peer`]: peers that are Python packages
//! - [`columnar`]: the columnar engine by itself
//! - [`lsm`]: the baseline that merges on read
//! - [`server`]: a `deltatree serve` as a child process
//! - [`crash`]: `kill -9` at random moments, against a model
//! - [`faults`]: isolation while processes are killed, stopped and cut off
//! - [`gate_wait`]: how long the server's queries waited for the columnar replica
//! - [`freshness`]: what columnar queries see of the writes acknowledged before they began
//! - [`point_select`]: rows by primary key over the MySQL protocol
//! - [`sysbench`]: transactions of a row store, beside MariaDB and PostgreSQL
//! - [`tpcc`]: the order entry of TPC-C, as load
//! - [`chbench`]: its transactions and, over the same tables, the queries of CH-benCHmark
//! - [`upsert_grid`]: what updates cost, and what they do to the scan that follows them
//! - [`delta_vs_lsm`]: scans while rows are updated, beside the baseline
//! - [`scan`]: how fast one core decodes typical columns
//! - [`tpch`]: the 22 queries over all engines, and the published answers over the MySQL protocol

pub mod chbench;
pub mod cli;
pub mod columnar;
pub mod crash;
pub mod delta_vs_lsm;
pub mod engine;
pub mod faults;
pub mod freshness;
pub mod gate_wait;
pub mod import;
pub mod lsm;
pub mod machine;
pub mod peer;
pub mod point_select;
pub mod report;
pub mod scan;
pub mod server;
pub mod sysbench;
pub mod tpcc;
pub mod tpch;
pub mod upsert_grid;

#[cfg(test)]
mod tests;
