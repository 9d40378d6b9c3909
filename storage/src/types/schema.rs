//! What the columns of a table are.

use std::collections::HashSet;

use arrow::datatypes::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};

use super::{ColumnId, KeyKind, TableId, Value, repeat};
use crate::error::{Error, Result};

/// A table's columns under one schema version.
///
/// A column keeps its [`ColumnId`] for life. A pack written before a column was added lacks that id,
/// and the column's `default` is read instead; a pack that holds ids which the schema lacks is read
/// without them. So adding and dropping columns rewrites nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableSchema {
    /// The table.
    pub table: TableId,
    /// Grows with each change of the schema.
    pub version: u64,
    /// What the row keys are.
    pub key: KeyKind,
    /// Position in `columns` of the column whose values are the row keys (integer primary keys):
    /// such keys are stored once, as that column. `None`: keys are stored beside the columns.
    pub key_column: Option<usize>,
    /// In the order in which scans number them.
    pub columns: Vec<ColumnSchema>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnSchema {
    /// Identity, stable over renames.
    pub id: ColumnId,
    /// For messages and Arrow fields only.
    pub name: String,
    /// Physical type.
    pub data_type: StoredType,
    /// Whether NULL may occur.
    pub nullable: bool,
    /// What rows written before the column existed hold.
    pub default: Value,
}

/// The physical column types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the variants are the Arrow types of the same name")]
pub enum StoredType {
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float32,
    Float64,
    /// precision ≤ 38, scale
    Decimal128(u8, i8),
    /// precision ≤ 76, scale
    Decimal256(u8, i8),
    /// days since 1970-01-01
    Date32,
    /// µs since 1970-01-01 00:00:00, no time zone
    TimestampMicros,
    /// µs since 1970-01-01 00:00:00 UTC
    TimestampMicrosUtc,
    /// µs, may be negative
    DurationMicros,
    Utf8,
    Binary,
}

impl TableSchema {
    /// Fails with [`Error::Invalid`] if the schema contradicts itself.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::Invalid(format!("schema of table {}: {what}", self.table)));
        let mut ids = HashSet::new();
        for column in &self.columns {
            if !ids.insert(column.id) {
                return wrong(format!("column id {} is used twice", column.id));
            }
            repeat(&column.default, column.data_type, 1)?;
        }
        match self.key_column {
            Some(at) if at >= self.columns.len() => wrong(format!("there is no column {at} to be the key")),
            Some(_) if self.key != KeyKind::Int => wrong("only integer keys are a column".into()),
            Some(_) | None => Ok(()),
        }
    }
}

impl StoredType {
    /// The Arrow type in which scans return the column and writers must bring it.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Int8 => DataType::Int8,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::UInt8 => DataType::UInt8,
            Self::UInt16 => DataType::UInt16,
            Self::UInt32 => DataType::UInt32,
            Self::UInt64 => DataType::UInt64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Decimal128(p, s) => DataType::Decimal128(p, s),
            Self::Decimal256(p, s) => DataType::Decimal256(p, s),
            Self::Date32 => DataType::Date32,
            Self::TimestampMicros => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::TimestampMicrosUtc => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::DurationMicros => DataType::Duration(TimeUnit::Microsecond),
            Self::Utf8 => DataType::Utf8View,
            Self::Binary => DataType::BinaryView,
        }
    }
}
