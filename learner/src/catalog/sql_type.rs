//! MySQL's column types, and the physical type that each is stored as.

use deltatree_storage::types::StoredType;
use serde::{Deserialize, Serialize};

/// A column type as the user declared it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SqlType {
    /// `TINYINT`; `BOOL` is `TINYINT(1)`.
    TinyInt {
        /// `UNSIGNED`.
        unsigned: bool,
        /// Declared as `BOOL` or `TINYINT(1)`.
        boolean: bool,
    },
    /// `SMALLINT`.
    SmallInt {
        /// `UNSIGNED`.
        unsigned: bool,
    },
    /// `MEDIUMINT`.
    MediumInt {
        /// `UNSIGNED`.
        unsigned: bool,
    },
    /// `INT`.
    Int {
        /// `UNSIGNED`.
        unsigned: bool,
    },
    /// `BIGINT`.
    BigInt {
        /// `UNSIGNED`.
        unsigned: bool,
    },
    /// `FLOAT`.
    Float,
    /// `DOUBLE`.
    Double,
    /// `DECIMAL(precision, scale)`, precision ≤ 65, scale ≤ 30.
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `CHAR(n)`: trailing spaces are not kept.
    Char {
        /// Characters, at most.
        length: u32,
    },
    /// `VARCHAR(n)`.
    VarChar {
        /// Characters, at most.
        length: u32,
    },
    /// `TINYTEXT`, `TEXT`, `MEDIUMTEXT`, `LONGTEXT`, by their limit in bytes.
    Text {
        /// Bytes, at most: 255, 65,535, 16,777,215 or 4,294,967,295.
        limit: u32,
    },
    /// `BINARY(n)`: padded with zero bytes.
    Binary {
        /// Bytes.
        length: u32,
    },
    /// `VARBINARY(n)`.
    VarBinary {
        /// Bytes, at most.
        length: u32,
    },
    /// `TINYBLOB`, `BLOB`, `MEDIUMBLOB`, `LONGBLOB`, by their limit in bytes.
    Blob {
        /// As for [`SqlType::Text`].
        limit: u32,
    },
    /// `DATE`.
    Date,
    /// `TIME(fsp)`: −838:59:59 to 838:59:59.
    Time {
        /// Digits of the second's fraction, 0 to 6.
        fsp: u8,
    },
    /// `DATETIME(fsp)`, no time zone.
    DateTime {
        /// Digits of the second's fraction, 0 to 6.
        fsp: u8,
    },
    /// `TIMESTAMP(fsp)`, stored in UTC and shown in the session's time zone.
    Timestamp {
        /// Digits of the second's fraction, 0 to 6.
        fsp: u8,
    },
    /// `YEAR`: 0, 1901 to 2155.
    Year,
    /// `ENUM('a', 'b')`, stored as text.
    Enum {
        /// Allowed values, in order.
        values: Vec<String>,
    },
    /// `SET('a', 'b')`, stored as text.
    Set {
        /// Allowed members, in order.
        values: Vec<String>,
    },
    /// `BIT(n)`.
    Bit {
        /// Bits, 1 to 64.
        length: u8,
    },
    /// `JSON`, stored as text.
    Json,
}

impl SqlType {
    /// Whether it is one of the integer types. `BIT` and `YEAR` are stored as integers and are none.
    pub fn is_integer(&self) -> bool {
        matches!(
            self,
            Self::TinyInt { .. }
                | Self::SmallInt { .. }
                | Self::MediumInt { .. }
                | Self::Int { .. }
                | Self::BigInt { .. }
        )
    }

    /// How the column is stored and handed to Arrow.
    pub fn stored(&self) -> StoredType {
        match *self {
            Self::TinyInt { unsigned: false, .. } => StoredType::Int8,
            Self::TinyInt { unsigned: true, .. } => StoredType::UInt8,
            Self::SmallInt { unsigned: false } => StoredType::Int16,
            Self::SmallInt { unsigned: true } | Self::Year => StoredType::UInt16,
            Self::MediumInt { unsigned: false } | Self::Int { unsigned: false } => StoredType::Int32,
            Self::MediumInt { unsigned: true } | Self::Int { unsigned: true } => StoredType::UInt32,
            Self::BigInt { unsigned: false } => StoredType::Int64,
            Self::BigInt { unsigned: true } | Self::Bit { .. } => StoredType::UInt64,
            Self::Float => StoredType::Float32,
            Self::Double => StoredType::Float64,
            Self::Decimal { precision, scale } if precision <= 38 => StoredType::Decimal128(precision, scale as i8),
            Self::Decimal { precision, scale } => StoredType::Decimal256(precision, scale as i8),
            Self::Char { .. }
            | Self::VarChar { .. }
            | Self::Text { .. }
            | Self::Enum { .. }
            | Self::Set { .. }
            | Self::Json => StoredType::Utf8,
            Self::Binary { .. } | Self::VarBinary { .. } | Self::Blob { .. } => StoredType::Binary,
            Self::Date => StoredType::Date32,
            Self::Time { .. } => StoredType::DurationMicros,
            Self::DateTime { .. } => StoredType::TimestampMicros,
            Self::Timestamp { .. } => StoredType::TimestampMicrosUtc,
        }
    }
}
