//! Bulk encoding: an Arrow batch to row keys and row values, without a [`Value`] per cell.

use arrow::array::types::{
    Date32Type, Decimal128Type, Decimal256Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BinaryViewArray, Int64Array, PrimitiveArray, RecordBatch, StringViewArray,
};
use bytes::Bytes;
use deltatree_storage::types::{KeyArray, RowKey, StoredType};

use super::arrow::arrow_value;
use super::cell;
use super::error::{CodecError, Result};
use super::key::{append_value, flip};
use super::row::RowLayout;
use crate::catalog::{PrimaryKey, TableInfo};

/// Keys and values of many rows.
#[derive(Clone, Debug)]
pub struct EncodedBatch {
    /// One a row.
    pub keys: Vec<RowKey>,
    /// Row values, end to end.
    pub data: Bytes,
    /// Where each row's value starts in `data`, and the end of the last.
    pub offsets: Vec<usize>,
}

impl EncodedBatch {
    /// Value of a row: a view that shares `data`. Panics if `row` is out of bounds.
    pub fn value(&self, row: usize) -> Bytes {
        self.data.slice(self.offsets[row]..self.offsets[row + 1])
    }
}

/// Encodes all rows of a batch that has the table's columns, in order, each of its
/// [`StoredType::arrow`] type. A table with a hidden key numbers its rows from `hidden_start`; other
/// tables take no notice of it.
///
/// # Errors
/// If a column is missing or of another type, or a key column is NULL.
pub fn encode_batch(info: &TableInfo, batch: &RecordBatch, hidden_start: i64) -> Result<EncodedBatch> {
    let (data, offsets) = encode_rows(info, batch)?;
    let keys = row_keys(info, batch.columns(), hidden_start)?;
    Ok(EncodedBatch { keys: (0..keys.len()).map(|row| keys.get(row).to_owned()).collect(), data: data.into(), offsets })
}

/// The row values of a batch as for [`encode_batch`], end to end: where each starts, and the end of the last.
///
/// # Errors
/// If a column is missing or of another type.
pub fn encode_rows(info: &TableInfo, batch: &RecordBatch) -> Result<(Vec<u8>, Vec<usize>)> {
    if batch.num_columns() != info.columns.len() {
        return Err(CodecError::new(format!(
            "table {} has {} columns, the batch has {}",
            info.name,
            info.columns.len(),
            batch.num_columns()
        )));
    }
    let layout = RowLayout::new(info);
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (i, array) in batch.columns().iter().enumerate() {
        columns.push(Cells::new(&info.columns[i].name, layout.stored(i), array)?);
    }
    let nullable: Vec<_> = batch.columns().iter().filter(|a| a.null_count() > 0).collect();
    let is_null = |column: usize, row: usize| batch.column(column).is_null(row);

    let mut data = Vec::with_capacity(batch.num_rows() * (16 + columns.len() * 8));
    let mut offsets = Vec::with_capacity(batch.num_rows() + 1);
    offsets.push(0);
    for row in 0..batch.num_rows() {
        let any_null = nullable.iter().any(|a| a.is_null(row));
        layout.encode(
            &mut data,
            any_null,
            |i| is_null(i, row),
            |i, out| {
                columns[i].put(out, row);
                Ok(())
            },
        )?;
        offsets.push(data.len());
    }
    Ok((data, offsets))
}

/// The row keys of columns as for [`encode_batch`]. Only those of the primary key are looked at.
///
/// # Errors
/// If a column of the key holds NULL.
pub fn row_keys(info: &TableInfo, columns: &[ArrayRef], hidden_start: i64) -> Result<KeyArray> {
    let rows = columns.first().map_or(0, |c| c.len());
    let positions = info.primary_key_positions();
    for &position in &positions {
        if columns[position].null_count() > 0 {
            return Err(CodecError::new(format!("column {} cannot be NULL", info.columns[position].name)));
        }
    }
    match &info.primary_key {
        PrimaryKey::Hidden => Ok(KeyArray::Int(Int64Array::from_iter_values((hidden_start..).take(rows)))),
        PrimaryKey::Integer { column } => {
            let &position = positions
                .first()
                .ok_or_else(|| CodecError::new(format!("table {} lacks column {column}", info.name)))?;
            Ok(KeyArray::Int(integer_keys(info.columns[position].sql_type.stored(), &columns[position])?))
        }
        PrimaryKey::Columns { .. } => {
            let mut keys = BinaryBuilder::with_capacity(rows, rows * positions.len() * 10);
            let mut key = Vec::new();
            for row in 0..rows {
                key.clear();
                for &position in &positions {
                    append_value(&mut key, &arrow_value(columns[position].as_ref(), row)?);
                }
                keys.append_value(&key);
            }
            Ok(KeyArray::Bytes(keys.finish()))
        }
    }
}

