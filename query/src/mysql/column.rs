//! A result column as the protocol describes it to clients, which convert values by it.

use arrow::datatypes::{DataType, Field};
use deltatree_learner::catalog::SqlType;

use super::constants::{collation, column_flag as flag, column_type as t};
use super::packet::put_bytes;
use crate::types;

/// One column of a result.
#[derive(Clone, Debug)]
pub(crate) struct ResultColumn {
    /// As the client shows it.
    pub(crate) name: String,
    /// The protocol's type number, which decides the form of binary values.
    pub(crate) kind: u8,
    /// Collation number; 63 says that the bytes are no text.
    pub(crate) collation: u16,
    /// Longest value, in bytes of text.
    pub(crate) length: u32,
    /// See [`flag`].
    pub(crate) flags: u16,
    /// Digits after the point; 31 if that varies.
    pub(crate) decimals: u8,
}

impl ResultColumn {
    /// Describes a field of a result.
    pub(crate) fn new(field: &Field) -> Self {
        let mut column = match (types::field::sql_type_of(field), field.data_type()) {
            (_, DataType::Null) => Self::shape(t::NULL, 0, flag::BINARY, 0),
            (_, DataType::Boolean) => Self::shape(t::LONGLONG, 1, flag::NUMBER | flag::BINARY, 0),
            (Some(sql_type), _) => Self::of_type(&sql_type),
            (None, _) => Self::text(t::VAR_STRING, u32::MAX, 0),
        };
        column.name = field.name().clone();
        if !field.is_nullable() {
            column.flags |= flag::NOT_NULL;
        }
        column
    }

    /// A parameter of a prepared statement: anything goes.
    pub(crate) fn parameter() -> Self {
        let mut column = Self::shape(t::VAR_STRING, 0, flag::BINARY, 0);
        column.name = "?".into();
        column
    }

    fn of_type(sql_type: &SqlType) -> Self {
        match *sql_type {
            SqlType::TinyInt { boolean: true, unsigned } => Self::integer(t::TINY, 1, unsigned),
            SqlType::TinyInt { unsigned, .. } => Self::integer(t::TINY, 4 - u32::from(unsigned), unsigned),
            SqlType::SmallInt { unsigned } => Self::integer(t::SHORT, 6 - u32::from(unsigned), unsigned),
            SqlType::MediumInt { unsigned } => Self::integer(t::INT24, 9 - u32::from(unsigned), unsigned),
            SqlType::Int { unsigned } => Self::integer(t::LONG, 11 - u32::from(unsigned), unsigned),
            SqlType::BigInt { unsigned } => Self::integer(t::LONGLONG, 20, unsigned),
            SqlType::Float => Self::shape(t::FLOAT, 12, flag::NUMBER | flag::BINARY, 31),
            SqlType::Double => Self::shape(t::DOUBLE, 22, flag::NUMBER | flag::BINARY, 31),
            SqlType::Decimal { precision, scale } => {
                let length = u32::from(precision) + 1 + u32::from(scale > 0);
                Self::shape(t::NEWDECIMAL, length, flag::NUMBER | flag::BINARY, scale)
            }
            SqlType::Char { length } => Self::text(t::STRING, length.saturating_mul(4), 0),
            SqlType::VarChar { length } => Self::text(t::VAR_STRING, length.saturating_mul(4), 0),
            SqlType::Text { limit } => Self::text(t::BLOB, limit, flag::BLOB),
            SqlType::Binary { length } => Self::shape(t::STRING, length, flag::BINARY, 0),
            SqlType::VarBinary { length } => Self::shape(t::VAR_STRING, length, flag::BINARY, 0),
            SqlType::Blob { limit } => Self::shape(t::BLOB, limit, flag::BLOB | flag::BINARY, 0),
            SqlType::Date => Self::shape(t::DATE, 10, flag::BINARY, 0),
            SqlType::Time { fsp } => Self::shape(t::TIME, 10 + fraction(fsp), flag::BINARY, fsp),
            SqlType::DateTime { fsp } => Self::shape(t::DATETIME, 19 + fraction(fsp), flag::BINARY, fsp),
            SqlType::Timestamp { fsp } => {
                Self::shape(t::TIMESTAMP, 19 + fraction(fsp), flag::BINARY | flag::TIMESTAMP, fsp)
            }
            SqlType::Year => Self::shape(t::YEAR, 4, flag::NUMBER | flag::UNSIGNED, 0),
            SqlType::Enum { ref values } => {
                Self::text(t::STRING, values.iter().map(|v| v.len() as u32 * 4).max().unwrap_or(0), flag::ENUM)
            }
            SqlType::Set { ref values } => {
                Self::text(t::STRING, values.iter().map(|v| v.len() as u32 * 4 + 4).sum(), flag::SET)
            }
            SqlType::Bit { length } => Self::shape(t::BIT, length.into(), flag::UNSIGNED, 0),
            SqlType::Json => Self::shape(t::JSON, u32::MAX, flag::BLOB | flag::BINARY, 0),
        }
    }

    fn shape(kind: u8, length: u32, flags: u16, decimals: u8) -> Self {
        Self { name: String::new(), kind, collation: collation::BINARY, length, flags, decimals }
    }

    fn integer(kind: u8, length: u32, unsigned: bool) -> Self {
        let sign = if unsigned { flag::UNSIGNED } else { 0 };
        Self::shape(kind, length, flag::NUMBER | flag::BINARY | sign, 0)
    }

    fn text(kind: u8, length: u32, flags: u16) -> Self {
        Self { collation: collation::UTF8MB4_BIN, ..Self::shape(kind, length, flags, 0) }
    }

    /// Appends the column's description.
    pub(crate) fn write_definition(&self, out: &mut Vec<u8>) {
        put_bytes(out, b"def");
        // Database, table and table before renaming: results are not traced back to tables.
        for _ in 0..3 {
            put_bytes(out, b"");
        }
        put_bytes(out, self.name.as_bytes());
        put_bytes(out, self.name.as_bytes());
        out.push(0x0C);
        out.extend_from_slice(&self.collation.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        out.push(self.kind);
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.push(self.decimals);
        out.extend_from_slice(&[0, 0]);
    }
}

fn fraction(fsp: u8) -> u32 {
    if fsp == 0 { 0 } else { u32::from(fsp) + 1 }
}
