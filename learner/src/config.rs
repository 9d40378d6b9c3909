//! Knobs of the leader group, with units, defaults and ranges.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};

/// How a leader group in this process is set up.
#[derive(Clone)]
pub struct GroupConfig {
    /// Where log, row store and columnar data live. Created if absent. Locked while open.
    pub data_dir: PathBuf,
    /// Longest wait for a leader at the start.
    pub start_timeout: Duration,
    /// How long overwritten versions stay readable, unless the group was told: see
    /// [`crate::catalog::set_gc_life`].
    pub gc_life: Duration,
    /// Bytes of keys and values that a transaction may hold.
    pub txn_bytes_limit: u64,
    /// Block cache of the row store, in bytes.
    pub row_cache_bytes: u64,
    /// Log bytes kept for replicas that were away, at least.
    pub log_keep_bytes: u64,
    /// Log bytes after which a replica that was away gets a raft snapshot instead.
    pub log_limit_bytes: u64,
    /// Entry bytes that the learner may hold unapplied before the leader pauses sending.
    pub learner_backlog_bytes: u64,
    /// Longest time between two flushes of the columnar engine.
    pub columnar_flush_interval: Duration,
    /// Bytes of the disk that transactions do not get, so that it is never quite full: below it they
    /// fail with `DiskFull`. If `None`, a gibibyte, or of a small disk a quarter.
    pub disk_reserve_bytes: Option<u64>,
    /// Sizes of the columnar engine.
    pub columnar: deltatree_storage::config::Config,
    /// Physical time.
    pub clock: Arc<dyn Clock>,
}

impl GroupConfig {
    /// The defaults, in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            start_timeout: Duration::from_secs(60),
            gc_life: Duration::from_secs(600),
            txn_bytes_limit: 1 << 30,
            row_cache_bytes: 256 << 20,
            log_keep_bytes: 64 << 20,
            log_limit_bytes: 2 << 30,
            learner_backlog_bytes: 128 << 20,
            columnar_flush_interval: Duration::from_secs(30),
            disk_reserve_bytes: None,
            columnar: deltatree_storage::config::Config::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Checks ranges. Errors: [`crate::ErrorKind::Invalid`] names the knob.
    pub fn validate(&self) -> Result<()> {
        if self.txn_bytes_limit == 0 {
            return Err(Error::Invalid("txn_bytes_limit must be above 0".into()));
        }
        if self.log_limit_bytes < self.log_keep_bytes {
            return Err(Error::Invalid("log_limit_bytes must not be below log_keep_bytes".into()));
        }
        if self.learner_backlog_bytes == 0 {
            return Err(Error::Invalid("learner_backlog_bytes must be above 0".into()));
        }
        Ok(())
    }
}
