//! What merge-delta writes: new packs, and the superseded rows that readers of the past still need.

use std::collections::HashMap;
use std::sync::Arc;

use super::merge_delta::MergeContext;
use super::merge_sources::needed_after;
use crate::delete_vector::{DeleteVector, Deletion};
use crate::error::Result;
use crate::manifest::Files;
use crate::pack::{Pack, PackRows, PackWriter, concat_rows, take_rows};
use crate::row_set::RowSet;
use crate::types::{KeyRef, TableSchema, Timestamp};

/// Sorted rows, cut into packs of equal size. Output rows are numbered over all packs.
pub(super) struct PackOutput<'a> {
    files: &'a Files,
    schema: &'a TableSchema,
    /// Rows that each pack shall have.
    target: usize,
    writer: Option<PackWriter>,
    packs: Vec<Arc<Pack>>,
    /// Number of the next output row.
    pub(super) next: u32,
}

impl<'a> PackOutput<'a> {
    /// For `rows` rows, in packs as near to `pack_rows` as can be.
    pub(super) fn new(files: &'a Files, schema: &'a TableSchema, rows: usize, pack_rows: usize) -> Self {
        let packs = ((rows + pack_rows / 2) / pack_rows).max(1);
        Self { files, schema, target: rows.div_ceil(packs).max(1), writer: None, packs: Vec::new(), next: 0 }
    }

    /// Adds rows.
    pub(super) fn write(&mut self, rows: &PackRows) -> Result<()> {
        let mut start = 0;
        while start < rows.len() {
            let mut writer = match self.writer.take() {
                Some(open) => open,
                None => self.files.create_pack(self.schema, true)?,
            };
            let len = (self.target - writer.rows() as usize).min(rows.len() - start);
            writer.write(rows.slice(start, len))?;
            start += len;
            self.next += len as u32;
            if writer.rows() as usize == self.target {
                self.packs.push(self.files.finish_pack(writer)?);
            } else {
                self.writer = Some(writer);
            }
        }
        Ok(())
    }

    /// Ends the last pack; gives all.
    pub(super) fn finish(mut self) -> Result<Vec<Arc<Pack>>> {
        if let Some(writer) = self.writer.take() {
            self.packs.push(self.files.finish_pack(writer)?);
        }
        Ok(self.packs)
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
        self.pieces.push(take_rows(zone, &indices.into())?);
        self.deleted_at.extend(rows.iter().map(|(_, ts)| *ts));
        Ok(())
    }

    /// Adds those of `needed` (numbered in the array) that lie in `zone`, which begins at row `start`.
    pub(super) fn add_in_zone(
        &mut self,
        zone: &PackRows,
        start: usize,
        needed: &HashMap<u32, Timestamp>,
    ) -> Result<()> {
        if needed.is_empty() {
            return Ok(());
        }
        let deleted_at = |row: u32| needed.get(&(start as u32 + row)).map(|ts| (row, *ts));
        self.add(zone, &(0..zone.len() as u32).filter_map(deleted_at).collect::<Vec<_>>())
    }

    /// Adds all rows of an array that readers after the safe point need.
    pub(super) fn add_needed(&mut self, set: &RowSet, context: &MergeContext<'_>) -> Result<()> {
        let needed = needed_after(set, context.safe_point);
        for zone in 0..set.rows.zone_count() {
            let rows = set.rows.read_zone(context.schema, zone)?;
            self.add_in_zone(&rows, set.rows.zone_rows(zone).start, &needed)?;
        }
        Ok(())
    }

    /// Adds what another has gathered.
    pub(super) fn append(&mut self, other: Self) {
        self.pieces.extend(other.pieces);
        self.deleted_at.extend(other.deleted_at);
    }

    /// Writes the rows whose keys `keep` accepts, as one array, if there are any.
    pub(super) fn write(
        &self,
        files: &Files,
        schema: &TableSchema,
        keep: impl Fn(KeyRef<'_>) -> bool,
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
        writer.write(take_rows(&rows, &kept.into())?)?;
        let pack = files.finish_pack(writer)?;
        let mut deletes = DeleteVector::new(pack.rows() as usize);
        deletes.append(&deletions);
        RowSet::file(pack, deletes).map(Some)
    }
}
