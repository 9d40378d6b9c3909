//! Whole-system tests: they start the `deltatree` binary and speak to it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod add_index;
mod cluster;
mod common;
mod constraints;
mod convert_column;
mod crash;
mod damage;
mod errors;
mod explain;
mod faults;
mod import;
mod keyed;
mod load_data;
mod oracle;
mod playground;
mod system_tables;
mod threads;
mod tls;
mod tpch;
mod transactions;
mod views;
mod wire;
