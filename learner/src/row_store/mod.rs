//! The voters' state: the newest version of each key, and the overwritten ones, on an LSM tree.

mod backend;
mod batch;
mod garbage;
mod record;
mod scan;
mod store;

pub use record::Row;
pub use scan::RowScan;
pub use store::{RowReader, RowStore};

pub(crate) use backend::{Backend, Space, SpaceSnapshot};
pub(crate) use batch::ApplyBatch;
pub(crate) use garbage::CollectProgress;
pub(crate) use record::{Found, history_key};
