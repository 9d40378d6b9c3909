//! What merge-delta writes: new packs, and the superseded rows that readers of the past still need.

use std::sync::Arc;

use crate::delete_vector::{DeleteVector, Deletion};
use crate::error::Result;
use crate::manifest::Files;
use crate::pack::{Pack, PackRows, PackWriter};
use crate::row_set::{RowSet, concat_rows};
use crate::types::{TableSchema, Timestamp};

/// Sorted rows, cut into packs. Output rows are numbered over all packs.
pub(super) struct PackOutput<'a> {
    files: &'a Files,
    schema: &'a TableSchema,
    /// Rows of the pack being written, and how many it shall have.
    writer: Option<PackWriter>,
    target: usize,
    /// Number of the next output row.
    pub(super) next: u32,
}

impl<'a> PackOutput<'a> {
    pub(super) fn new(files: &'a Files, schema: &'a TableSchema) -> Self {
        Self { files, schema, writer: None, target: 1, next: 0 }
    }

    /// Begins a run of `rows` rows, to be divided into equal packs of at most `pack_rows`.
    pub(super) fn begin(&mut self, rows: usize, pack_rows: usize) {
        self.target = rows.div_ceil(rows.div_ceil(pack_rows).max(1)).max(1);
    }

    /// Adds rows; gives the packs that they fill, each with the number of its first row.
    pub(super) fn write(&mut self, rows: &PackRows) -> Result<Vec<(Arc<Pack>, u32)>> {
        let mut full = Vec::new();
        let mut start = 0;
        while start < rows.len() {
            if self.writer.is_none() {
                self.writer = Some(self.files.create_pack(self.schema, true)?);
            }
            let Some(writer) = &mut self.writer else { break };
            let len = (self.target - writer.rows() as usize).min(rows.len() - start);
            writer.write(rows.slice(start, len))?;
            start += len;
            self.next += len as u32;
            if writer.rows() as usize == self.target {
                full.extend(self.end()?);
            }
        }
        Ok(full)
    }

    /// Ends the run; gives the last pack if it is not yet out.
    pub(super) fn end(&mut self) -> Result<Option<(Arc<Pack>, u32)>> {
        let Some(writer) = self.writer.take() else { return Ok(None) };
        let pack = self.files.finish_pack(writer)?;
        let first = self.next - pack.rows();
        Ok(Some((pack, first)))
    }
}

/// Superseded rows with the timestamps at which they were deleted.
#[derive(Default)]
pub(super) struct HistoryOutput {
    pieces: Vec<PackRows>,
    deleted_at: Vec<Timestamp>,
}

impl HistoryOutput {
    /// Adds those `rows` of `zone` (numbered in the zone) that are deleted at the given timestamps.
    pub(super) fn add(&mut self, zone: &PackRows, rows: &[(u32, Timestamp)]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let indices: Vec<u32> = rows.iter().map(|(row, _)| *row).collect();
        self.pieces.push(crate::row_set::take_rows(zone, &indices.into())?);
        self.deleted_at.extend(rows.iter().map(|(_, ts)| *ts));
        Ok(())
    }

    /// Writes the rows whose keys `keep` accepts, as one array, if there are any.
    pub(super) fn write(
        &self,
        files: &Files,
        schema: &TableSchema,
        keep: impl Fn(crate::types::KeyRef<'_>) -> bool,
    ) -> Result<Option<RowSet>> {
        if self.pieces.is_empty() {
            return Ok(None);
        }
        let rows = concat_rows(&self.pieces)?;
        let kept: Vec<u32> = (0..rows.len() as u32).filter(|row| keep(rows.keys.get(*row as usize))).collect();
        if kept.is_empty() {
            return Ok(None);
        }
        let deleted_at = kept.iter().map(|row| self.deleted_at[*row as usize]);
        let deletions: Vec<Deletion> =
            deleted_at.enumerate().map(|(row, commit_ts)| Deletion { commit_ts, row: row as u32 }).collect();
        let mut writer = files.create_pack(schema, false)?;
        writer.write(crate::row_set::take_rows(&rows, &kept.into())?)?;
        let pack = files.finish_pack(writer)?;
        let mut deletes = DeleteVector::new(pack.rows() as usize);
        deletes.append(&deletions);
        RowSet::file(pack, deletes).map(Some)
    }
}
