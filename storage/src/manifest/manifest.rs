//! The manifest: the one file that says what is live.
//!
//! It names every pack, chunk and delete vector file of every table, and the replay position: all
//! that the log held up to there is in those files. It is replaced whole and atomically, so after a
//! crash the engine finds the old state or the new, and every other file is an orphan.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::envelope::{Kind, open, seal};
use super::written::WriteStats;
use crate::api::ReplayPosition;
use crate::error::{Error, Result};
use crate::file::FileStore;
use crate::types::{FileId, KeyRange, SegmentId, TableSchema, Timestamp};

/// The manifest's name.
pub(crate) const MANIFEST: &str = "MANIFEST";
const KIND: Kind = Kind { magic: *b"DTMANIF\n", format: 2 };

/// See the module documentation. Invariants:
///
/// 1. No file is named twice; every id is below `next_file`.
/// 2. A table's segments are in key order, touch each other and cover every key.
/// 3. No two tables and no two segments have one id.
/// 4. A table's schema does not contradict itself; the bounds of its segments are keys of its kind.
/// 5. The chunks of a delta are in the order of their ordinals, which are few enough for the index.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Where file ids go on.
    pub(crate) next_file: u64,
    /// Where segment ids go on.
    pub(crate) next_segment: u64,
    /// Where the feeder resumes.
    pub(crate) replay: Option<ReplayPosition>,
    /// No row with a timestamp at or below this one is replayed from there.
    pub(crate) replay_floor: Timestamp,
    /// What had been put in and written.
    pub(crate) written: WriteStats,
    /// Live tables.
    pub(crate) tables: Vec<TableRecord>,
}

/// One table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TableRecord {
    pub(crate) schema: TableSchema,
    /// Timestamp of the last bulk build: the table is complete up to there, and rows at or below it
    /// are dropped.
    pub(crate) floor: Timestamp,
    /// Versions that no snapshot at or after this needs may be gone.
    pub(crate) collected: Timestamp,
    /// Latest commit applied.
    pub(crate) max_commit_ts: Timestamp,
    pub(crate) segments: Vec<SegmentRecord>,
}

/// One segment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SegmentRecord {
    pub(crate) id: SegmentId,
    pub(crate) range: KeyRange,
    pub(crate) next_ordinal: u64,
    pub(crate) stable: Vec<FileId>,
    pub(crate) delta: Vec<ChunkRecord>,
    pub(crate) history: Vec<FileId>,
    /// Delete vectors of stable, delta and history, in that order; none if nothing is deleted.
    pub(crate) deletes: Option<FileId>,
}

/// One chunk of the delta.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct ChunkRecord {
    pub(crate) file: FileId,
    /// Ordinal of its first row.
    pub(crate) start: u64,
}

impl SegmentRecord {
    /// Packs, chunks and history files.
    pub(crate) fn packs(&self) -> impl Iterator<Item = FileId> + '_ {
        self.stable.iter().copied().chain(self.delta.iter().map(|c| c.file)).chain(self.history.iter().copied())
    }
}

impl SegmentRecord {
    fn ordinals_ascend(&self) -> bool {
        let starts = self.delta.iter().map(|chunk| chunk.start);
        let first = starts.clone().next().unwrap_or(self.next_ordinal);
        starts.chain([self.next_ordinal]).is_sorted() && self.next_ordinal - first <= u64::from(u32::MAX)
    }
}

impl Manifest {
    /// Reads the manifest of a store; `None` if it has none. Damage is an error that names it.
    pub(crate) fn load(store: &dyn FileStore) -> Result<Option<Self>> {
        if !store.list()?.iter().any(|name| name == MANIFEST) {
            return Ok(None);
        }
        let path = store.path(MANIFEST);
        let manifest: Self = open(KIND, &path, &store.open(MANIFEST)?)?;
        manifest.check().map_err(|reason| Error::corrupt(path, None, reason))?;
        Ok(Some(manifest))
    }

    /// Makes this the store's manifest, durably. Everything that it names must be synced. Gives the
    /// bytes written.
    pub(crate) fn commit(&self, store: &dyn FileStore) -> Result<u64> {
        self.check().map_err(|reason| Error::Internal(format!("a manifest that cannot be: {reason}")))?;
        store.sync_dir()?;
        let bytes = seal(KIND, self)?;
        store.replace(MANIFEST, &bytes)?;
        Ok(bytes.len() as u64)
    }

    /// Every file that the manifest names.
    pub(crate) fn files(&self) -> HashSet<FileId> {
        let segments = self.tables.iter().flat_map(|t| &t.segments);
        segments.flat_map(|s| s.packs().chain(s.deletes)).collect()
    }

    fn check(&self) -> Result<(), String> {
        let mut files = HashSet::new();
        let mut segments = HashSet::new();
        let mut tables = HashSet::new();
        for table in &self.tables {
            let id = table.schema.table;
            if !tables.insert(id) {
                return Err(format!("table {id} is listed twice"));
            }
            table.schema.check().map_err(|e| e.to_string())?;
            let mut expected = None;
            for (i, segment) in table.segments.iter().enumerate() {
                if !segments.insert(segment.id) || segment.id.0 >= self.next_segment {
                    return Err(format!("segment {} is listed twice or not yet given out", segment.id));
                }
                if segment.range.start != expected || (i > 0 && segment.range.start.is_none()) {
                    return Err(format!("the segments of table {id} do not touch each other"));
                }
                if segment.range.is_empty() || !segment.range.is_of(table.schema.key) {
                    return Err(format!("segment {} has a range that cannot be", segment.id));
                }
                if !segment.ordinals_ascend() {
                    return Err(format!("the chunks of segment {} are out of order", segment.id));
                }
                expected.clone_from(&segment.range.end);
                for file in segment.packs().chain(segment.deletes) {
                    if !files.insert(file) || file.0 >= self.next_file {
                        return Err(format!("file {file} is listed twice or not yet given out"));
                    }
                }
            }
            if table.segments.is_empty() || expected.is_some() {
                return Err(format!("the segments of table {id} do not cover every key"));
            }
        }
        Ok(())
    }
}
