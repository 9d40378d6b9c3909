//! Rows of a file as the table stores them: every column in its stored type by the rules of `INSERT`, checks
//! tried, and the row key beside them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use deltatree_learner::LeaderGroup;
use deltatree_learner::catalog::{ColumnInfo, PrimaryKey, TableInfo};
use deltatree_learner::codec::{arrow_row, arrow_value, row_keys};
use deltatree_learner::table_write::RowWriter;
use deltatree_storage::types::{KeyArray, KeyKind, Value};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::RunningImport;
use crate::error::{Result, SqlError};
use crate::statement::{RowCheck, repeat};
use crate::types::SessionZone;
use crate::types::coerce::{Assignment, coerce_array};

/// Where a column's values come from.
#[derive(Clone, Debug)]
pub(crate) enum ColumnSource {
    /// From this column of the file's batches.
    File(usize),
    /// The same value in every row.
    Constant(Value),
    /// Numbers, unless the file has them at this place.
    AutoIncrement(Option<usize>),
}

/// Name of the row key's column in a [`Converter`]'s batches, where it comes first.
pub(super) const KEY: &str = "_key";

/// Converts batches of one import. Shared by its readers.
pub(crate) struct Converter {
    /// The hidden table.
    pub(crate) table: Arc<TableInfo>,
    /// By column of the table.
    pub(crate) sources: Vec<ColumnSource>,
    /// `CHECK` constraints.
    pub(crate) checks: Vec<RowCheck>,
    /// Whether what does not fit is an error.
    pub(crate) strict: bool,
    /// Of the session that imports.
    pub(crate) zone: SessionZone,
    /// Hands out ids.
    pub(crate) group: LeaderGroup,
    /// Where to wait for them.
    pub(crate) runtime: Handle,
    /// Largest `AUTO_INCREMENT` value in the files.
    pub(super) largest_given: Mutex<Option<u64>>,
    pub(super) import: Arc<RunningImport>,
}

