//! SQL over two access paths: the MySQL session, DataFusion tables and functions, servers and the command
//! line.
//!
//! See `DESIGN.md` beside this crate for the life of a query.

pub mod cli;
pub mod error;
pub mod functions;
pub mod metrics;
pub mod mysql;
pub mod node;
pub mod planner;
pub mod rewrite;
pub mod session;
pub mod statement;
pub mod status;
pub mod types;
