//! The merge of whole runs into a new one on disk.

use std::collections::HashMap;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, UInt64Array};
use arrow::compute::interleave;
use deltatree_storage::pack::{PackRows, PackWriter};
use deltatree_storage::types::{KeyArray, TableSchema};

use super::merge::{Sink, merge};
use super::rows::{is_tombstone, keys_of};
use super::run::Run;

/// Rows gathered before they are written.
const ROWS_AT_A_TIME: usize = 8_192;

/// Merges runs, newest first, into `writer`. Tombstones are left out if no older run has rows that
/// they hide.
pub(super) fn rewrite(
    schema: &TableSchema,
    runs: &[Run],
    drop_tombstones: bool,
    writer: &mut PackWriter,
) -> anyhow::Result<()> {
    let every_key = i64::MIN..i64::MAX;
    let mut gathered = Gathered { schema, runs, drop_tombstones, writer, zones: HashMap::new(), order: Vec::new() };
    merge(runs, &every_key, &mut gathered)?;
    gathered.write()
}

/// Rows in key order, by zone and row within it.
struct Gathered<'a> {
    schema: &'a TableSchema,
    runs: &'a [Run],
    drop_tombstones: bool,
    writer: &'a mut PackWriter,
    /// What is in memory of the zones that are being merged: one or two a run.
    zones: HashMap<(usize, usize), PackRows>,
    order: Vec<((usize, usize), usize)>,
}

impl Sink for Gathered<'_> {
    fn stretch(&mut self, run: usize, zone: usize, rows: Range<usize>) -> anyhow::Result<()> {
        let place = (run, zone);
        if !self.zones.contains_key(&place) {
            self.zones.insert(place, self.runs[run].read_zone(self.schema, zone)?);
        }
        let source = &self.zones[&place];
        let kept = rows.filter(|row| !(self.drop_tombstones && is_tombstone(source, *row)));
        self.order.extend(kept.map(|row| (place, row)));
        if self.order.len() >= ROWS_AT_A_TIME { self.write() } else { Ok(()) }
    }

    /// Its last rows may still be waiting, so it goes with the next write.
    fn zone_over(&mut self, _: usize, _: usize) -> anyhow::Result<()> {
        Ok(())
    }
}

impl Gathered<'_> {
    fn write(&mut self) -> anyhow::Result<()> {
        let order = std::mem::take(&mut self.order);
        let places: Vec<(usize, usize)> = self.zones.keys().copied().collect();
        let sources: Vec<&PackRows> = places.iter().map(|place| &self.zones[place]).collect();
        let numbers: HashMap<(usize, usize), usize> = places.iter().copied().zip(0..).collect();
        let picks: Vec<(usize, usize)> = order.iter().map(|(place, row)| (numbers[place], *row)).collect();
        if !picks.is_empty() {
            let rows = gather(self.schema, &sources, &picks)?;
            self.writer.write(rows)?;
        }
        // A zone is read again if more of it comes. Runs in memory cost nothing to keep.
        let last: HashMap<usize, usize> = order.iter().map(|((run, zone), _)| (*run, *zone)).collect();
        self.zones.retain(|(run, zone), _| last.get(run).is_none_or(|last| zone >= last));
        Ok(())
    }
}

fn gather(schema: &TableSchema, sources: &[&PackRows], picks: &[(usize, usize)]) -> anyhow::Result<PackRows> {
    let pick = |arrays: Vec<&dyn Array>| -> anyhow::Result<ArrayRef> { Ok(interleave(&arrays, picks)?) };
    let keys: Vec<&dyn Array> =
        sources.iter().map(|rows| Ok(keys_of(rows)? as &dyn Array)).collect::<anyhow::Result<_>>()?;
    let keys: Int64Array = pick(keys)?.as_primitive().clone();
    let commit_ts: UInt64Array =
        pick(sources.iter().map(|rows| &rows.commit_ts as &dyn Array).collect())?.as_primitive().clone();
    let tombstones: BooleanArray =
        picks.iter().map(|(source, row)| Some(is_tombstone(sources[*source], *row))).collect();
    let column = |at: usize| pick(sources.iter().map(|rows| rows.columns[at].as_ref()).collect());
    Ok(PackRows {
        keys: KeyArray::Int(keys),
        commit_ts,
        tombstones: (tombstones.true_count() > 0).then_some(tombstones),
        columns: (0..schema.columns.len()).map(column).collect::<anyhow::Result<_>>()?,
    })
}
