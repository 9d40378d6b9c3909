//! The B+ tree that finds a key's newest row in the delta.

mod index;
mod tree;
#[cfg(test)]
mod tests;

pub(crate) use index::{DeltaIndex, IndexEntry};
