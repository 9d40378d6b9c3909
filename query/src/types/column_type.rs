//! Result columns as the MySQL protocol announces them.

use arrow::datatypes::{DataType, Field};
use deltatree_learner::catalog::SqlType;

use super::field::{sql_type_of, table_of};

/// A result column's announcement: the numbers of the protocol, independent of any server library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MysqlColumn {
    /// Database of the table that it comes from; empty if it is computed.
    pub database: String,
    /// That table, by the name that the query gives it.
    pub table: String,
    /// Header shown to the user.
    pub name: String,
    /// `MYSQL_TYPE_*`.
    pub type_code: u8,
    /// Whether `UNSIGNED_FLAG` is set.
    pub unsigned: bool,
    /// Display length in bytes.
    pub length: u32,
    /// Digits after the point; 31 for floating numbers without a fixed count.
    pub decimals: u8,
    /// Collation id: 46 `utf8mb4_bin` for text, 63 `binary` for everything else.
    pub charset: u16,
    /// `*_FLAG` bits, the unsigned one included.
    pub flags: u16,
}

/// `MYSQL_TYPE_*` codes.
#[allow(missing_docs, reason = "the protocol's own names")]
pub mod type_code {
    pub const TINY: u8 = 1;
    pub const SHORT: u8 = 2;
    pub const LONG: u8 = 3;
    pub const FLOAT: u8 = 4;
    pub const DOUBLE: u8 = 5;
    pub const NULL: u8 = 6;
    pub const TIMESTAMP: u8 = 7;
    pub const LONGLONG: u8 = 8;
    pub const INT24: u8 = 9;
    pub const DATE: u8 = 10;
    pub const TIME: u8 = 11;
    pub const DATETIME: u8 = 12;
    pub const YEAR: u8 = 13;
    pub const BIT: u8 = 16;
    pub const JSON: u8 = 245;
    pub const NEWDECIMAL: u8 = 246;
    pub const BLOB: u8 = 252;
    pub const VAR_STRING: u8 = 253;
    pub const STRING: u8 = 254;
}

const NOT_NULL: u16 = 1;
const BLOB_FLAG: u16 = 16;
const UNSIGNED: u16 = 32;
const BINARY: u16 = 128;
const ENUM: u16 = 256;
const SET: u16 = 2048;

const UTF8MB4_BIN: u16 = 46;
const BINARY_CHARSET: u16 = 63;

/// How a field is announced.
pub fn mysql_column(field: &Field) -> MysqlColumn {
    let (database, table) = table_of(field);
    let mut column = MysqlColumn {
        database: database.to_owned(),
        table: table.to_owned(),
        name: crate::rewrite::column_label(field.name()).to_owned(),
        type_code: type_code::VAR_STRING,
        unsigned: false,
        length: 1020,
        decimals: 0,
        charset: BINARY_CHARSET,
        flags: if field.is_nullable() { 0 } else { NOT_NULL },
    };
    if *field.data_type() == DataType::Null {
        column.type_code = type_code::NULL;
        column.length = 0;
        column.flags |= BINARY;
        return column;
    }
    match sql_type_of(field) {
        Some(sql_type) => describe(&sql_type, &mut column),
        None => {
            column.charset = UTF8MB4_BIN;
            column.type_code = type_code::BLOB;
            column.length = u32::MAX;
        }
    }
    // A boolean expression is a number of one digit.
    if *field.data_type() == DataType::Boolean {
        column.type_code = type_code::LONGLONG;
        column.length = 1;
    }
    column
}

fn describe(sql_type: &SqlType, column: &mut MysqlColumn) {
    let fraction = |fsp: u8| if fsp == 0 { 0 } else { u32::from(fsp) + 1 };
    let mut set = |type_code: u8, length: u32, flags: u16| {
        column.type_code = type_code;
        column.length = length;
        column.flags |= flags;
    };
    match sql_type {
        SqlType::TinyInt { boolean: true, .. } => set(type_code::TINY, 1, 0),
        SqlType::TinyInt { unsigned, .. } => set(type_code::TINY, 4 - u32::from(*unsigned), sign(*unsigned)),
        SqlType::SmallInt { unsigned } => set(type_code::SHORT, 6 - u32::from(*unsigned), sign(*unsigned)),
        SqlType::MediumInt { unsigned } => set(type_code::INT24, 9 - u32::from(*unsigned), sign(*unsigned)),
        SqlType::Int { unsigned } => set(type_code::LONG, 11 - u32::from(*unsigned), sign(*unsigned)),
        SqlType::BigInt { unsigned } => set(type_code::LONGLONG, 20, sign(*unsigned)),
        SqlType::Float => set(type_code::FLOAT, 12, 0),
        SqlType::Double => set(type_code::DOUBLE, 22, 0),
        SqlType::Decimal { precision, scale } => {
            set(type_code::NEWDECIMAL, u32::from(*precision) + 1 + u32::from(*scale > 0), 0)
        }
        SqlType::Char { length } => set(type_code::STRING, length.saturating_mul(4), 0),
        SqlType::VarChar { length } => set(type_code::VAR_STRING, length.saturating_mul(4), 0),
        SqlType::Text { limit } => set(type_code::BLOB, *limit, BLOB_FLAG),
        SqlType::Binary { length } => set(type_code::STRING, *length, BINARY),
        SqlType::VarBinary { length } => set(type_code::VAR_STRING, *length, BINARY),
        SqlType::Blob { limit } => set(type_code::BLOB, *limit, BLOB_FLAG | BINARY),
        SqlType::Date => set(type_code::DATE, 10, BINARY),
        SqlType::Time { fsp } => set(type_code::TIME, 10 + fraction(*fsp), BINARY),
        SqlType::DateTime { fsp } => set(type_code::DATETIME, 19 + fraction(*fsp), BINARY),
        SqlType::Timestamp { fsp } => set(type_code::TIMESTAMP, 19 + fraction(*fsp), BINARY),
        SqlType::Year => set(type_code::YEAR, 4, UNSIGNED),
        SqlType::Enum { values } => {
            let longest = values.iter().map(|v| v.chars().count()).max().unwrap_or(0);
            set(type_code::STRING, (longest as u32).saturating_mul(4), ENUM);
        }
        SqlType::Set { values } => {
            let total: usize = values.iter().map(|v| v.chars().count() + 1).sum();
            set(type_code::STRING, (total as u32).saturating_mul(4), SET);
        }
        SqlType::Bit { length } => set(type_code::BIT, u32::from(*length), UNSIGNED),
        SqlType::Json => set(type_code::JSON, u32::MAX, BLOB_FLAG | BINARY),
    }
    column.unsigned = column.flags & UNSIGNED != 0;
    column.charset = match sql_type {
        SqlType::Char { .. }
        | SqlType::VarChar { .. }
        | SqlType::Text { .. }
        | SqlType::Enum { .. }
        | SqlType::Set { .. }
        | SqlType::Json => UTF8MB4_BIN,
        _ => BINARY_CHARSET,
    };
    column.decimals = match sql_type {
        SqlType::Decimal { scale, .. } => *scale,
        SqlType::Float | SqlType::Double => 31,
        SqlType::Time { fsp } | SqlType::DateTime { fsp } | SqlType::Timestamp { fsp } => *fsp,
        _ => 0,
    };
}

fn sign(unsigned: bool) -> u16 {
    if unsigned { UNSIGNED } else { 0 }
}
