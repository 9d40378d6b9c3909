//! Tasks and timers of replication, Raft's own included.
//!
//! All of them go through one type, [`GroupRuntime`], so that a simulation can take the place of
//! threads and of time. In the product it is tokio, and the functions here are tokio's.

use std::time::Duration;

use openraft::AsyncRuntime;

#[cfg(not(test))]
pub(crate) use openraft::TokioRuntime as GroupRuntime;

#[cfg(test)]
pub(crate) use crate::sim::SwitchRuntime as GroupRuntime;

/// A moment of the time that timers follow.
pub(crate) type Instant = <GroupRuntime as AsyncRuntime>::Instant;

/// A bounded wait ended.
pub(crate) type Elapsed = <GroupRuntime as AsyncRuntime>::TimeoutError;

/// The present moment.
pub(crate) fn now() -> Instant {
    <Instant as openraft::Instant>::now()
}

/// Starts a task on the current runtime.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    drop(GroupRuntime::spawn(future));
}

/// Waits for so long.
pub(crate) fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
    GroupRuntime::sleep(duration)
}

/// Waits for `future`, at most so long.
pub(crate) fn timeout<F>(duration: Duration, future: F) -> impl Future<Output = Result<F::Output, Elapsed>> + Send
where
    F: Future + Send,
{
    GroupRuntime::timeout(duration, future)
}

/// Starts tasks, from any thread, where it was made.
pub(crate) struct Spawner {
    /// `None` in a simulation, which has one thread.
    runtime: Option<tokio::runtime::Handle>,
}

impl Spawner {
    /// Starts tasks on the current runtime.
    pub(crate) fn here() -> Self {
        Self { runtime: tokio::runtime::Handle::try_current().ok() }
    }

    /// Starts a task.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        match &self.runtime {
            Some(runtime) => drop(runtime.spawn(future)),
            None => spawn(future),
        }
    }
}
