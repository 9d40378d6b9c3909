//! The engine: tables, their published versions, durability, background work.

mod background;
mod bulk_build;
#[expect(clippy::module_inception, reason = "the type lives in the file of its name")]
mod engine;
mod flush;
mod inspect;
mod maintain;
mod recovery;
mod snapshots;
mod stats;
mod table;

pub use background::Work;
pub use engine::Engine;
pub use inspect::{ArrayInspection, FileInspection, Inspection, SegmentInspection, TableInspection, VectorInspection};
pub use maintain::MaintenanceReport;
pub(crate) use snapshots::ActiveSnapshot;
pub use stats::{ArrayStats, Backpressure, SegmentStats, TableStats};
pub use table::ApplyStats;

pub use crate::manifest::WriteStats;
pub(crate) use table::{TableVersion, UpdateGuard};

#[cfg(test)]
mod tests;
