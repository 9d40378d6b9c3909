//! The leader as sessions reach it: in this process, or in another one.
//!
//! Everything above works with these types and does not know which of the two it is.

mod leader_access;
mod row_reader;

pub use row_reader::{RowReader, RowScan};

pub(crate) use leader_access::LeaderAccess;
