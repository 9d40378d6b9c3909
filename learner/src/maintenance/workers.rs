//! The threads that do it.
//!
//! A voter has one. A columnar engine has one of its own, because a merge may take seconds and the log
//! must not grow meanwhile. Each does a little at a time and then looks whether it should stop.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use deltatree_storage::engine::Engine;
use parking_lot::Mutex;

use super::learner_care::LearnerCare;
use super::voter_care::VoterCare;
use crate::config::GroupConfig;
use crate::error::{Error, Result};
use crate::leader::Leader;
use crate::replica::ColumnarLearner;
use crate::runtime::Favour;

/// The threads of a process. They end when this is stopped or dropped.
pub(crate) struct Maintenance {
    threads: Mutex<Vec<Worker>>,
}

/// A thread, and what ends it when it is dropped.
type Worker = (mpsc::Sender<()>, JoinHandle<()>);

/// Pause between two looks for work.
const TICK: Duration = Duration::from_millis(200);
/// Pause between two pieces of work, for whoever waits for what they hold.
const BREATH: Duration = Duration::from_millis(2);

impl Maintenance {
    /// Of a voter and a learner beside it.
    pub(crate) fn start(config: &GroupConfig, leader: Arc<Leader>, learner: Arc<ColumnarLearner>) -> Result<Self> {
        let engine = learner.engine().clone();
        let voter = VoterCare::new(config.clone(), leader, Some(learner));
        Ok(Self::of([spawn("housekeeping", voter, VoterCare::tick)?, spawn("columnar-merge", engine, merge)?]))
    }

    /// Of a voter alone.
    pub(crate) fn of_voter(config: &GroupConfig, leader: Arc<Leader>) -> Result<Self> {
        let voter = VoterCare::new(config.clone(), leader, None);
        Ok(Self::of([spawn("housekeeping", voter, VoterCare::tick)?]))
    }

    /// Of a learner alone.
    pub(crate) fn of_learner(config: &GroupConfig, learner: Arc<ColumnarLearner>) -> Result<Self> {
        let engine = learner.engine().clone();
        let learner = LearnerCare::new(config.clone(), learner);
        Ok(Self::of([spawn("housekeeping", learner, LearnerCare::tick)?, spawn("columnar-merge", engine, merge)?]))
    }

    fn of(threads: impl Into<Vec<Worker>>) -> Self {
        Self { threads: Mutex::new(threads.into()) }
    }

    /// Ends the threads and waits for them: at most for one unit of work. Blocks.
    pub(crate) fn stop(&self) {
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

/// Runs `tick` again and again: soon if it says that there is more to do, else after a pause.
fn spawn<T: Send + 'static>(
    name: &str,
    mut state: T,
    tick: impl Fn(&mut T) -> Result<bool> + Send + 'static,
) -> Result<Worker> {
    let (stop, stopped) = mpsc::channel::<()>();
    let task = name.to_owned();
    let run = move || {
        Favour::BACKGROUND.apply();
        let mut pause = TICK;
        while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            pause = match tick(&mut state) {
                Ok(true) => BREATH,
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
