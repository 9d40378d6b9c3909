//! The engine's knobs.

use crate::error::{Error, Result};

/// Sizes at which the engine acts. Checked once, when the engine is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Rows of a full pack, the unit in which merges rewrite. 8,192 to 16 Mi.
    pub pack_rows: usize,
    /// A segment whose stable has more rows is split. At least two packs.
    pub segment_rows_limit: u64,
    /// A merge that takes in fewer changes is not begun.
    pub merge_rows_min: u64,
    /// A pack is rewritten when the changes that this takes in are at least this share of the rows
    /// that it writes, in percent. At p percent, scattered updates are written 1 + 100 / p times.
    pub merge_delta_percent: u64,
    /// Memory that all deltas may hold before a flush is due, in bytes.
    pub delta_memory_limit: u64,
    /// Delta rows of one segment that are waited for before merging, at most.
    pub delta_rows_limit: u64,
    /// Delete vector entries with timestamps that one array may have before a checkpoint is due.
    pub tail_entries_limit: usize,
    /// Threads that a merge, a flush or a bulk build may use. At most two of these run at a time.
    pub background_threads: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            pack_rows: 1 << 18,
            segment_rows_limit: 16 << 20,
            merge_rows_min: 64 << 10,
            merge_delta_percent: 50,
            delta_memory_limit: 256 << 20,
            delta_rows_limit: 8 << 20,
            tail_entries_limit: 64 << 10,
            background_threads: 2,
        }
    }
}

impl Config {
    /// Small sizes, so that tests with few rows pass through every step.
    pub fn tiny() -> Self {
        Self {
            pack_rows: 40,
            segment_rows_limit: 200,
            merge_rows_min: 20,
            merge_delta_percent: 50,
            delta_memory_limit: 16 << 10,
            delta_rows_limit: 400,
            tail_entries_limit: 8,
            background_threads: 1,
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |what: &str| Err(Error::Invalid(format!("storage configuration: {what}")));
        if self.pack_rows == 0 || self.pack_rows > 16 << 20 {
            return wrong("pack_rows must be 1 to 16777216");
        }
        if self.segment_rows_limit < 2 * self.pack_rows as u64 {
            return wrong("segment_rows_limit must be at least two packs");
        }
        if self.background_threads == 0 || self.background_threads > 256 {
            return wrong("background_threads must be 1 to 256");
        }
        if self.delta_memory_limit == 0 || self.delta_rows_limit == 0 || self.merge_delta_percent == 0 {
            return wrong("limits must not be zero");
        }
        Ok(())
    }
}
