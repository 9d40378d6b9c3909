//! The rows of one zone that nothing has ruled out yet.
//!
//! Columns are read when first needed, and of few rows only those rows. What has been ruled out can
//! be *dropped*: from then on columns have the remaining rows only, so that whatever is looked at
//! next is looked at for them alone.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef};
use arrow::buffer::BooleanBuffer;
use arrow::compute::prep_null_mask_filter;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::condition::Condition;
use super::keep::Keep;
use super::visibility::both;
use crate::error::Result;
use crate::pack::{slice_keys, typed_keys};
use crate::row_set::Rows;
use crate::types::{KeyArray, TableSchema};

/// Read only the rows needed of a column if they are fewer than one in this many.
const SPARSE: usize = 16;

/// The rows of a unit that survived.
pub(super) struct ZoneRows {
    /// Set if keys were asked for.
    pub(super) keys: Option<KeyArray>,
    pub(super) batch: RecordBatch,
}

/// See the module documentation. *The rows* are those not dropped.
pub(super) struct Survivors<'a> {
    schema: &'a TableSchema,
    source: &'a Rows,
    zone: usize,
    /// First row within its zone.
    offset: usize,
    /// Rows at the beginning.
    total: usize,
    /// Set once rows have been dropped.
    kept: Option<Kept>,
    /// Columns of the rows.
    columns: BTreeMap<usize, ArrayRef>,
    /// Which of the rows are not ruled out; `None` if none is.
    selection: Option<BooleanBuffer>,
}

/// The rows that are left of those at the beginning.
struct Kept {
    keep: Keep,
    /// Their numbers, once asked for.
    rows: OnceCell<Vec<u32>>,
}

impl Kept {
    fn new(keep: Keep) -> Self {
        Self { keep, rows: OnceCell::new() }
    }

    fn rows(&self) -> &[u32] {
        self.rows.get_or_init(|| self.keep.mask().set_indices_u32().collect())
    }
}

impl<'a> Survivors<'a> {
    /// `total` rows of a zone, from row `offset` of it.
    pub(super) fn new(schema: &'a TableSchema, source: &'a Rows, zone: usize, offset: usize, total: usize) -> Self {
        Self { schema, source, zone, offset, total, kept: None, columns: BTreeMap::new(), selection: None }
    }

    /// Number of the rows, ruled out or not.
    pub(super) fn len(&self) -> usize {
        self.kept.as_ref().map_or(self.total, |kept| kept.keep.count())
    }

    /// Number of the rows that are not ruled out.
    pub(super) fn count(&self) -> usize {
        self.selection.as_ref().map_or(self.len(), BooleanBuffer::count_set_bits)
    }

    /// Rules out what `mask`, which has a bit a row, leaves out. False if nothing is left.
    pub(super) fn and(&mut self, mask: BooleanBuffer) -> bool {
        self.selection = Some(both(self.selection.take(), mask));
        self.count() > 0
    }

    /// Rules out the rows of which `condition` is not true. False if nothing is left.
    pub(super) fn hold_against(&mut self, condition: &Condition) -> Result<bool> {
        let before = self.count();
        let result = match self.evaluate_distinct(condition)? {
            Some(result) => result,
            None => {
                let (schema, rows) = (self.schema, self.len());
                let result = condition.evaluate(schema, rows, &mut |column| self.column(column))?;
                match result.null_count() {
                    0 => result.values().clone(),
                    _ => prep_null_mask_filter(&result).values().clone(),
                }
            }
        };
        let any = self.and(result);
        condition.note(before, self.count());
        Ok(any)
    }

