//! The voters' state: the newest version of each key, and the overwritten ones, on an LSM tree.

mod backend;
mod batch;
mod copy;
mod disk;
mod garbage;
mod hot;
#[cfg(test)]
mod memory;
mod record;
mod run;
mod scan;
mod shadowed;
mod store;
#[cfg(test)]
mod tests;

pub use record::Row;
pub use run::{FillRun, RunSink};

pub(crate) use batch::ApplyBatch;
pub(crate) use copy::live_version;
pub(crate) use run::{Ascending, Version};
pub(crate) use scan::StoreScan;
pub(crate) use store::{RowStore, StoreReader};
