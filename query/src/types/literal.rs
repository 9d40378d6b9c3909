//! Constants of a statement as values, without planning.

use datafusion::sql::sqlparser::ast::{self, UnaryOperator, Value};

use super::{Datum, Decimal, temporal};
use bytes::Bytes;

/// The value of a constant expression: literals, signs, parentheses. `None` for anything that needs
/// evaluating.
pub fn literal_value(expr: &ast::Expr) -> Option<Datum> {
    match expr {
        ast::Expr::Value(value) => literal(&value.value),
        ast::Expr::Nested(inner) => literal_value(inner),
        ast::Expr::UnaryOp { op: UnaryOperator::Plus, expr } => literal_value(expr).filter(is_number),
        ast::Expr::UnaryOp { op: UnaryOperator::Minus, expr } => negate(literal_value(expr)?),
        ast::Expr::TypedString(typed) => {
            let Value::SingleQuotedString(text) = &typed.value.value else { return None };
            typed_text(&typed.data_type, text)
        }
        ast::Expr::Prefixed { value, .. } => literal_value(value),
        _ => None,
    }
}

fn literal(value: &Value) -> Option<Datum> {
    Some(match value {
        Value::Number(text, _) => return number(text),
        Value::SingleQuotedString(text)
        | Value::DoubleQuotedString(text)
        | Value::NationalStringLiteral(text)
        | Value::EscapedStringLiteral(text) => Datum::Text(text.clone()),
        Value::HexStringLiteral(hex) => Datum::Bytes(hex_bytes(hex)?),
        Value::SingleQuotedByteStringLiteral(bits) => Datum::Bytes(bit_bytes(bits)?),
        Value::Boolean(v) => Datum::Int(i64::from(*v)),
        Value::Null => Datum::Null,
        _ => return None,
    })
}

/// An unsigned number as written: an integer, an exact decimal, or with an exponent a double.
pub fn number(text: &str) -> Option<Datum> {
    if let Some(hex) = text.strip_prefix("0x") {
        return hex_bytes(hex).map(Datum::Bytes);
    }
    if text.contains(['e', 'E']) {
        return text.parse().ok().map(Datum::Float);
    }
    if let Ok(v) = text.parse::<i64>() {
        return Some(Datum::Int(v));
    }
    if let Ok(v) = text.parse::<u64>() {
        return Some(Datum::UInt(v));
    }
    Decimal::parse(text).map(Datum::Decimal)
}

/// What a byte stands for after a backslash.
pub(crate) fn unescaped(byte: u8) -> u8 {
    match byte {
        b'0' => 0,
        b'b' => 8,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'Z' => 26,
        other => other,
    }
}

fn is_number(value: &Datum) -> bool {
    matches!(value, Datum::Int(_) | Datum::UInt(_) | Datum::Decimal(_) | Datum::Float(_) | Datum::Null)
}

fn negate(value: Datum) -> Option<Datum> {
    Some(match value {
        Datum::Null => Datum::Null,
        Datum::Int(v) => match v.checked_neg() {
            Some(v) => Datum::Int(v),
            None => Datum::UInt(v.unsigned_abs()),
        },
        Datum::UInt(v) => match 0_i64.checked_sub_unsigned(v) {
            Some(v) => Datum::Int(v),
            None => {
                let v = Decimal::from_uint(v);
                Datum::Decimal(Decimal { unscaled: v.unscaled.wrapping_neg(), scale: 0 })
            }
        },
        Datum::Decimal(v) => Datum::Decimal(Decimal { unscaled: v.unscaled.wrapping_neg(), scale: v.scale }),
        Datum::Float(v) => Datum::Float(-v),
        Datum::Text(_) | Datum::Bytes(_) | Datum::Date(_) | Datum::DateTime(_) | Datum::Instant(_) | Datum::Time(_) => {
            return None;
        }
    })
}

/// `DATE '…'`, `TIMESTAMP '…'`, `TIME '…'`.
fn typed_text(data_type: &ast::DataType, text: &str) -> Option<Datum> {
    match data_type {
        ast::DataType::Date => temporal::parse_datetime(text).map(|p| Datum::Date(p.days())),
        ast::DataType::Timestamp(..) | ast::DataType::Datetime(_) => {
            temporal::parse_datetime(text).map(|p| Datum::DateTime(p.micros))
        }
        ast::DataType::Time(..) => temporal::parse_time(text).map(|(micros, _)| Datum::Time(micros)),
        _ => None,
    }
}

/// Bytes of `X'…'`; an odd number of digits has a zero in front.
pub fn hex_bytes(hex: &str) -> Option<Bytes> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let mut out = Vec::with_capacity(digits.len() / 2 + 1);
    let (first, rest) = digits.split_at(digits.len() % 2);
    out.extend_from_slice(first);
    out.extend(rest.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]));
    Some(out.into())
}

/// Bytes of `b'…'`.
pub fn bit_bytes(bits: &str) -> Option<Bytes> {
    let mut out = vec![0_u8; bits.len().div_ceil(8)];
    for (i, bit) in bits.bytes().rev().enumerate() {
        match bit {
            b'0' => {}
            b'1' => {
                let last = out.len() - 1;
                out[last - i / 8] |= 1 << (i % 8);
            }
            _ => return None,
        }
    }
    Some(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_narrowest_exact_type() {
        assert_eq!(number("7"), Some(Datum::Int(7)));
        assert_eq!(number("18446744073709551615"), Some(Datum::UInt(u64::MAX)));
        assert_eq!(number("1.50"), Some(Datum::Decimal(Decimal::parse("1.50").unwrap())));
        assert_eq!(number("1e2"), Some(Datum::Float(100.0)));
        assert_eq!(negate(Datum::UInt(1 << 63)), Some(Datum::Int(i64::MIN)));
    }

    #[test]
    fn hex_and_bits_are_bytes() {
        assert_eq!(hex_bytes("4D7").unwrap().as_ref(), [0x04, 0xD7]);
        assert_eq!(bit_bytes("100000001").unwrap().as_ref(), [1, 1]);
        assert!(hex_bytes("4G").is_none());
        assert!(bit_bytes("12").is_none());
    }
}
