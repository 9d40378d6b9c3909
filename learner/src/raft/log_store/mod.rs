//! Where the log is kept: durably on voters, in memory on the columnar learner.

mod cache;
mod codec;
mod durable;
mod memory;
#[cfg(test)]
mod tests;

pub(crate) use durable::DurableLog;
pub(crate) use memory::MemoryLog;
