//! What the engine's files are, and where to resume: one small file, replaced whole.

mod delete_file;
mod envelope;
mod files;
#[cfg(test)]
pub(crate) mod forged;
#[expect(clippy::module_inception, reason = "the type lives in the file of its name")]
mod manifest;
#[cfg(test)]
mod tests;
mod written;

pub(crate) use delete_file::delete_file_name;
pub(crate) use files::Files;
pub(crate) use manifest::{ChunkRecord, MANIFEST, Manifest, SegmentRecord, TableRecord};
pub use written::WriteStats;