fn integer_keys(stored: StoredType, array: &ArrayRef) -> Result<Int64Array> {
    macro_rules! signed {
        ($arrow:ty) => {
            Int64Array::from_iter_values(array.as_primitive::<$arrow>().values().iter().map(|&v| i64::from(v)))
        };
    }
    macro_rules! unsigned {
        ($arrow:ty) => {
            Int64Array::from_iter_values(array.as_primitive::<$arrow>().values().iter().map(|&v| flip(u64::from(v))))
        };
    }
    Ok(match stored {
        StoredType::Int8 => signed!(Int8Type),
        StoredType::Int16 => signed!(Int16Type),
        StoredType::Int32 => signed!(Int32Type),
        StoredType::Int64 => signed!(Int64Type),
        StoredType::UInt8 => unsigned!(UInt8Type),
        StoredType::UInt16 => unsigned!(UInt16Type),
        StoredType::UInt32 => unsigned!(UInt32Type),
        StoredType::UInt64 => unsigned!(UInt64Type),
        StoredType::Date32 => signed!(Date32Type),
        StoredType::TimestampMicros | StoredType::TimestampMicrosUtc => signed!(TimestampMicrosecondType),
        StoredType::DurationMicros => signed!(DurationMicrosecondType),
        StoredType::Float32
        | StoredType::Float64
        | StoredType::Decimal128(..)
        | StoredType::Decimal256(..)
        | StoredType::Utf8
        | StoredType::Binary => {
            return Err(CodecError::new(format!("a column stored as {stored:?} cannot be an integer key")));
        }
    })
}

macro_rules! cells {
    ($($variant:ident($arrow:ty): $stored:pat, |$out:ident, $value:ident| $put:expr;)*) => {
        enum Cells<'a> {
            $($variant(&'a PrimitiveArray<$arrow>),)*
            Text(&'a StringViewArray),
            Binary(&'a BinaryViewArray),
        }

        impl<'a> Cells<'a> {
            fn new(name: &str, stored: StoredType, array: &'a ArrayRef) -> Result<Self> {
                if *array.data_type() != stored.arrow() {
                    return Err(CodecError::new(format!(
                        "column {name} is stored as {}, the batch has {}", stored.arrow(), array.data_type())));
                }
                Ok(match stored {
                    $($stored => Self::$variant(array.as_primitive()),)*
                    StoredType::Utf8 => Self::Text(array.as_string_view()),
                    StoredType::Binary => Self::Binary(array.as_binary_view()),
                })
            }

            #[inline]
            fn put(&self, out: &mut Vec<u8>, row: usize) {
                match self {
                    $(Self::$variant(array) => {
                        let ($out, $value) = (out, array.value(row));
                        $put;
                    })*
                    Self::Text(array) => out.extend_from_slice(array.value(row).as_bytes()),
                    Self::Binary(array) => out.extend_from_slice(array.value(row)),
                }
            }
        }
    };
}

cells! {
    Int8(Int8Type): StoredType::Int8, |out, v| cell::put_int(out, v.into());
    Int16(Int16Type): StoredType::Int16, |out, v| cell::put_int(out, v.into());
    Int32(Int32Type): StoredType::Int32, |out, v| cell::put_int(out, v.into());
    Int64(Int64Type): StoredType::Int64, |out, v| cell::put_int(out, v);
    UInt8(UInt8Type): StoredType::UInt8, |out, v| cell::put_uint(out, v.into());
    UInt16(UInt16Type): StoredType::UInt16, |out, v| cell::put_uint(out, v.into());
    UInt32(UInt32Type): StoredType::UInt32, |out, v| cell::put_uint(out, v.into());
    UInt64(UInt64Type): StoredType::UInt64, |out, v| cell::put_uint(out, v);
    Float32(Float32Type): StoredType::Float32, |out, v| out.extend_from_slice(&v.to_le_bytes());
    Float64(Float64Type): StoredType::Float64, |out, v| out.extend_from_slice(&v.to_le_bytes());
    Decimal128(Decimal128Type): StoredType::Decimal128(..), |out, v| cell::put_decimal(out, v);
    Decimal256(Decimal256Type): StoredType::Decimal256(..), |out, v| cell::put_big_decimal(out, v);
    Date32(Date32Type): StoredType::Date32, |out, v| cell::put_int(out, v.into());
    Timestamp(TimestampMicrosecondType):
        StoredType::TimestampMicros | StoredType::TimestampMicrosUtc, |out, v| cell::put_int(out, v);
    Duration(DurationMicrosecondType): StoredType::DurationMicros, |out, v| cell::put_int(out, v);
}
