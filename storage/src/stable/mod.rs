//! The sorted, compacted part of a segment.

#[expect(clippy::module_inception, reason = "the type lives in the file of its name")]
mod stable;

pub(crate) use stable::Stable;
