//! The B+ tree that finds a key's newest row in the delta.

mod index;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use index::{DeltaIndex, IndexEntry};
pub(crate) use tree::LeafHint;
