//! The safe point and the flushes of a columnar learner that has no voter beside it.

use std::sync::Arc;

use crate::config::GroupConfig;
use crate::error::Result;
use crate::replica::ColumnarLearner;
use crate::runtime::{Instant, now};
use crate::tso::timestamp_at;

/// What is looked after.
pub(crate) struct LearnerCare {
    config: GroupConfig,
    learner: Arc<ColumnarLearner>,
    /// When the engine was last flushed, and at which applied index.
    flushed: Instant,
    flushed_at: u64,
}

impl LearnerCare {
    pub(crate) fn new(config: GroupConfig, learner: Arc<ColumnarLearner>) -> Self {
        Self { config, learner, flushed: now(), flushed_at: 0 }
    }

    /// One look for work. There is never more to do at once.
    pub(crate) fn tick(&mut self) -> Result<bool> {
        let engine = self.learner.engine();
        let applied = self.learner.applied();
        let life_ms = self.learner.gc_life().unwrap_or(self.config.gc_life).as_millis() as u64;
        // A snapshot that is being read holds what it needs, whatever its timestamp.
        let wanted = timestamp_at(self.config.clock.now_ms().saturating_sub(life_ms));
        engine.set_safe_point(wanted.min(applied.commit_ts));
        if applied.index > self.flushed_at && now() - self.flushed >= self.config.columnar_flush_interval {
            engine.flush()?;
            self.flushed = now();
            self.flushed_at = applied.index;
        }
        Ok(false)
    }
}
