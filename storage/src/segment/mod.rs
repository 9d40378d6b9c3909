//! A key range of a table: its delta, its stable, and the steps that change them.

mod apply;
mod merge_apply;
mod merge_delta;
mod merge_output;
mod resolve;
#[expect(clippy::module_inception, reason = "the type lives in the file of its name")]
mod segment;

pub(crate) use apply::Prepared;
pub(crate) use merge_delta::{Merge, MergeContext};
pub(crate) use segment::Segment;
