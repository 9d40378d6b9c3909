//! Where the log is kept: durably on voters, in memory on the columnar learner.
//!
//! ```text
//! Raft ─► durable ─► appender (a thread) ─► log_disk ─► files ─► frame ─► log_file
//!            │                                            │
//!            └─► cache: what is read again soon           └─► extents: what is where; recovery: what was found
//! ```

mod appender;
mod cache;
mod codec;
#[cfg(test)]
mod crash_tests;
mod durable;
mod extents;
mod files;
mod frame;
mod log_disk;
mod log_file;
mod memory;
mod recovery;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

pub(crate) use durable::DurableLog;
pub(crate) use memory::MemoryLog;
#[cfg(test)]
pub(crate) use simulated::LOG as SIMULATED_LOG;
