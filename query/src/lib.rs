//! SQL over two access paths: the MySQL session, DataFusion tables and functions, servers and the command
//! line.
//!
//! See `DESIGN.md` beside this crate for the life of a query.

pub mod access_path;
pub mod catalog;
pub mod cli;
pub mod error;
pub mod exec;
pub mod flight;
pub mod functions;
mod import;
pub mod metrics;
pub mod mysql;
pub mod node;
pub mod planner;
pub mod predicate_convert;
pub mod rewrite;
pub mod session;
pub mod statement;
pub mod status;
pub mod table;
pub mod tpch;
pub mod types;
