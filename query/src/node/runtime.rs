//! The threads on which analytical queries run.
//!
//! They are apart from those that serve the protocol and the log, and the operating system runs them
//! at a lower priority: a query that keeps all of them busy must not delay a commit.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// How much less the analytical threads are favoured, in `nice` steps.
const NICENESS: libc::c_int = 5;

/// The analytical runtime. Dropping it stops its queries without waiting for them.
pub(crate) struct AnalyticsRuntime(Option<Runtime>);

impl AnalyticsRuntime {
    /// Starts `threads` threads.
    pub(crate) fn start(threads: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("analytics")
            .on_thread_start(lower_priority)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Where to spawn queries.
    pub(crate) fn handle(&self) -> &Handle {
        self.0.as_ref().expect("taken by drop only").handle()
    }
}

impl Drop for AnalyticsRuntime {
    fn drop(&mut self) {
        // A runtime must not be waited for inside another one, which is where nodes are dropped.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn lower_priority() {
    // SAFETY: takes and returns plain integers. On Linux, 0 means the calling thread.
    let refused = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) } != 0;
    if refused {
        tracing::debug!("cannot lower the priority of an analytical thread: {}", io::Error::last_os_error());
    }
}
