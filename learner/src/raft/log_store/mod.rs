//! Where the log is kept: durably on voters, in memory on the columnar learner.

mod appender;
mod cache;
mod codec;
mod disk;
mod durable;
mod memory;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use disk::LOG as SIMULATED_LOG;
pub(crate) use durable::DurableLog;
pub(crate) use memory::MemoryLog;
