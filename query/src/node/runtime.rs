//! The threads on which analytical queries run.
//!
//! They are apart from those that serve the protocol and the log, and the operating system runs them
//! at a lower priority: a query that keeps all of them busy must not delay a commit.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// How much less the analytical threads are favoured, in `nice` steps: a tenth of the processor is theirs
/// when the others want all of it.
const NICENESS: libc::c_int = 10;

/// For how long an analytical thread likes to run at a time, in nanoseconds. The scheduler lets a thread
/// that wakes up with a shorter slice (all others have the default, 3 ms or so) run at once instead of when
/// the slice is over: each hand-over of a commit would wait for that else.
const SLICE_NS: u64 = 20_000_000;

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

/// Niceness and slice in one call. A kernel that does not know slices of ordinary threads (before Linux 6.12)
/// takes the niceness alone.
#[cfg(target_os = "linux")]
fn lower_priority() {
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: libc::SCHED_OTHER as u32,
        sched_flags: 0,
        sched_nice: NICENESS,
        sched_priority: 0,
        sched_runtime: SLICE_NS,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the kernel reads the structure, whose size is in it, and keeps no pointer to it. 0 means the
    // calling thread.
    let refused = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) } != 0;
    if refused {
        tracing::debug!("cannot lower the priority of an analytical thread: {}", io::Error::last_os_error());
    }
}

/// Niceness is the process's on other systems, and must not be lowered for all of it.
#[cfg(not(target_os = "linux"))]
fn lower_priority() {}
