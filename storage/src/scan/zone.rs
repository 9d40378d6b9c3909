//! Reading one zone: visibility, then predicates, then whatever columns are left.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{filter, prep_null_mask_filter};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::exclude::not_in;
use super::plan::{Source, Unit};
use super::scan::Scan;
use super::visibility::{both, visible};
use crate::error::Result;
use crate::row_set::slice_keys;
use crate::types::{ColumnSchema, KeyArray, KeyKind};
use crate::zone_map::{Verdict, prune};

/// Read only the surviving rows of a column if they are fewer than one in this many.
const SPARSE: usize = 16;

/// The rows of a unit that survived.
pub(super) struct ZoneRows {
    /// Set if keys were asked for.
    pub(super) keys: Option<KeyArray>,
    pub(super) batch: RecordBatch,
}

/// One zone being read. Columns are read when first needed.
struct Reader<'a> {
    scan: &'a Scan,
    source: &'a Source,
    unit: &'a Unit,
    /// First row of the unit within its zone.
    offset: usize,
    columns: BTreeMap<usize, ArrayRef>,
    selection: Option<BooleanBuffer>,
}

/// Reads a unit; `None` if no row survives.
pub(super) fn read_unit(scan: &Scan, unit: &Unit, with_keys: bool) -> Result<Option<ZoneRows>> {
    let source = &scan.plan.sources[unit.source];
    if pruned_by_now(scan, source, unit) {
        scan.metrics.zones_pruned.fetch_add(1, Ordering::Relaxed);
        return Ok(None);
    }
    let metrics = &scan.metrics;
    metrics.rows_scanned.fetch_add(unit.rows.len() as u64, Ordering::Relaxed);
    if source.set.rows.pack().is_some() && !source.touched.swap(true, Ordering::Relaxed) {
        metrics.packs_read.fetch_add(1, Ordering::Relaxed);
    }
    let offset = unit.rows.start - source.set.rows.zone_rows(unit.zone).start;
    let mut reader = Reader { scan, source, unit, offset, columns: BTreeMap::new(), selection: None };
    if !reader.select_visible()? || !reader.select_matching()? {
        return Ok(None);
    }
    let keys = if with_keys { Some(reader.selected_keys()?) } else { None };
    let batch = reader.project()?;
    metrics.rows_returned.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
    if !source.sorted {
        metrics.delta_rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
    }
    Ok(Some(ZoneRows { keys, batch }))
}

/// Whether the filters, as sharp as they are now, rule the zone out.
fn pruned_by_now(scan: &Scan, source: &Source, unit: &Unit) -> bool {
    let columns = &scan.view.version.schema.columns;
    scan.request.filters.iter().filter_map(|f| f.bounds()).any(|bounds| {
        let map = |column: usize| columns.get(column).and_then(|c| source.set.rows.zone_map(c, unit.zone));
        prune(&bounds, &map) == Verdict::None
    })
}

