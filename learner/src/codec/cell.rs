//! Bytes of one cell.
//!
//! Little-endian, in the smallest of a few widths, so that zero takes no byte and small numbers take
//! one. The width is the cell's length, so a column may be widened (`INT` to `BIGINT`) without
//! rewriting its rows.
//!
//! | stored type | bytes |
//! |---|---|
//! | signed integers, dates, times | two's complement in 0, 1, 2, 4 or 8 |
//! | unsigned integers | 0, 1, 2, 4 or 8 |
//! | floats | IEEE, 4 or 8 |
//! | `Decimal128` | unscaled, two's complement in 0, 1, 2, 4, 8 or 16 |
//! | `Decimal256` | the same, or 32 |
//! | text, binary | as they are |

use arrow::array::types::{Decimal128Type, Decimal256Type, DecimalType};
use arrow::datatypes::i256;
use bytes::Bytes;
use deltatree_storage::types::{StoredType, Value};

use super::error::{CodecError, Result};

#[inline]
pub(super) fn put_int(out: &mut Vec<u8>, v: i64) {
    if v == 0 {
    } else if v == i64::from(v as i8) {
        out.push(v as u8);
    } else if v == i64::from(v as i16) {
        out.extend_from_slice(&(v as i16).to_le_bytes());
    } else if v == i64::from(v as i32) {
        out.extend_from_slice(&(v as i32).to_le_bytes());
    } else {
        out.extend_from_slice(&v.to_le_bytes());
    }
}

#[inline]
pub(super) fn put_uint(out: &mut Vec<u8>, v: u64) {
    if v == 0 {
    } else if v <= u64::from(u8::MAX) {
        out.push(v as u8);
    } else if v <= u64::from(u16::MAX) {
        out.extend_from_slice(&(v as u16).to_le_bytes());
    } else if v <= u64::from(u32::MAX) {
        out.extend_from_slice(&(v as u32).to_le_bytes());
    } else {
        out.extend_from_slice(&v.to_le_bytes());
    }
}

#[inline]
pub(super) fn put_decimal(out: &mut Vec<u8>, v: i128) {
    match i64::try_from(v) {
        Ok(small) => put_int(out, small),
        Err(_) => out.extend_from_slice(&v.to_le_bytes()),
    }
}

#[inline]
pub(super) fn put_big_decimal(out: &mut Vec<u8>, v: i256) {
    match v.to_i128() {
        Some(small) => put_decimal(out, small),
        None => out.extend_from_slice(&v.to_le_bytes()),
    }
}

/// Appends a cell. NULL is not a cell: the row's header names the NULL columns.
///
/// # Errors
/// If the value is not in the physical form of `stored`, or out of its range.
pub(super) fn put_value(out: &mut Vec<u8>, stored: StoredType, value: &Value) -> Result<()> {
    let wrong = || Err(CodecError::new(format!("{value:?} does not fit a column stored as {stored:?}")));
    match (stored, value) {
        (StoredType::Utf8, Value::Bytes(b)) if std::str::from_utf8(b).is_err() => return wrong(),
        (StoredType::Utf8 | StoredType::Binary, Value::Bytes(b)) => out.extend_from_slice(b),
        (StoredType::Float32, Value::Float(v)) => out.extend_from_slice(&(*v as f32).to_le_bytes()),
        (StoredType::Float64, Value::Float(v)) => out.extend_from_slice(&v.to_le_bytes()),
        (StoredType::Decimal128(p, s), Value::Decimal(v)) => {
            if Decimal128Type::validate_decimal_precision(*v, p, s).is_err() {
                return wrong();
            }
            put_decimal(out, *v);
        }
        (StoredType::Decimal256(p, s), Value::BigDecimal(v)) => {
            if Decimal256Type::validate_decimal_precision(*v, p, s).is_err() {
                return wrong();
            }
            put_big_decimal(out, *v);
        }
        (stored, Value::Int(v)) if int_range(stored).is_some_and(|(min, max)| (min..=max).contains(v)) => {
            put_int(out, *v)
        }
        (stored, Value::UInt(v)) if uint_max(stored).is_some_and(|max| *v <= max) => put_uint(out, *v),
        _ => return wrong(),
    }
    Ok(())
}

/// Whether a value is in the physical form of `stored` and in its range. NULL is not.
pub fn fits(stored: StoredType, value: &Value) -> bool {
    put_value(&mut Vec::new(), stored, value).is_ok()
}

