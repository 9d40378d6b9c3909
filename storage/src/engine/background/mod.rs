//! What to do next in the background.

mod policy;
#[cfg(test)]
mod tests;

pub use policy::Work;
pub(super) use policy::{SegmentFacts, choose, merge_all, plan_merge};
