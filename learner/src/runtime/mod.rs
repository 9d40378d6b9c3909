//! Where work runs: runtimes of our own, and the tasks and timers of replication.

mod favour;
mod own;
mod tasks;

pub use favour::Favour;
pub(crate) use own::{OwnRuntime, blocking};
pub(crate) use tasks::{GroupRuntime, Instant, Spawner, now, sleep, spawn, timeout};