impl Converter {
    /// Schema of the converted batches: the key, then the table's columns.
    pub(super) fn schema(&self) -> SchemaRef {
        let key = match self.table.key_kind() {
            KeyKind::Int => DataType::Int64,
            KeyKind::Bytes => DataType::Binary,
        };
        let columns = self.table.columns.iter().map(|c| Field::new(&c.name, c.sql_type.stored().arrow(), c.nullable));
        let fields = std::iter::once(Field::new(KEY, key, false)).chain(columns);
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Converts a batch whose first row has this number in its file, from 1. Blocks while it waits for ids.
    pub(super) fn convert(&self, batch: &RecordBatch, first_row: u64) -> Result<RecordBatch> {
        let ids = self.ids(batch.num_rows())?;
        let mut columns = Vec::with_capacity(1 + self.sources.len());
        for position in 0..self.sources.len() {
            columns.push(self.column(position, batch, first_row, ids)?);
        }
        self.checks.iter().try_for_each(|check| check.enforce(&columns))?;
        let hidden = i64::try_from(ids).map_err(|_| SqlError::internal("no row ids left"))?;
        columns.insert(0, key_column(row_keys(&self.table, &columns, hidden)?));
        Ok(RecordBatch::try_new(self.schema(), columns)?)
    }

    /// The row keys of a batch of which only the key's columns are looked at. For a look at the order of rows before they are read.
    pub(super) fn keys_alone(&self, batch: &RecordBatch, first_row: u64) -> Result<KeyArray> {
        let wanted = self.table.primary_key_positions();
        let columns = (0..self.sources.len()).map(|position| {
            if wanted.contains(&position) {
                self.column(position, batch, first_row, 0)
            } else {
                Ok(arrow::array::new_null_array(&DataType::Null, batch.num_rows()))
            }
        });
        Ok(row_keys(&self.table, &columns.collect::<Result<Vec<_>>>()?, 0)?)
    }

    /// The columns of the file that the row key is made of; `None` if not all of it is there.
    pub(super) fn key_sources(&self) -> Option<Vec<usize>> {
        let positions = self.table.primary_key_positions();
        positions
            .into_iter()
            .map(|position| match self.sources[position] {
                ColumnSource::File(at) => Some(at),
                ColumnSource::Constant(_) | ColumnSource::AutoIncrement(_) => None,
            })
            .collect()
    }

    /// The first of as many numbers as there are rows, if the table needs any.
    fn ids(&self, rows: usize) -> Result<u64> {
        let numbered = self.sources.iter().any(|s| matches!(s, ColumnSource::AutoIncrement(_)));
        if rows == 0 || !(numbered || self.table.primary_key == PrimaryKey::Hidden) {
            return Ok(0);
        }
        Ok(self.runtime.block_on(self.group.allocate_ids(self.table.id, rows as u64, None))?)
    }

    fn column(&self, position: usize, batch: &RecordBatch, first_row: u64, ids: u64) -> Result<ArrayRef> {
        let column = &self.table.columns[position];
        match &self.sources[position] {
            ColumnSource::File(at) => self.assign(batch, *at, column, first_row),
            ColumnSource::Constant(value) => repeat(value, column.sql_type.stored(), batch.num_rows()),
            ColumnSource::AutoIncrement(None) => self.numbers(column, ids, batch.num_rows()),
            ColumnSource::AutoIncrement(Some(at)) => self.given_numbers(batch, *at, column, first_row, ids),
        }
    }

    fn assign(&self, batch: &RecordBatch, at: usize, column: &ColumnInfo, first_row: u64) -> Result<ArrayRef> {
        let mut assignment = Assignment { strict: self.strict, zone: self.zone, warnings: Vec::new() };
        let array = coerce_array(batch.column(at), batch.schema().field(at), column, first_row, &mut assignment)?;
        self.import.warn(assignment.warnings);
        Ok(array)
    }

    fn numbers(&self, column: &ColumnInfo, first: u64, rows: usize) -> Result<ArrayRef> {
        let numbers: ArrayRef = Arc::new((first..first + rows as u64).collect::<UInt64Array>());
        let source = Field::new(&column.name, DataType::UInt64, false);
        coerce_array(&numbers, &source, column, 1, &mut Assignment::strict(self.zone))
    }

    /// The file's numbers; where it has NULL or zero, the next ones.
    fn given_numbers(
        &self,
        batch: &RecordBatch,
        at: usize,
        column: &ColumnInfo,
        first_row: u64,
        ids: u64,
    ) -> Result<ArrayRef> {
        let lenient = ColumnInfo { nullable: true, ..column.clone() };
        let given = self.assign(batch, at, &lenient, first_row)?;
        let mut missing = Vec::with_capacity(given.len());
        let mut largest = None;
        for row in 0..given.len() {
            let number = match arrow_value(&given, row)? {
                Value::Int(v) => u64::try_from(v).ok(),
                Value::UInt(v) => Some(v),
                Value::Null | Value::Float(_) | Value::Decimal(_) | Value::BigDecimal(_) | Value::Bytes(_) => None,
            };
            missing.push(given.is_null(row) || number == Some(0));
            largest = largest.max(number);
        }
        {
            let mut all = self.largest_given.lock();
            *all = (*all).max(largest);
        }
        if !missing.contains(&true) {
            return Ok(given);
        }
        let numbers = self.numbers(column, ids, given.len())?;
        Ok(arrow::compute::kernels::zip::zip(&missing.into(), &numbers, &given)?)
    }
}

fn key_column(keys: KeyArray) -> ArrayRef {
    match keys {
        KeyArray::Int(keys) => Arc::new(keys),
        KeyArray::Bytes(keys) => Arc::new(keys),
    }
}

/// The row keys of a converted batch.
pub(super) fn keys_of(batch: &RecordBatch) -> KeyArray {
    let keys = batch.column(0);
    match keys.data_type() {
        DataType::Int64 => KeyArray::Int(keys.as_primitive().clone()),
        _ => KeyArray::Bytes(keys.as_binary().clone()),
    }
}

/// Schema of index entries on their way.
pub(super) fn entry_schema() -> SchemaRef {
    let field = |name| Field::new(name, DataType::Binary, false);
    Arc::new(Schema::new(vec![field(KEY), field("value")]))
}

/// The entries of all indexes for the rows of a converted batch.
pub(super) fn index_entries(table: &TableInfo, batch: &RecordBatch) -> Result<RecordBatch> {
    let writer = RowWriter::new(table);
    let keys = keys_of(batch);
    let columns = &batch.columns()[1..];
    let rows = batch.num_rows() * table.indexes.len();
    let mut out = (BinaryBuilder::with_capacity(rows, rows * 32), BinaryBuilder::with_capacity(rows, rows * 8));
    for row in 0..batch.num_rows() {
        let (key, values) = (keys.get(row).to_owned(), arrow_row(columns, row)?);
        for index in &table.indexes {
            let entry = writer.index_entry(index, &key, &values)?;
            out.0.append_value(entry.key());
            out.1.append_value(entry.value().map_or(&[][..], |v| v));
        }
    }
    let columns: [BinaryArray; 2] = [out.0.finish(), out.1.finish()];
    Ok(RecordBatch::try_new(entry_schema(), columns.map(|c| Arc::new(c) as ArrayRef).to_vec())?)
}
