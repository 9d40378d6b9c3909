//! DeltaTree: a columnar engine whose scans do not notice updates.
//!
//! See `DESIGN.md` beside this crate for definitions, invariants and byte tables.

pub mod api;
pub mod config;
pub mod engine;
pub mod error;
pub mod file;
pub mod pack;
pub mod predicate;
pub mod scan;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod types;
pub mod zone_map;

mod delete_vector;
mod delta;
mod delta_index;
mod manifest;
mod row_set;
mod segment;
mod stable;