impl Reader<'_> {
    fn rows(&self) -> usize {
        self.unit.rows.len()
    }

    /// Narrows the selection. False if it is empty now.
    fn and(&mut self, mask: BooleanBuffer) -> bool {
        let mask = both(self.selection.take(), mask);
        let any = mask.count_set_bits() > 0;
        self.selection = Some(mask);
        any
    }

    fn selected(&self) -> usize {
        self.selection.as_ref().map_or(self.rows(), BooleanBuffer::count_set_bits)
    }

    fn select_visible(&mut self) -> Result<bool> {
        let (unit, source) = (self.unit, self.source);
        self.selection = visible(&source.set, &source.deleted, self.scan.view.ts, unit.zone, &unit.rows)?;
        if self.selected() == 0 {
            return Ok(false);
        }
        if let Some(mask) = source.excluded.as_ref().and_then(|e| e.mask(unit.rows.start, unit.rows.len()))
            && !self.and(mask)
        {
            return Ok(false);
        }
        let request = &self.scan.request;
        let exclude = request.exclude.as_ref().filter(|_| !source.sorted);
        if !unit.check_keys && exclude.is_none() {
            return Ok(true);
        }
        let keys = self.keys()?;
        let range = &request.key_range;
        if unit.check_keys && !self.and(BooleanBuffer::collect_bool(keys.len(), |i| range.contains(keys.get(i)))) {
            return Ok(false);
        }
        Ok(exclude.is_none_or(|excluded| self.and(not_in(&keys, excluded))))
    }

    fn select_matching(&mut self) -> Result<bool> {
        let scan = self.scan;
        if !self.unit.all_match {
            for matcher in &scan.matchers {
                let result = matcher.evaluate(self.rows(), &mut |column| self.column(column))?;
                if !self.and_true(&result) {
                    return Ok(false);
                }
            }
        }
        for row_filter in &scan.request.filters {
            let mut columns = Vec::new();
            for column in row_filter.columns() {
                columns.push(self.column(*column)?);
            }
            let batch = batch_of(scan.arrow_schema(row_filter.columns()), columns, self.rows())?;
            if !self.and_true(&row_filter.evaluate(&batch)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn and_true(&mut self, result: &BooleanArray) -> bool {
        let mask = if result.null_count() > 0 { prep_null_mask_filter(result) } else { result.clone() };
        self.and(mask.values().clone())
    }

    fn keys(&self) -> Result<KeyArray> {
        Ok(slice_keys(&self.source.set.rows.read_keys(self.unit.zone)?, self.offset, self.rows()))
    }

    fn selected_keys(&self) -> Result<KeyArray> {
        let keys = self.keys()?;
        let Some(selection) = &self.selection else { return Ok(keys) };
        let kept = filter(keys.as_array(), &BooleanArray::new(selection.clone(), None))?;
        Ok(crate::row_set::typed_keys(&kept, keys.kind()))
    }

    fn schema_of(&self, column: usize) -> &ColumnSchema {
        &self.scan.view.version.schema.columns[column]
    }

    /// The unit's rows of a column.
    fn column(&mut self, column: usize) -> Result<ArrayRef> {
        if let Some(array) = self.columns.get(&column) {
            return Ok(array.clone());
        }
        let array = self.source.set.rows.read_column(self.schema_of(column), self.unit.zone)?;
        let array = array.slice(self.offset, self.rows());
        self.columns.insert(column, array.clone());
        Ok(array)
    }

    /// The selected rows of the projected columns.
    fn project(&mut self) -> Result<RecordBatch> {
        let scan = self.scan;
        let count = self.selected();
        let projection = &scan.request.projection;
        if projection.is_empty() {
            return batch_of(scan.schema.clone(), Vec::new(), count);
        }
        let mut columns = Vec::with_capacity(projection.len());
        if count == self.rows() {
            for column in projection {
                columns.push(self.column(*column)?);
            }
            return batch_of(scan.schema.clone(), columns, count);
        }
        let Some(selection) = self.selection.clone() else {
            return Err(crate::error::Error::Internal("rows were lost without a selection".into()));
        };
        let sparse: Option<Vec<u32>> = (count * SPARSE < self.rows())
            .then(|| selection.set_indices().map(|row| (self.offset + row) as u32).collect());
        let mask = BooleanArray::new(selection, None);
        for column in projection {
            columns.push(match &sparse {
                Some(rows) if !self.columns.contains_key(column) => {
                    self.source.set.rows.read_column_rows(self.schema_of(*column), self.unit.zone, rows)?
                }
                Some(_) | None => filter(&self.column(*column)?, &mask)?,
            });
        }
        batch_of(scan.schema.clone(), columns, count)
    }
}

pub(super) fn batch_of(schema: SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}

/// An array without keys.
pub(super) fn no_keys(kind: KeyKind) -> KeyArray {
    match kind {
        KeyKind::Int => KeyArray::Int(Vec::<i64>::new().into()),
        KeyKind::Bytes => KeyArray::Bytes(arrow::array::BinaryArray::from_vec(Vec::new())),
    }
}
