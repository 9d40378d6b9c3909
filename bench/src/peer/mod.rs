//! Peers that are Python packages: DuckDB, and ClickHouse as chdb.
//!
//! Each is a Python process of its own that is kept alive and spoken to in lines. A peer that this
//! machine's Python does not have is said to be absent, and left out.

mod process;

pub use process::{Package, Peer};