/// Reads a cell. `None` if the bytes are not one of that type.
pub(super) fn value(stored: StoredType, bytes: &[u8]) -> Option<Value> {
    Some(match stored {
        StoredType::Utf8 => {
            std::str::from_utf8(bytes).ok()?;
            Value::Bytes(Bytes::copy_from_slice(bytes))
        }
        StoredType::Binary => Value::Bytes(Bytes::copy_from_slice(bytes)),
        StoredType::Float32 => Value::Float(f64::from(float32(bytes)?)),
        StoredType::Float64 => Value::Float(float64(bytes)?),
        StoredType::Decimal128(..) => Value::Decimal(decimal(bytes)?),
        StoredType::Decimal256(..) => Value::BigDecimal(big_decimal(bytes)?),
        StoredType::UInt8 | StoredType::UInt16 | StoredType::UInt32 | StoredType::UInt64 => {
            let v = uint(bytes)?;
            uint_max(stored).filter(|max| v <= *max)?;
            Value::UInt(v)
        }
        StoredType::Int8
        | StoredType::Int16
        | StoredType::Int32
        | StoredType::Int64
        | StoredType::Date32
        | StoredType::TimestampMicros
        | StoredType::TimestampMicrosUtc
        | StoredType::DurationMicros => {
            let v = int(bytes)?;
            int_range(stored).filter(|(min, max)| (*min..=*max).contains(&v))?;
            Value::Int(v)
        }
    })
}

#[inline]
pub(super) fn int(bytes: &[u8]) -> Option<i64> {
    Some(match *bytes {
        [] => 0,
        [a] => i64::from(a as i8),
        [a, b] => i64::from(i16::from_le_bytes([a, b])),
        [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
        _ => i64::from_le_bytes(bytes.try_into().ok()?),
    })
}

#[inline]
pub(super) fn uint(bytes: &[u8]) -> Option<u64> {
    Some(match *bytes {
        [] => 0,
        [a] => u64::from(a),
        [a, b] => u64::from(u16::from_le_bytes([a, b])),
        [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
        _ => u64::from_le_bytes(bytes.try_into().ok()?),
    })
}

#[inline]
pub(super) fn float32(bytes: &[u8]) -> Option<f32> {
    Some(f32::from_le_bytes(bytes.try_into().ok()?))
}

/// A `FLOAT` column widened to `DOUBLE` still has cells of four bytes.
#[inline]
pub(super) fn float64(bytes: &[u8]) -> Option<f64> {
    match bytes.len() {
        4 => float32(bytes).map(f64::from),
        _ => Some(f64::from_le_bytes(bytes.try_into().ok()?)),
    }
}

#[inline]
pub(super) fn decimal(bytes: &[u8]) -> Option<i128> {
    match bytes.len() {
        16 => Some(i128::from_le_bytes(bytes.try_into().ok()?)),
        _ => int(bytes).map(i128::from),
    }
}

#[inline]
pub(super) fn big_decimal(bytes: &[u8]) -> Option<i256> {
    match bytes.len() {
        32 => Some(i256::from_le_bytes(bytes.try_into().ok()?)),
        _ => decimal(bytes).map(i256::from_i128),
    }
}

/// Smallest and largest value of a type held as [`Value::Int`].
fn int_range(stored: StoredType) -> Option<(i64, i64)> {
    match stored {
        StoredType::Int8 => Some((i8::MIN.into(), i8::MAX.into())),
        StoredType::Int16 => Some((i16::MIN.into(), i16::MAX.into())),
        StoredType::Int32 | StoredType::Date32 => Some((i32::MIN.into(), i32::MAX.into())),
        StoredType::Int64
        | StoredType::TimestampMicros
        | StoredType::TimestampMicrosUtc
        | StoredType::DurationMicros => Some((i64::MIN, i64::MAX)),
        StoredType::UInt8
        | StoredType::UInt16
        | StoredType::UInt32
        | StoredType::UInt64
        | StoredType::Float32
        | StoredType::Float64
        | StoredType::Decimal128(..)
        | StoredType::Decimal256(..)
        | StoredType::Utf8
        | StoredType::Binary => None,
    }
}

/// Largest value of a type held as [`Value::UInt`].
fn uint_max(stored: StoredType) -> Option<u64> {
    match stored {
        StoredType::UInt8 => Some(u8::MAX.into()),
        StoredType::UInt16 => Some(u16::MAX.into()),
        StoredType::UInt32 => Some(u32::MAX.into()),
        StoredType::UInt64 => Some(u64::MAX),
        StoredType::Int8
        | StoredType::Int16
        | StoredType::Int32
        | StoredType::Int64
        | StoredType::Float32
        | StoredType::Float64
        | StoredType::Decimal128(..)
        | StoredType::Decimal256(..)
        | StoredType::Date32
        | StoredType::TimestampMicros
        | StoredType::TimestampMicrosUtc
        | StoredType::DurationMicros
        | StoredType::Utf8
        | StoredType::Binary => None,
    }
}
