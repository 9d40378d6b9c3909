//! What happens in the background: safe point, collecting old versions, purging the log, and the
//! columnar engine's own work.
//!
//! Two threads, because a merge in the engine may take seconds and the log must not grow meanwhile.
//! Each does a little at a time and then looks whether it should stop.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use deltatree_storage::engine::Engine;
use parking_lot::Mutex;

use crate::config::GroupConfig;
use crate::error::{Error, Result};
use crate::leader::Leader;
use crate::replica::ColumnarLearner;
use crate::tso::timestamp_at;

/// The threads. They end when this is stopped or dropped.
pub(super) struct Maintenance {
    threads: Mutex<Vec<(mpsc::Sender<()>, JoinHandle<()>)>>,
}

/// Pause between two looks for work.
const TICK: Duration = Duration::from_millis(200);

impl Maintenance {
    pub(super) fn start(config: &GroupConfig, leader: Arc<Leader>, learner: Arc<ColumnarLearner>) -> Result<Self> {
        let housekeeping = Housekeeping {
            config: config.clone(),
            leader,
            learner: learner.clone(),
            safe_point_moved: None,
            flushed: Instant::now(),
            flushed_at: 0,
        };
        let engine = learner.engine().clone();
        let threads =
            vec![spawn("housekeeping", housekeeping, Housekeeping::tick)?, spawn("columnar-merge", engine, merge)?];
        Ok(Self { threads: Mutex::new(threads) })
    }

    /// Ends the threads and waits for them: at most for one unit of work. Blocks.
    pub(super) fn stop(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        let handles: Vec<_> = threads.into_iter().map(|(stop, thread)| (drop(stop), thread).1).collect();
        for thread in handles {
            // A panic there has been reported by its thread.
            let _ = thread.join();
        }
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        self.threads.lock().clear();
    }
}

/// Runs `tick` again and again: at once if it says that there is more to do, else after a pause.
fn spawn<T: Send + 'static>(
    name: &str,
    mut state: T,
    tick: impl Fn(&mut T) -> Result<bool> + Send + 'static,
) -> Result<(mpsc::Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = mpsc::channel::<()>();
    let task = name.to_owned();
    let run = move || {
        let mut pause = TICK;
        while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            pause = match tick(&mut state) {
                Ok(true) => Duration::ZERO,
                Ok(false) => TICK,
                Err(e) => {
                    tracing::warn!(task, error = %e, "background work failed, it is tried again");
                    Duration::from_secs(5)
                }
            };
        }
    };
    let thread = std::thread::Builder::new().name(name.into()).spawn(run).map_err(Error::io("start a thread"))?;
    Ok((stop, thread))
}

fn merge(engine: &mut Engine) -> Result<bool> {
    Ok(engine.maintain()?.is_some())
}

struct Housekeeping {
    config: GroupConfig,
    leader: Arc<Leader>,
    learner: Arc<ColumnarLearner>,
    safe_point_moved: Option<Instant>,
    /// When the engine was last flushed, and at which applied index.
    flushed: Instant,
    flushed_at: u64,
}

impl Housekeeping {
    fn tick(&mut self) -> Result<bool> {
        self.move_safe_point()?;
        self.flush_if_due()?;
        self.purge_log();
        self.collect()
    }

    /// The safe point follows the clock at a distance, held back by readers.
    fn move_safe_point(&mut self) -> Result<()> {
        let interval = (self.config.gc_life / 10).clamp(Duration::from_millis(100), Duration::from_secs(10));
        if self.safe_point_moved.is_some_and(|at| at.elapsed() < interval) {
            return Ok(());
        }
        self.safe_point_moved = Some(Instant::now());
        let life_ms = self.config.gc_life.as_millis() as u64;
        let wanted = timestamp_at(self.config.clock.now_ms().saturating_sub(life_ms));
        // What is not yet applied may still come, and must find the versions that it replaces.
        let wanted = wanted.min(self.leader.voter().applied().commit_ts);
        let columnar = wanted.min(self.learner.applied().commit_ts);
        let store = &self.leader.voter().store;
        self.leader.readers().with_safe_point(wanted, |ts| {
            self.learner.engine().set_safe_point(ts.min(columnar));
            store.raise_safe_point(ts);
        });
        store.keep_safe_point()
    }

    /// A flush lets the log be purged and the next start be short.
    fn flush_if_due(&mut self) -> Result<()> {
        let applied = self.learner.applied().index;
        let log_is_long = self.leader.log().bytes_after(self.flushed_at) > self.config.log_keep_bytes;
        let is_late = self.flushed.elapsed() >= self.config.columnar_flush_interval;
        if applied > self.flushed_at && (log_is_long || is_late) {
            self.learner.engine().flush()?;
            self.flushed = Instant::now();
            self.flushed_at = applied;
        }
        Ok(())
    }

    /// Keeps the log short: what every replica has durably may go, and what is too much must.
    fn purge_log(&self) {
        let log = self.leader.log();
        let durable = self.learner.durable_index().unwrap_or(0);
        let wanted = log.purge_candidate(self.config.log_keep_bytes).map(|index| index.min(durable));
        let forced = log.purge_candidate(self.config.log_limit_bytes);
        if let Some(upto) = wanted.max(forced)
            && log.first_index().is_some_and(|first| first <= upto)
        {
            self.leader.purge_log(upto);
        }
    }

    /// Removes versions that nobody can read, a few at a time so that applying never waits long.
    fn collect(&mut self) -> Result<bool> {
        const STEP: usize = 500;
        let progress = self.leader.voter().exclusively(|store| store.collect(STEP))?;
        if progress.more {
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(progress.more)
    }
}
