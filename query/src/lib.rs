//! SQL over two access paths: the MySQL session, DataFusion tables and functions, servers and the command
//! line.

pub mod error;
pub mod functions;
pub mod rewrite;
pub mod types;
