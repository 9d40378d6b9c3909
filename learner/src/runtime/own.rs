//! Runtimes of our own, and blocking work.
//!
//! Replication has runtimes of its own: a query that keeps every thread of the caller's runtime busy
//! must not delay a heartbeat or a commit, and the learner's decoding must not delay the voter.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Runtime;

use super::Favour;
use crate::error::{Error, Result};

/// Runs blocking work from async code without holding up other tasks of the runtime.
pub(crate) fn blocking<R>(work: impl FnOnce() -> R) -> R {
    match tokio::runtime::Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // A runtime of one thread has no other that could take over its tasks.
        Ok(_) | Err(_) => work(),
    }
}

/// A runtime with `threads` workers.
pub(crate) struct OwnRuntime(Mutex<Option<Runtime>>);

impl OwnRuntime {
    pub(crate) fn start(name: &str, threads: usize, favour: Favour) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name(name)
            .on_thread_start(move || favour.apply())
            .enable_all()
            .build()
            .map_err(Error::io("start threads"))?;
        Ok(Self(Mutex::new(Some(runtime))))
    }

    /// None: a simulation runs everything on its own.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(Mutex::new(None))
    }

    /// Starts a future on this runtime.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        match &*self.0.lock() {
            Some(runtime) => {
                runtime.spawn(future);
                Ok(())
            }
            None => Err(Error::Closed),
        }
    }

    /// Runs a future on this runtime and blocks until it is done.
    pub(crate) fn wait<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let (done, outcome) = std::sync::mpsc::sync_channel(1);
        self.spawn(async move {
            // Whoever has stopped waiting needs no answer.
            let _ = done.send(future.await);
        })?;
        blocking(|| outcome.recv()).map_err(|_| Error::Closed)
    }

    /// Runs a future on this runtime and waits for it from another.
    pub(crate) async fn run<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let task = match &*self.0.lock() {
            Some(runtime) => runtime.spawn(future),
            None => return Err(Error::Closed),
        };
        task.await.map_err(|e| Error::Internal(format!("a task failed: {e}")))
    }

    /// Ends all tasks, so that nothing of what they held is held any more. Work that blocks is waited
    /// for, within bounds.
    pub(crate) async fn stop(&self) {
        const PATIENCE: Duration = Duration::from_secs(30);
        let runtime = self.0.lock().take();
        if let Some(runtime) = runtime {
            let ended = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(PATIENCE));
            // Shutting down does not panic, and nobody cancels it.
            let _ = ended.await;
        }
    }
}

impl Drop for OwnRuntime {
    /// Ends all tasks without waiting for them: waiting is not allowed wherever a value may be dropped.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.lock().take() {
            runtime.shutdown_background();
        }
    }
}
