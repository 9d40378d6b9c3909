//! The leader group of row-store voters, transactions, and the columnar Raft learner.
//!
//! See `DESIGN.md` beside this crate for the write path, the read path and what changes together.

pub mod apply;
pub mod catalog;
pub mod codec;
pub mod table_write;
