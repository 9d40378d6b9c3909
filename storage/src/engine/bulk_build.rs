//! Building a table from rows in key order: the start of a new replica, or of a damaged table anew.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::engine::{Engine, Inner};
use super::table::{Table, TableVersion};
use crate::delete_vector::DeleteVector;
use crate::error::{Error, Result};
use crate::pack::{PackRows, PackWriter};
use crate::row_set::RowSet;
use crate::segment::Segment;
use crate::stable::Stable;
use crate::types::{KeyRange, RowKey, TableSchema, Timestamp};

impl Engine {
    /// Replaces a table's whole content by `rows`, which come in strictly ascending key order and
    /// are what is visible at `ts`. The table is created if it does not exist, and a damaged one is
    /// sound again. Until this returns, readers see the old content. Afterwards snapshots before
    /// `ts` are refused, and rows with timestamps at or below `ts` count as applied.
    ///
    /// Becomes durable with the next flush. Blocks for as long as writing the packs takes; the caller
    /// does not apply to the table meanwhile.
    ///
    /// Fails, leaving the table as it was, if the rows do not fit the schema, are out of order or
    /// newer than `ts`, or if the iterator fails.
    pub fn bulk_build(
        &self,
        schema: TableSchema,
        ts: Timestamp,
        rows: impl Iterator<Item = Result<PackRows>>,
    ) -> Result<()> {
        schema.check()?;
        let existing = self.inner.tables.read().get(&schema.table).cloned();
        let segments = self.inner.build_segments(&schema, ts, rows)?;
        let version = TableVersion::new(schema, segments, ts);
        if cfg!(debug_assertions) {
            version.validate();
        }
        self.inner.saw_commit(ts);
        match &existing {
            Some(table) => {
                let _maintenance = table.maintenance.lock();
                let guard = table.update();
                table.collected.fetch_max(ts.0, Ordering::SeqCst);
                guard.publish(version);
                self.inner.tables.write().insert(table.id, table.clone());
            }
            None => {
                let table = Arc::new(Table::new(version.schema.table, version, ts));
                self.inner.tables.write().insert(table.id, table);
            }
        }
        Ok(())
    }
}

impl Inner {
    fn build_segments(
        &self,
        schema: &TableSchema,
        ts: Timestamp,
        rows: impl Iterator<Item = Result<PackRows>>,
    ) -> Result<Vec<Arc<Segment>>> {
        let mut packs = Vec::new();
        let mut writer: Option<PackWriter> = None;
        for rows in rows {
            let rows = rows?;
            if rows.tombstones.as_ref().is_some_and(|t| t.true_count() > 0) {
                return Err(Error::Invalid(format!("bulk build of table {}: tombstones", schema.table)));
            }
            if rows.commit_ts.values().iter().any(|t| *t > ts.0) {
                return Err(Error::Invalid(format!("bulk build of table {}: rows newer than {ts}", schema.table)));
            }
            self.files.written.count_applied(rows.len(), rows.bytes());
            let mut start = 0;
            while start < rows.len() {
                let mut open = match writer.take() {
                    Some(open) => open,
                    None => self.files.create_pack(schema, true)?.with_helpers(self.pool.clone()),
                };
                let len = (self.config.pack_rows - open.rows() as usize).min(rows.len() - start);
                open.write(rows.slice(start, len))?;
                start += len;
                if open.rows() as usize == self.config.pack_rows {
                    packs.push(self.files.finish_pack(open)?);
                } else {
                    writer = Some(open);
                }
            }
        }
        if let Some(last) = writer {
            packs.push(self.files.finish_pack(last)?);
        }
        let sets: Vec<RowSet> = packs
            .into_iter()
            .map(|pack| RowSet::file(pack.clone(), DeleteVector::new(pack.rows() as usize)))
            .collect::<Result<_>>()?;
        self.divide(schema, sets)
    }

    /// Segments of half the limit each over packs in key order.
    fn divide(&self, schema: &TableSchema, sets: Vec<RowSet>) -> Result<Vec<Arc<Segment>>> {
        let mut segments = Vec::new();
        let mut rest = KeyRange::ALL;
        let mut packs: Vec<RowSet> = Vec::new();
        let mut last: Option<RowKey> = None;
        for set in sets {
            let bounds = set.rows.pack().and_then(|p| Some((p.first_key()?.to_owned(), p.last_key()?.to_owned())));
            let Some((first, end)) = bounds else { continue };
            if last.as_ref().is_some_and(|last| *last >= first) {
                return Err(Error::Invalid(format!("bulk build of table {}: keys out of order", schema.table)));
            }
            last = Some(end);
            if packs.iter().map(|p| p.len() as u64).sum::<u64>() >= self.config.segment_rows_limit / 2 {
                let (left, right) = rest.split(first);
                segments.push(self.segment_of(left, schema, std::mem::take(&mut packs)));
                rest = right;
            }
            packs.push(set);
        }
        segments.push(self.segment_of(rest, schema, packs));
        Ok(segments)
    }

    fn segment_of(&self, range: KeyRange, schema: &TableSchema, packs: Vec<RowSet>) -> Arc<Segment> {
        let mut segment = self.new_segment(range, schema);
        segment.stable = Stable::new(packs);
        Arc::new(segment)
    }
}
