//! One cell, in its physical form.

use std::cmp::Ordering;

use arrow::datatypes::i256;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A cell as it is stored, to be read together with its column's Arrow type:
///
/// | Arrow type | variant |
/// |---|---|
/// | `Int8..Int64`, `Date32` (days), `Timestamp(µs)`, `Duration(µs)` | `Int` |
/// | `UInt8..UInt64` | `UInt` |
/// | `Float32`, `Float64` | `Float` |
/// | `Decimal128(p, s)` | `Decimal`, unscaled |
/// | `Decimal256(p, s)` | `BigDecimal`, unscaled |
/// | `Utf8View`, `BinaryView` | `Bytes` |
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// Signed integers, dates and times.
    Int(i64),
    /// Unsigned integers.
    UInt(u64),
    /// Both float widths. Ordered by IEEE total order.
    Float(f64),
    /// Unscaled decimal of at most 38 digits.
    Decimal(i128),
    /// Unscaled decimal of at most 76 digits.
    #[serde(with = "i256_bytes")]
    BigDecimal(i256),
    /// Text (UTF-8) and binary.
    Bytes(Bytes),
}

impl Value {
    /// Whether this is SQL NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Order of two cells of one column: NULL first, floats by total order, bytes as unsigned.
    /// Values of different variants have no meaningful order and give `None`.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::UInt(a), Self::UInt(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Decimal(a), Self::Decimal(b)) => a.cmp(b),
            (Self::BigDecimal(a), Self::BigDecimal(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            _ => return None,
        })
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Some(Ordering::Equal)
    }
}

mod i256_bytes {
    use arrow::datatypes::i256;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(v: &i256, s: S) -> Result<S::Ok, S::Error> {
        v.to_le_bytes().serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<i256, D::Error> {
        <[u8; 32]>::deserialize(d).map(i256::from_le_bytes)
    }
}
