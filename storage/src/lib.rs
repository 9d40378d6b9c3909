//! DeltaTree: a columnar engine whose scans do not notice updates.
//!
//! See `DESIGN.md` beside this crate for definitions, invariants and byte tables.

pub mod api;
pub mod error;
pub mod predicate;
pub mod types;

mod delete_vector;
mod delta_index;
