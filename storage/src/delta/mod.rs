//! The append-only recent part of a segment.

#[expect(clippy::module_inception, reason = "the type lives in the file of its name")]
mod delta;

pub(crate) use delta::{Delta, DeltaPart};
