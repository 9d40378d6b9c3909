//! Knobs of the query engine, with units and defaults.

use std::path::PathBuf;

/// How a query engine is set up.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Streams that a large scan, join or aggregation is split into.
    pub partitions: usize,
    /// Bytes that all running queries may hold together in joins, sorts and aggregations. Above it they
    /// spill, or fail where they cannot.
    pub memory_bytes_limit: usize,
    /// Where they spill. Created if absent.
    pub spill_dir: PathBuf,
}

impl EngineConfig {
    /// One stream a core, 4 GiB, spilling into `spill_dir`.
    pub fn new(spill_dir: impl Into<PathBuf>) -> Self {
        let partitions = std::thread::available_parallelism().map_or(2, usize::from);
        Self { partitions, memory_bytes_limit: 4 << 30, spill_dir: spill_dir.into() }
    }
}
