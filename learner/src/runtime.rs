//! Where work runs.
//!
//! Replication has runtimes of its own: a query that keeps every thread of the caller's runtime busy
//! must not delay a heartbeat or a commit, and the learner's decoding must not delay the voter.

use crate::error::{Error, Result};

/// Runs blocking work from async code without holding up other tasks of the runtime.
pub(crate) fn blocking<R>(work: impl FnOnce() -> R) -> R {
    match tokio::runtime::Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // A runtime of one thread has no other that could take over its tasks.
        Ok(_) | Err(_) => work(),
    }
}

/// A runtime with `threads` workers. Dropped from async code only through [`OwnRuntime::stop`].
pub(crate) struct OwnRuntime(Option<tokio::runtime::Runtime>);

impl OwnRuntime {
    pub(crate) fn start(name: &str, threads: usize) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name(name)
            .enable_all()
            .build()
            .map_err(Error::io("start threads"))?;
        Ok(Self(Some(runtime)))
    }

    /// Runs a future on this runtime and waits for it from another.
    pub(crate) async fn run<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let Some(runtime) = &self.0 else { return Err(Error::Closed) };
        runtime.spawn(future).await.map_err(|e| Error::Internal(format!("a task failed: {e}")))
    }

    /// Starts a task that nobody waits for.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            runtime.spawn(future);
        }
    }

    /// Ends all tasks without waiting for them.
    pub(crate) fn stop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        self.stop();
    }
}
