//! Reading a snapshot: planned from metadata, read zone by zone by any number of threads.

mod compress;
mod condition;
mod exclude;
mod fill;
mod get;
mod keep;
mod merge;
mod ordered;
mod plan;
#[expect(clippy::module_inception, reason = "the type lives in the file of its name")]
mod scan;
mod snapshot;
mod statistics;
mod survivors;
mod visibility;
mod zone;

pub(crate) use merge::merge_keys;
pub use ordered::OrderedScan;
pub use scan::{Scan, ScanWorker};
pub use snapshot::Snapshot;
pub(crate) use statistics::StatisticsMemo;
