//! A voter's safe point, log and old versions, and those of a columnar engine beside it.

use std::sync::Arc;
use std::time::Duration;

use crate::config::GroupConfig;
use crate::error::Result;
use crate::leader::Leader;
use crate::replica::ColumnarLearner;
use crate::runtime::{Instant, now};
use crate::tso::timestamp_at;

/// What is looked after.
pub(crate) struct VoterCare {
    config: GroupConfig,
    leader: Arc<Leader>,
    /// In the same process, if there is one.
    learner: Option<Arc<ColumnarLearner>>,
    safe_point_moved: Option<Instant>,
    /// When the engine was last flushed, and at which applied index.
    flushed: Instant,
    flushed_at: u64,
    /// Up to where the log was last told to purge itself.
    purging: u64,
}

impl VoterCare {
    pub(crate) fn new(config: GroupConfig, leader: Arc<Leader>, learner: Option<Arc<ColumnarLearner>>) -> Self {
        Self { config, leader, learner, safe_point_moved: None, flushed: now(), flushed_at: 0, purging: 0 }
    }

    /// One look for work. Returns whether there is more to do at once.
    pub(crate) fn tick(&mut self) -> Result<bool> {
        self.move_safe_point()?;
        self.flush_if_due()?;
        self.leader.voter().store.spare_scans()?;
        let more_to_purge = self.purge_log()?;
        Ok(self.collect()? || more_to_purge)
    }

    /// The safe point follows the clock at a distance, held back by readers. Each voter moves its own, and
    /// readers are known to the leader only: one that has been at it for longer than the GC life time may
    /// have to end when another voter takes over.
    fn move_safe_point(&mut self) -> Result<()> {
        let life = self.leader.voter().catalog().gc_life().unwrap_or(self.config.gc_life);
        let interval = (life / 10).clamp(Duration::from_millis(100), Duration::from_secs(10));
        if self.safe_point_moved.is_some_and(|at| now() - at < interval) {
            return Ok(());
        }
        self.safe_point_moved = Some(now());
        let life_ms = life.as_millis() as u64;
        let wanted = timestamp_at(self.config.clock.now_ms().saturating_sub(life_ms));
        // What is not yet applied may still come, and must find the versions that it replaces.
        let wanted = wanted.min(self.leader.voter().applied().commit_ts);
        let store = &self.leader.voter().store;
        self.leader.readers().with_safe_point(wanted, |ts| {
            if let Some(learner) = &self.learner {
                learner.engine().set_safe_point(ts.min(learner.applied().commit_ts));
            }
            store.raise_safe_point(ts);
        });
        store.keep_safe_point()
    }

    /// A flush lets the log be purged and the next start be short.
    fn flush_if_due(&mut self) -> Result<()> {
        let Some(learner) = &self.learner else { return Ok(()) };
        let applied = learner.applied().index;
        let log_is_long = self.leader.log().bytes_after(self.flushed_at) > self.config.log_keep_bytes;
        let is_late = now() - self.flushed >= self.config.columnar_flush_interval;
        if applied > self.flushed_at && (log_is_long || is_late) {
            learner.engine().flush()?;
            self.flushed = now();
            self.flushed_at = applied;
        }
        Ok(())
    }

    /// Keeps the log short: what the engine beside it has durably may go, and what is too much must. What
    /// replicas elsewhere have durably a voter does not know; one that was away for too long gets a raft
    /// snapshot.
    ///
    /// Raft's task does it, which has other things to do: so in small steps, and what must be durable before is made
    /// so here. Returns whether there is more.
    fn purge_log(&mut self) -> Result<bool> {
        const STEP: u64 = 1024;
        let log = self.leader.log();
        let durable = self.learner.as_ref().and_then(|learner| learner.durable_index()).unwrap_or(0);
        let wanted = log.purge_candidate(self.config.log_keep_bytes).map(|index| index.min(durable));
        let forced = log.purge_candidate(self.config.log_limit_bytes);
        let (Some(upto), Some(first)) = (wanted.max(forced), log.first_index()) else { return Ok(false) };
        if first > upto {
            return Ok(false);
        }
        self.leader.voter().store.persist_upto(upto)?;
        let advanced = first > self.purging;
        self.purging = upto.min(first + STEP);
        self.leader.purge_log(self.purging);
        Ok(advanced && self.purging < upto)
    }

    /// Removes versions that nobody can read, a few at a time so that applying never waits long. Returns
    /// whether there are more.
    fn collect(&mut self) -> Result<bool> {
        const STEP: usize = 500;
        let progress = self.leader.voter().exclusively(|store| store.collect(STEP))?;
        Ok(progress.more)
    }
}
