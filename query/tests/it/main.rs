//! Whole-system tests: they start the `deltatree` binary and speak to it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crash;
mod damage;
mod errors;
mod explain;
mod oracle;
mod system_tables;
mod tpch;
mod wire;
