//! TPC-H over all engines.
//!
//! - [`run`]: the bench `tpch`: set up the engines, run the queries in turn, compare the results
//! - [`engines`]: which engines there are, and how each gets its data
//! - [`measurement`]: the times of one query on every engine
//! - [`table`]: the table of 22 rows, and the figures
//! - [`space`]: bytes in packs and in Parquet
//! - [`verify`]: the published answers over the MySQL protocol
//! - [`load_mysql`]: the load over the protocol
//! - [`update_load`]: updates that change no answer, and compactions, meanwhile

pub mod engines;
pub mod load_mysql;
pub mod measurement;
pub mod run;
pub mod space;
pub mod table;
pub mod update_load;
pub mod verify;
