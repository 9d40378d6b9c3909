//! A key range of a table: its delta, its stable, and the steps that change them.

mod apply;
mod join;
mod merge_apply;
mod merge_delta;
mod merge_group;
mod merge_output;
mod merge_plan;
mod merge_sources;
mod rebuild;
mod resolve;
#[expect(clippy::module_inception, reason = "the type lives in the file of its name")]
mod segment;

pub(crate) use apply::Prepared;
pub(crate) use join::join;
pub(crate) use merge_delta::{Merge, MergeContext};
pub(crate) use merge_plan::{MergePlan, SlotFacts, droppable};
pub(crate) use segment::Segment;
