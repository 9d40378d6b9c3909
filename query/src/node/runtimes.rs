//! The threads on which queries run.
//!
//! They are apart from those that serve the protocol and the log: a query must not delay a commit. And there are
//! two kinds. The *interactive* ones plan all queries, wait at the read gate, and run what is over in a moment.
//! The *analytical* ones run what takes long, and the operating system favours them less: one that keeps all
//! of them busy delays neither transactions nor short queries, which still see what was just committed.

use std::io;
use std::time::Duration;

use deltatree_learner::Favour;
use tokio::runtime::{Builder, Handle, Runtime};

/// Of the interactive threads.
const INTERACTIVE: Favour = Favour { niceness: 0, slice: Duration::from_millis(1) };
/// Of the analytical threads.
const ANALYTICAL: Favour = Favour { niceness: 12, slice: Duration::from_millis(3) };

/// Both kinds. Dropping them stops their queries without waiting for them.
pub(crate) struct QueryRuntimes {
    interactive: OwnedRuntime,
    analytics: OwnedRuntime,
}

impl QueryRuntimes {
    /// Starts so many threads of each kind.
    pub(crate) fn start(threads: usize) -> io::Result<Self> {
        Ok(Self {
            interactive: OwnedRuntime::start("interactive", threads, INTERACTIVE)?,
            analytics: OwnedRuntime::start("analytics", threads, ANALYTICAL)?,
        })
    }

    /// Where queries are planned, and short ones run.
    pub(crate) fn interactive(&self) -> &Handle {
        self.interactive.handle()
    }

    /// Where long queries run.
    pub(crate) fn analytics(&self) -> &Handle {
        self.analytics.handle()
    }
}

struct OwnedRuntime(Option<Runtime>);

impl OwnedRuntime {
    fn start(name: &str, threads: usize, favour: Favour) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name(name)
            .on_thread_start(move || favour.apply())
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    fn handle(&self) -> &Handle {
        self.0.as_ref().expect("taken by drop only").handle()
    }
}

impl Drop for OwnedRuntime {
    fn drop(&mut self) {
        // A runtime must not be waited for inside another one, which is where nodes are dropped.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
