//! SQL over two access paths: the MySQL session, DataFusion tables and functions, servers and the command
//! line.

pub mod access_path;
pub mod catalog;
pub mod error;
pub mod exec;
pub mod functions;
pub mod planner;
pub mod predicate_convert;
pub mod rewrite;
pub mod table;
pub mod types;
