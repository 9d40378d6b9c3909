//! Immutable arrays of row versions, in memory or in a file, each with its delete vector.

mod block_list;
mod memory_rows;
mod rows;
mod set;

pub(crate) use block_list::BlockList;
pub(crate) use memory_rows::MemoryRows;
pub(crate) use rows::Rows;
pub(crate) use set::RowSet;
