//! The engine: tables, their published versions, durability, background work.

mod files;
mod snapshots;
mod table;
#[expect(clippy::module_inception, reason = "the type lives in the file of its name")]
mod engine;
mod flush;
mod recovery;

pub use engine::Engine;
pub(crate) use files::Files;
pub(crate) use snapshots::{ActiveSnapshot, Snapshots};
pub use table::ApplyStats;
pub(crate) use table::{Table, TableVersion, UpdateGuard};
