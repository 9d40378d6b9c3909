//! One value on its way between SQL text, parameters, columns and variables.

use bytes::Bytes;
use datafusion::sql::sqlparser::ast::{self, DataType, TypedString};

use super::{Decimal, calendar};

/// A value together with its SQL type, outside any column.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// NULL.
    Null,
    /// Any signed integer; TRUE and FALSE are 1 and 0.
    Int(i64),
    /// An unsigned integer, mostly one beyond `i64`.
    UInt(u64),
    /// An exact number.
    Decimal(Decimal),
    /// An approximate number.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes without a character set; also hexadecimal and bit literals.
    Bytes(Bytes),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01 00:00:00, no time zone.
    DateTime(i64),
    /// Microseconds since 1970-01-01 00:00:00 UTC: a `TIMESTAMP`.
    Instant(i64),
    /// Microseconds, may be negative.
    Time(i64),
}

impl Datum {
    /// The literal that stands for this value in a statement: how parameters are bound.
    ///
    /// An [`Datum::Instant`] becomes a UTC `TIMESTAMP` literal; bind local times as [`Datum::DateTime`].
    pub fn to_ast(&self) -> ast::Expr {
        let typed = |data_type: DataType, text: Vec<u8>| {
            ast::Expr::TypedString(TypedString {
                data_type,
                value: ast::Value::SingleQuotedString(String::from_utf8_lossy(&text).into_owned()).into(),
                uses_odbc_syntax: false,
            })
        };
        let mut text = Vec::new();
        let value = match self {
            Self::Null => ast::Value::Null,
            Self::Int(v) if *v < 0 => {
                return ast::Expr::UnaryOp {
                    op: ast::UnaryOperator::Minus,
                    expr: Box::new(number(v.unsigned_abs().to_string())),
                };
            }
            Self::Int(v) => return number(v.to_string()),
            Self::UInt(v) => return number(v.to_string()),
            Self::Decimal(v) => {
                v.write(&mut text);
                let text = String::from_utf8_lossy(&text).into_owned();
                return match text.strip_prefix('-') {
                    Some(digits) => {
                        ast::Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr: Box::new(number(digits.to_owned())) }
                    }
                    None => number(text),
                };
            }
            Self::Float(v) => {
                let magnitude = number(format!("{:e}", v.abs()));
                return if v.is_sign_negative() {
                    ast::Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr: Box::new(magnitude) }
                } else {
                    magnitude
                };
            }
            Self::Text(v) => ast::Value::SingleQuotedString(v.clone()),
            Self::Bytes(v) => {
                use std::fmt::Write;
                let mut hex = String::with_capacity(v.len() * 2);
                for byte in v.iter() {
                    write!(hex, "{byte:02X}").expect("writing to a string cannot fail");
                }
                ast::Value::HexStringLiteral(hex)
            }
            Self::Date(days) => {
                calendar::write_date(*days, &mut text);
                return typed(DataType::Date, text);
            }
            Self::DateTime(micros) | Self::Instant(micros) => {
                calendar::write_datetime(*micros, 6, &mut text);
                return typed(DataType::Timestamp(None, ast::TimezoneInfo::None), text);
            }
            Self::Time(micros) => {
                calendar::write_time(*micros, 6, &mut text);
                return typed(DataType::Time(None, ast::TimezoneInfo::None), text);
            }
        };
        ast::Expr::Value(value.into())
    }

    /// Whether this is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

fn number(digits: String) -> ast::Expr {
    ast::Expr::Value(ast::Value::Number(digits, false).into())
}
