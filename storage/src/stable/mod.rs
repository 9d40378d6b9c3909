//! The sorted, compacted part of a segment.

mod stable;

pub(crate) use stable::Stable;
