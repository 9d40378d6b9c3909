//! Rows in memory: what a batch that was just applied becomes.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, AsArray, BooleanArray, UInt64Array};
use arrow::compute::{filter, not};

use crate::error::{Error, Result};
use crate::pack::{PackRows, ZONE_ROWS, concat_rows, slice_keys};
use crate::types::{ColumnId, ColumnSchema, KeyArray, TableSchema, Timestamp, repeat};
use crate::zone_map::{NdvSketch, ZoneMap};

/// Rows under the schema that they were applied with.
#[derive(Debug)]
pub(crate) struct MemoryRows {
    schema: Arc<TableSchema>,
    rows: PackRows,
    bytes: usize,
    max_commit_ts: Timestamp,
    /// Bounds and distinct values of each column over the rows that are no tombstones.
    summaries: OnceLock<Vec<(ZoneMap, NdvSketch)>>,
}

impl MemoryRows {
    /// The rows must fit the schema.
    pub(crate) fn new(schema: Arc<TableSchema>, mut rows: PackRows) -> Self {
        rows.tombstones = rows.tombstones.filter(|t| t.true_count() > 0);
        let bytes = rows.bytes();
        let max_commit_ts = Timestamp(rows.commit_ts.values().iter().copied().max().unwrap_or_default());
        Self { schema, rows, bytes, max_commit_ts, summaries: OnceLock::new() }
    }

    /// All rows of `parts`, in that order, under `schema`.
    pub(crate) fn concat(schema: Arc<TableSchema>, parts: &[Arc<Self>]) -> Result<Self> {
        let pieces: Vec<PackRows> = parts.iter().map(|p| p.under(&schema)).collect::<Result<_>>()?;
        let mut rows = concat_rows(&pieces)?;
        rows.columns.iter_mut().for_each(gather_text);
        Ok(Self::new(schema, rows))
    }

    /// The rows laid out by another schema of the table.
    pub(crate) fn under(&self, schema: &TableSchema) -> Result<PackRows> {
        let columns = if schema.version == self.schema.version {
            self.rows.columns.clone()
        } else {
            schema.columns.iter().map(|c| self.column(c)).collect::<Result<_>>()?
        };
        Ok(PackRows { columns, ..self.rows.clone() })
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Bytes of the arrays.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Latest commit.
    pub(crate) fn max_commit_ts(&self) -> Timestamp {
        self.max_commit_ts
    }

    /// Number of zones.
    pub(crate) fn zone_count(&self) -> usize {
        self.len().div_ceil(ZONE_ROWS)
    }

    /// Row numbers of a zone.
    pub(crate) fn zone_rows(&self, zone: usize) -> Range<usize> {
        zone * ZONE_ROWS..((zone + 1) * ZONE_ROWS).min(self.len())
    }

    /// Keys of some rows.
    pub(crate) fn keys(&self, rows: Range<usize>) -> KeyArray {
        slice_keys(&self.rows.keys, rows.start, rows.len())
    }

    /// Commit timestamps of some rows.
    pub(crate) fn commit_ts(&self, rows: Range<usize>) -> UInt64Array {
        self.rows.commit_ts.slice(rows.start, rows.len())
    }

    /// Which rows are tombstones; `None` if none is.
    pub(crate) fn tombstones(&self) -> Option<&BooleanArray> {
        self.rows.tombstones.as_ref()
    }

    /// All values of a column; its default if it was added later.
    pub(crate) fn column(&self, column: &ColumnSchema) -> Result<ArrayRef> {
        let Some(position) = self.schema.columns.iter().position(|c| c.id == column.id) else {
            return repeat(&column.default, column.data_type, self.len());
        };
        if self.schema.columns[position].data_type != column.data_type {
            return Err(Error::Internal(format!("column {} changed its type in place", column.name)));
        }
        Ok(self.rows.columns[position].clone())
    }

    /// Bounds and distinct values of a column, computed when first asked for; `None` if the column
    /// was added later.
    pub(crate) fn summary(&self, column: ColumnId) -> Result<Option<&(ZoneMap, NdvSketch)>> {
        let Some(position) = self.schema.columns.iter().position(|c| c.id == column) else { return Ok(None) };
        if self.summaries.get().is_none() {
            let alive = self.rows.tombstones.as_ref().map(not).transpose()?;
            let summarize = |array: &ArrayRef| {
                let array = alive.as_ref().map_or_else(|| Ok(array.clone()), |alive| filter(array, alive))?;
                let mut ndv = NdvSketch::default();
                ndv.insert_array(&array);
                Ok((ZoneMap::of(&array)?, ndv))
            };
            let summaries = self.rows.columns.iter().map(summarize).collect::<Result<_>>()?;
            // Another thread may have come first, with the same result.
            let _ = self.summaries.set(summaries);
        }
        Ok(self.summaries.get().map(|s| &s[position]))
    }
}

/// Copies the text of a column into one buffer: joined, it lies in those of all batches that it came
/// with, and whoever joins it again would go through them all.
fn gather_text(column: &mut ArrayRef) {
    if let Some(text) = column.as_string_view_opt().filter(|a| a.data_buffers().len() > 1) {
        *column = Arc::new(text.gc());
    } else if let Some(bytes) = column.as_binary_view_opt().filter(|a| a.data_buffers().len() > 1) {
        *column = Arc::new(bytes.gc());
    }
}
