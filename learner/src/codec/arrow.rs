//! Row values to Arrow arrays, and Arrow rows to values.

use std::sync::Arc;

use arrow::array::types::{
    Date32Type, Decimal128Type, Decimal256Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryViewBuilder, PrimitiveBuilder, RecordBatch, RecordBatchOptions,
    StringViewBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use deltatree_storage::types::{ColumnId, StoredType, Value};

use super::cell;
use super::error::{CodecError, Result};
use super::row::{Found, Hint, RowView, wrong_cell};
use crate::catalog::{ColumnInfo, TableInfo};

/// The Arrow schema of a table's columns at `projection` (positions, in output order): names as
/// declared, types as [`StoredType::arrow`] gives them.
pub fn arrow_schema(info: &TableInfo, projection: &[usize]) -> SchemaRef {
    let field = |c: &ColumnInfo| Field::new(&c.name, c.sql_type.stored().arrow(), c.nullable);
    Arc::new(Schema::new(projection.iter().map(|&i| field(&info.columns[i])).collect::<Vec<_>>()))
}

/// Collects row values as Arrow arrays, cell by cell, without a [`Value`] in between.
///
/// Which cell belongs to which column is worked out once and kept while rows have the same shape
/// (the same columns, the same of them NULL).
pub struct RowsToArrow {
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
    places: Vec<Found>,
    /// Ids, number of cells and width of ids for which `places` holds.
    shape: (Vec<u8>, usize, u8),
}

impl RowsToArrow {
    /// A collector of the columns at `projection` (positions in the table, in output order).
    pub fn new(info: &TableInfo, projection: &[usize], expected_rows: usize) -> Self {
        Self {
            schema: arrow_schema(info, projection),
            columns: projection.iter().map(|&i| Column::new(&info.columns[i], expected_rows)).collect(),
            rows: 0,
            places: Vec::new(),
            shape: (Vec::new(), usize::MAX, 0),
        }
    }

    /// A collector of all columns that rows store: see [`TableInfo::as_stored`].
    pub fn stored(info: &TableInfo, expected_rows: usize) -> Self {
        let stored = info.as_stored();
        let all: Vec<_> = (0..stored.columns.len()).collect();
        Self::new(&stored, &all, expected_rows)
    }

    /// Rows collected.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether no row was collected.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Appends a row value.
    ///
    /// # Errors
    /// If the bytes are no row of this table. The columns may then be of different lengths: the
    /// collector must be dropped.
    #[inline]
    pub fn push(&mut self, row: &[u8]) -> Result<()> {
        let view = RowView::parse(row)?;
        let (ids, cells, width) = view.shape();
        if ids != self.shape.0 || cells != self.shape.1 || width != self.shape.2 {
            let mut hint = Hint::default();
            self.places = self.columns.iter().map(|c| view.find(c.id, &mut hint)).collect();
            self.shape = (ids.to_vec(), cells, width);
        }
        for (column, place) in self.columns.iter_mut().zip(&self.places) {
            match *place {
                Found::Cell(i) => view
                    .cell(i)
                    .and_then(|cell| column.cells.append(cell))
                    .ok_or_else(|| wrong_cell(&column.name, column.stored))?,
                Found::Null => column.cells.append_null(),
                Found::Absent => column.append_default()?,
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Appends a row whose values do not matter (a tombstone): zeros and empty strings.
    pub fn push_blank(&mut self) {
        self.columns.iter_mut().for_each(|c| c.cells.append_blank());
        self.rows += 1;
    }

    /// The rows collected since the last call.
    ///
    /// # Errors
    /// If a column that may not be NULL holds one.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        let arrays = self.finish_columns();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|e| CodecError::new(format!("rows that do not fit their table: {e}")))
    }

    pub(crate) fn finish_columns(&mut self) -> Vec<ArrayRef> {
        self.columns.iter_mut().map(|c| c.cells.finish()).collect()
    }
}

struct Column {
    id: ColumnId,
    name: String,
    stored: StoredType,
    /// Cell of a row that was written before the column was added; `None` for NULL.
    default: Option<Result<Vec<u8>>>,
    cells: Cells,
}

impl Column {
    fn new(info: &ColumnInfo, expected_rows: usize) -> Self {
        let stored = info.sql_type.stored();
        let default = (!info.origin_default.is_null()).then(|| {
            let mut bytes = Vec::new();
            cell::put_value(&mut bytes, stored, &info.origin_default).map(|()| bytes)
        });
        Self { id: info.id, name: info.name.clone(), stored, default, cells: Cells::new(stored, expected_rows) }
    }

    fn append_default(&mut self) -> Result<()> {
        match &self.default {
            None => self.cells.append_null(),
            Some(Ok(bytes)) => {
                self.cells.append(bytes).ok_or_else(|| wrong_cell(&self.name, self.stored))?;
            }
            Some(Err(e)) => return Err(e.clone()),
        }
        Ok(())
    }
}

macro_rules! cells {
    ($($variant:ident($arrow:ty): $stored:pat, $read:ident;)*) => {
        enum Cells {
            $($variant(PrimitiveBuilder<$arrow>),)*
            Text(StringViewBuilder),
            Binary(BinaryViewBuilder),
        }

        impl Cells {
            fn new(stored: StoredType, capacity: usize) -> Self {
                match stored {
                    $($stored => Self::$variant(
                        PrimitiveBuilder::with_capacity(capacity).with_data_type(stored.arrow())),)*
                    StoredType::Utf8 => Self::Text(StringViewBuilder::with_capacity(capacity)),
                    StoredType::Binary => Self::Binary(BinaryViewBuilder::with_capacity(capacity)),
                }
            }

            /// `None` if the bytes are not a cell of this type.
            #[inline]
            fn append(&mut self, bytes: &[u8]) -> Option<()> {
                match self {
                    $(Self::$variant(builder) => builder.append_value(cell::$read(bytes)?.try_into().ok()?),)*
                    Self::Text(builder) => builder.try_append_value(std::str::from_utf8(bytes).ok()?).ok()?,
                    Self::Binary(builder) => builder.try_append_value(bytes).ok()?,
                }
                Some(())
            }

            fn append_null(&mut self) {
                match self {
                    $(Self::$variant(builder) => builder.append_null(),)*
                    Self::Text(builder) => builder.append_null(),
                    Self::Binary(builder) => builder.append_null(),
                }
            }

            fn append_blank(&mut self) {
                match self {
                    $(Self::$variant(builder) => builder.append_value(<$arrow as ArrowPrimitiveType>::Native::default()),)*
                    Self::Text(builder) => builder.append_value(""),
                    Self::Binary(builder) => builder.append_value(b""),
                }
            }

            fn finish(&mut self) -> ArrayRef {
                match self {
                    $(Self::$variant(builder) => Arc::new(builder.finish()),)*
                    Self::Text(builder) => Arc::new(builder.finish()),
                    Self::Binary(builder) => Arc::new(builder.finish()),
                }
            }
        }
    };
}

cells! {
    Int8(Int8Type): StoredType::Int8, int;
    Int16(Int16Type): StoredType::Int16, int;
    Int32(Int32Type): StoredType::Int32, int;
    Int64(Int64Type): StoredType::Int64, int;
    UInt8(UInt8Type): StoredType::UInt8, uint;
    UInt16(UInt16Type): StoredType::UInt16, uint;
    UInt32(UInt32Type): StoredType::UInt32, uint;
    UInt64(UInt64Type): StoredType::UInt64, uint;
    Float32(Float32Type): StoredType::Float32, float32;
    Float64(Float64Type): StoredType::Float64, float64;
    Decimal128(Decimal128Type): StoredType::Decimal128(..), decimal;
    Decimal256(Decimal256Type): StoredType::Decimal256(..), big_decimal;
    Date32(Date32Type): StoredType::Date32, int;
    Timestamp(TimestampMicrosecondType): StoredType::TimestampMicros | StoredType::TimestampMicrosUtc, int;
    Duration(DurationMicrosecondType): StoredType::DurationMicros, int;
}

/// One row of Arrow columns, each of a [`StoredType::arrow`] type.
///
/// # Errors
/// If a column is of another type.
pub fn arrow_row(columns: &[ArrayRef], row: usize) -> Result<Vec<Value>> {
    columns.iter().map(|c| arrow_value(c.as_ref(), row)).collect()
}

/// One cell of an Arrow array of a [`StoredType::arrow`] type. Panics if `row` is out of bounds.
///
/// # Errors
/// If the array is of another type.
pub fn arrow_value(array: &dyn Array, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    let int = |v: i64| Ok(Value::Int(v));
    let uint = |v: u64| Ok(Value::UInt(v));
    match array.data_type() {
        DataType::Int8 => int(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => int(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => int(array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt8 => uint(array.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => uint(array.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => uint(array.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => uint(array.as_primitive::<UInt64Type>().value(row)),
        DataType::Date32 => int(array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            int(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::Duration(TimeUnit::Microsecond) => int(array.as_primitive::<DurationMicrosecondType>().value(row)),
        DataType::Float32 => Ok(Value::Float(array.as_primitive::<Float32Type>().value(row).into())),
        DataType::Float64 => Ok(Value::Float(array.as_primitive::<Float64Type>().value(row))),
        DataType::Decimal128(..) => Ok(Value::Decimal(array.as_primitive::<Decimal128Type>().value(row))),
        DataType::Decimal256(..) => Ok(Value::BigDecimal(array.as_primitive::<Decimal256Type>().value(row))),
        DataType::Utf8View => Ok(Value::Bytes(Bytes::copy_from_slice(array.as_string_view().value(row).as_bytes()))),
        DataType::BinaryView => Ok(Value::Bytes(Bytes::copy_from_slice(array.as_binary_view().value(row)))),
        other => Err(CodecError::new(format!("cannot store an Arrow column of type {other}; cast it first"))),
    }
}
