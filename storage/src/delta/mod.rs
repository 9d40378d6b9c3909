//! The append-only recent part of a segment.

mod delta;

pub(crate) use delta::{Delta, DeltaPart};
