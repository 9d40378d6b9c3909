//! One face for rows in memory and rows in a file.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt64Array};

use super::MemoryRows;
use crate::error::Result;
use crate::pack::{Coded, Pack, PackRows};
use crate::types::{ColumnSchema, FileId, KeyArray, KeyRef, TableSchema, Timestamp};
use crate::zone_map::ZoneMap;

/// Rows numbered from 0, in zones. Rows of a memory array have no zone maps: they are few, and soon
/// in a file.
#[derive(Clone, Debug)]
pub(crate) enum Rows {
    Memory(Arc<MemoryRows>),
    File(Arc<Pack>),
}

impl Rows {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Memory(rows) => rows.len(),
            Self::File(pack) => pack.rows() as usize,
        }
    }

    /// The pack, if the rows are in a file.
    pub(crate) fn pack(&self) -> Option<&Arc<Pack>> {
        match self {
            Self::Memory(_) => None,
            Self::File(pack) => Some(pack),
        }
    }

    /// The file, if the rows are in one.
    pub(crate) fn file(&self) -> Option<FileId> {
        self.pack().map(|p| p.file())
    }

    /// Whether the two are the very same array.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Memory(a), Self::Memory(b)) => Arc::ptr_eq(a, b),
            (Self::File(a), Self::File(b)) => Arc::ptr_eq(a, b),
            (Self::Memory(_), Self::File(_)) | (Self::File(_), Self::Memory(_)) => false,
        }
    }

    /// Bytes held in memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        match self {
            Self::Memory(rows) => rows.bytes() as u64,
            Self::File(_) => 0,
        }
    }

    /// Bytes of the file.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.pack().map_or(0, |p| p.bytes_on_disk())
    }

    /// Latest commit, tombstones included.
    pub(crate) fn max_commit_ts(&self) -> Timestamp {
        match self {
            Self::Memory(rows) => rows.max_commit_ts(),
            Self::File(pack) => pack.max_commit_ts(),
        }
    }

    /// Number of tombstones.
    pub(crate) fn tombstones(&self) -> u64 {
        match self {
            Self::Memory(rows) => rows.tombstones().map_or(0, |t| t.true_count() as u64),
            Self::File(pack) => u64::from(pack.tombstones()),
        }
    }

    /// Number of zones.
    pub(crate) fn zone_count(&self) -> usize {
        match self {
            Self::Memory(rows) => rows.zone_count(),
            Self::File(pack) => pack.zone_count(),
        }
    }

    /// Row numbers of a zone.
    pub(crate) fn zone_rows(&self, zone: usize) -> Range<usize> {
        match self {
            Self::Memory(rows) => rows.zone_rows(zone),
            Self::File(pack) => {
                let rows = pack.zone_rows(zone);
                rows.start as usize..rows.end as usize
            }
        }
    }

    /// Latest commit in a zone, tombstones included.
    pub(crate) fn zone_max_commit_ts(&self, zone: usize) -> Timestamp {
        match self {
            Self::Memory(rows) => rows.max_commit_ts(),
            Self::File(pack) => pack.zone_max_commit_ts(zone),
        }
    }

    /// Smallest and largest key of a zone, if known.
    pub(crate) fn zone_keys(&self, zone: usize) -> Option<(KeyRef<'_>, KeyRef<'_>)> {
        self.pack().map(|p| (p.zone_first_key(zone), p.zone_last_key(zone)))
    }

    /// Bounds of a column over a zone's rows that are no tombstones, if known.
    pub(crate) fn zone_map(&self, column: &ColumnSchema, zone: usize) -> Option<&ZoneMap> {
        self.pack().and_then(|p| p.zone_map(column.id, zone))
    }

    /// Bytes that reading a column of a zone touches.
    pub(crate) fn column_bytes(&self, column: &ColumnSchema, zone: usize) -> u64 {
        match self {
            Self::Memory(rows) => (rows.bytes() * self.zone_rows(zone).len() / rows.len().max(1)) as u64,
            Self::File(pack) => pack.column_bytes(column.id, zone),
        }
    }

    /// Keys of a zone.
    pub(crate) fn read_keys(&self, zone: usize) -> Result<KeyArray> {
        match self {
            Self::Memory(rows) => Ok(rows.keys(rows.zone_rows(zone))),
            Self::File(pack) => pack.read_keys(zone),
        }
    }

    /// Commit timestamps of a zone.
    pub(crate) fn read_commit_ts(&self, zone: usize) -> Result<UInt64Array> {
        match self {
            Self::Memory(rows) => Ok(rows.commit_ts(rows.zone_rows(zone))),
            Self::File(pack) => pack.read_commit_ts(zone),
        }
    }

    /// Tombstone flags of a zone; `None` if there is no tombstone.
    pub(crate) fn read_tombstones(&self, zone: usize) -> Result<Option<BooleanArray>> {
        match self {
            Self::Memory(rows) => {
                let range = rows.zone_rows(zone);
                Ok(rows.tombstones().map(|t| t.slice(range.start, range.len())))
            }
            Self::File(pack) if pack.zone_tombstones(zone) == 0 => Ok(None),
            Self::File(pack) => pack.read_tombstones(zone).map(Some),
        }
    }

    /// Values of a column in a zone.
    pub(crate) fn read_column(&self, column: &ColumnSchema, zone: usize) -> Result<ArrayRef> {
        match self {
            Self::Memory(rows) => {
                let range = rows.zone_rows(zone);
                Ok(rows.column(column)?.slice(range.start, range.len()))
            }
            Self::File(pack) => pack.read_column(column, zone),
        }
    }

    /// A text column of a zone as codes into its distinct values, if its block has a dictionary.
    pub(crate) fn read_coded(&self, column: &ColumnSchema, zone: usize) -> Result<Option<Coded>> {
        match self {
            Self::Memory(_) => Ok(None),
            Self::File(pack) => pack.read_coded(column, zone),
        }
    }

    /// Values of a column in those rows of a zone (numbered in the zone, ascending).
    pub(crate) fn read_column_rows(&self, column: &ColumnSchema, zone: usize, rows: &[u32]) -> Result<ArrayRef> {
        match self {
            Self::Memory(_) => {
                let all = self.read_column(column, zone)?;
                Ok(arrow::compute::take(&all, &arrow::array::UInt32Array::from(rows.to_vec()), None)?)
            }
            Self::File(pack) => pack.read_column_rows(column, zone, rows),
        }
    }

    /// A zone with all columns of `schema`.
    pub(crate) fn read_zone(&self, schema: &TableSchema, zone: usize) -> Result<PackRows> {
        Ok(PackRows {
            keys: self.read_keys(zone)?,
            commit_ts: self.read_commit_ts(zone)?,
            tombstones: self.read_tombstones(zone)?,
            columns: schema.columns.iter().map(|c| self.read_column(c, zone)).collect::<Result<_>>()?,
        })
    }

    /// Key and commit timestamp of one row.
    pub(crate) fn row_commit_ts(&self, row: u32) -> Result<Timestamp> {
        let (zone, at) = self.locate(row);
        Ok(Timestamp(self.read_commit_ts(zone)?.value(at)))
    }

    /// The zone of a row, and its number in that zone.
    pub(crate) fn locate(&self, row: u32) -> (usize, usize) {
        let zone = match self {
            Self::Memory(_) => row as usize / crate::pack::ZONE_ROWS,
            Self::File(pack) => pack.zone_of(row),
        };
        (zone, row as usize - self.zone_rows(zone).start)
    }
}
