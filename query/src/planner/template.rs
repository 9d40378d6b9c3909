//! The part of a DataFusion session that is the same for every query.
//!
//! Making a session from nothing registers hundreds of functions. So it is made once, and each query
//! copies it and sets what differs: the catalog, the current database, the time zone.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::config::Dialect;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;

use super::config::EngineConfig;
use super::rules;
use crate::catalog::CATALOG;
use crate::functions;

/// Build sides of a join up to this size are collected into one hash table that all streams probe.
///
/// Measured on TPC-H: filters made from the keys of such a build side are plain ranges and sets, which
/// scans apply cheaply. Filters of partitioned joins route each row to its partition first, and cost
/// what they save.
const COLLECTED_BUILD_BYTES: usize = 512 << 20;
/// The same, in rows, where the size in bytes is unknown.
const COLLECTED_BUILD_ROWS: usize = 8 << 20;
/// Consumers named in an out-of-memory error.
const NAMED_CONSUMERS: usize = 3;

/// A session for queries to copy.
///
/// # Errors
/// If the memory pool or the spill directory cannot be set up.
pub(super) fn session_template(config: &EngineConfig) -> Result<SessionState> {
    std::fs::create_dir_all(&config.spill_dir)?;
    let pool = FairSpillPool::new(config.memory_bytes_limit);
    let tracked = TrackConsumersPool::new(pool, NAMED_CONSUMERS.try_into().expect("the constant is above zero"));
    let spill = DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![config.spill_dir.clone()]));
    let runtime =
        RuntimeEnvBuilder::new().with_memory_pool(Arc::new(tracked)).with_disk_manager_builder(spill).build_arc()?;
    let builder = SessionStateBuilder::new()
        .with_config(session_config(config))
        .with_runtime_env(runtime)
        .with_default_features();
    let builder = functions::install(builder);
    Ok(rules::install(builder).build())
}

fn session_config(config: &EngineConfig) -> SessionConfig {
    let mut session = functions::configure(SessionConfig::new()).with_target_partitions(config.partitions);
    let options = session.options_mut();
    options.catalog.create_default_catalog_and_schema = false;
    options.catalog.information_schema = false;
    options.catalog.default_catalog = CATALOG.to_owned();
    options.sql_parser.dialect = Dialect::MySQL;
    // NULL is the smallest value: first in ascending order, last in descending.
    options.sql_parser.default_null_ordering = "nulls_min".to_owned();
    options.optimizer.hash_join_single_partition_threshold = COLLECTED_BUILD_BYTES;
    options.optimizer.hash_join_single_partition_threshold_rows = COLLECTED_BUILD_ROWS;
    session
}