    /// The result of a condition on one text column whose block has a dictionary: it is evaluated once
    /// for each distinct value. `None` if it must be evaluated row by row.
    fn evaluate_distinct(&self, condition: &Condition) -> Result<Option<BooleanBuffer>> {
        let [column] = condition.columns.as_slice() else { return Ok(None) };
        if self.columns.contains_key(column) {
            return Ok(None);
        }
        let Some(coded) = self.source.read_coded(&self.schema.columns[*column], self.zone)? else { return Ok(None) };
        let distinct = condition.evaluate(self.schema, coded.values.len(), &mut |_| Ok(coded.values.clone()))?;
        let holds: Vec<bool> = distinct.iter().map(|v| v == Some(true)).collect();
        let of = |row: usize| holds[coded.codes[self.offset + row] as usize];
        Ok(Some(match &self.kept {
            None => BooleanBuffer::collect_bool(self.total, of),
            Some(kept) => kept.rows().iter().map(|row| of(*row as usize)).collect(),
        }))
    }

    /// Drops what has been ruled out. Of the columns read so far only the `needed` ones are kept.
    pub(super) fn drop_ruled_out(&mut self, needed: impl Fn(usize) -> bool) -> Result<()> {
        self.drop(needed, Keep::in_order)
    }

    fn drop(&mut self, needed: impl Fn(usize) -> bool, keep: impl Fn(BooleanBuffer) -> Keep) -> Result<()> {
        let Some(mask) = self.selection.take() else { return Ok(()) };
        self.columns.retain(|column, _| needed(*column));
        let (now, of_all) = match &self.kept {
            None => (keep(mask), None),
            Some(kept) => {
                let mut bits = vec![false; self.total];
                mask.set_indices().for_each(|i| bits[kept.rows()[i] as usize] = true);
                (Keep::in_order(mask), Some(Keep::in_order(bits.into())))
            }
        };
        for (column, array) in std::mem::take(&mut self.columns) {
            self.columns.insert(column, now.of(array)?);
        }
        self.kept = Some(Kept::new(of_all.unwrap_or(now)));
        Ok(())
    }

    /// The rows of a column.
    pub(super) fn column(&mut self, column: usize) -> Result<ArrayRef> {
        if let Some(array) = self.columns.get(&column) {
            return Ok(array.clone());
        }
        let array = self.read(column)?;
        self.columns.insert(column, array.clone());
        Ok(array)
    }

    fn read(&self, column: usize) -> Result<ArrayRef> {
        let column = &self.schema.columns[column];
        if let Some(kept) = self.kept.as_ref().filter(|kept| kept.keep.count() * SPARSE < self.total) {
            let rows: Vec<u32> = kept.rows().iter().map(|row| self.offset as u32 + row).collect();
            return self.source.read_column_rows(column, self.zone, &rows);
        }
        let all = self.source.read_column(column, self.zone)?.slice(self.offset, self.total);
        Ok(match &self.kept {
            None => all,
            Some(kept) => kept.keep.of(all)?,
        })
    }

    /// The rows' keys.
    pub(super) fn keys(&self) -> Result<KeyArray> {
        let keys = slice_keys(&self.source.read_keys(self.zone)?, self.offset, self.total);
        Ok(match &self.kept {
            None => keys,
            Some(kept) => typed_keys(&kept.keep.of(keys.as_array().slice(0, keys.len()))?, keys.kind()),
        })
    }

    /// What is left: the columns at `projection`, and keys if they are asked for. Without keys, order is
    /// of no matter to anyone.
    pub(super) fn finish(mut self, projection: &[usize], schema: SchemaRef, with_keys: bool) -> Result<ZoneRows> {
        let keep = if with_keys { Keep::in_order } else { Keep::in_any_order };
        self.drop(|column| projection.contains(&column), keep)?;
        let keys = if with_keys { Some(self.keys()?) } else { None };
        let columns = projection.iter().map(|column| self.column(*column)).collect::<Result<_>>()?;
        Ok(ZoneRows { keys, batch: batch_of(schema, columns, self.len())? })
    }
}

/// A batch, of any number of rows if it has no columns.
pub(super) fn batch_of(schema: SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}
