//! Small relations built row by row.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::catalog::{MemTable, TableProvider};

use crate::error::Result;
use crate::planner::NAME_KEY;

/// What a column holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Int,
    UInt,
    Float,
    Time,
}

/// One value. A cell of another kind than its column shows as NULL.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Null,
    Text(String),
    Int(i64),
    UInt(u64),
    Float(f64),
    /// Milliseconds since 1970-01-01 UTC.
    Time(u64),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(v: u64) -> Self {
        Self::UInt(v)
    }
}

impl From<i64> for Cell {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Self::Null, Into::into)
    }
}

/// Column names (upper case, as MySQL shows them) with their kinds, and rows.
#[derive(Debug)]
pub(super) struct Relation {
    columns: Vec<(&'static str, Kind)>,
    rows: Vec<Vec<Cell>>,
}

impl Relation {
    pub(super) fn new(columns: &[(&'static str, Kind)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Appends a row, one cell a column.
    pub(super) fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.columns.len(), "{:?}", self.columns.first());
        self.rows.push(row);
    }

    /// As a table of one batch.
    pub(super) fn into_table(self) -> Result<Arc<dyn TableProvider>> {
        let fields: Vec<_> = self.columns.iter().map(|(name, kind)| field(name, *kind)).collect();
        let arrays = self.columns.iter().enumerate().map(|(i, (_, kind))| array(*kind, &self.rows, i)).collect();
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
        Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
    }
}

fn field(name: &str, kind: Kind) -> Field {
    let data_type = match kind {
        Kind::Text => DataType::Utf8View,
        Kind::Int => DataType::Int64,
        Kind::UInt => DataType::UInt64,
        Kind::Float => DataType::Float64,
        Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
    };
    let metadata = HashMap::from([(NAME_KEY.to_owned(), name.to_owned())]);
    Field::new(name.to_lowercase(), data_type, true).with_metadata(metadata)
}

fn array(kind: Kind, rows: &[Vec<Cell>], column: usize) -> ArrayRef {
    let cells = rows.iter().map(|row| &row[column]);
    match kind {
        Kind::Text => Arc::new(StringViewArray::from_iter(cells.map(|cell| match cell {
            Cell::Text(text) => Some(text.as_str()),
            _ => None,
        }))),
        Kind::Int => Arc::new(Int64Array::from_iter(cells.map(|cell| match cell {
            Cell::Int(v) => Some(*v),
            _ => None,
        }))),
        Kind::UInt => Arc::new(UInt64Array::from_iter(cells.map(|cell| match cell {
            Cell::UInt(v) => Some(*v),
            _ => None,
        }))),
        Kind::Float => Arc::new(Float64Array::from_iter(cells.map(|cell| match cell {
            Cell::Float(v) => Some(*v),
            _ => None,
        }))),
        Kind::Time => Arc::new(TimestampMicrosecondArray::from_iter(cells.map(|cell| match cell {
            Cell::Time(ms) => i64::try_from(*ms).ok().and_then(|ms| ms.checked_mul(1000)),
            _ => None,
        }))),
    }
}
