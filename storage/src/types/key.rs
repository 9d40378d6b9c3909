//! Row keys: one integer, or memcomparable bytes.

use std::cmp::Ordering;

use arrow::array::{Array, BinaryArray, Int64Array};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// What the keys of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyKind {
    /// One signed 64-bit integer: an integer primary key or a hidden row id. Unsigned keys arrive
    /// with their top bit flipped, so that the signed order is theirs.
    Int,
    /// Memcomparable bytes (see [`memcomparable`]): composite, string and every other primary key.
    Bytes,
}

/// An owned row key. All keys of a table are of one variant; between variants `Int` sorts first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RowKey {
    /// See [`KeyKind::Int`].
    Int(i64),
    /// See [`KeyKind::Bytes`].
    Bytes(Bytes),
}

impl RowKey {
    /// Which kind of key this is.
    pub(crate) fn kind(&self) -> KeyKind {
        match self {
            Self::Int(_) => KeyKind::Int,
            Self::Bytes(_) => KeyKind::Bytes,
        }
    }

    /// A borrowed view.
    pub fn as_ref(&self) -> KeyRef<'_> {
        match self {
            Self::Int(v) => KeyRef::Int(*v),
            Self::Bytes(b) => KeyRef::Bytes(b),
        }
    }
}

/// A borrowed row key, ordered like [`RowKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyRef<'a> {
    /// See [`KeyKind::Int`].
    Int(i64),
    /// See [`KeyKind::Bytes`].
    Bytes(&'a [u8]),
}

impl<'a> KeyRef<'a> {
    /// The integer; `None` if it is a key of bytes.
    pub fn int(self) -> Option<i64> {
        match self {
            Self::Int(v) => Some(v),
            Self::Bytes(_) => None,
        }
    }

    /// The bytes; `None` if it is an integer.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Int(_) => None,
            Self::Bytes(b) => Some(b),
        }
    }

    /// An owned copy.
    pub fn to_owned(&self) -> RowKey {
        match self {
            Self::Int(v) => RowKey::Int(*v),
            Self::Bytes(b) => RowKey::Bytes(Bytes::copy_from_slice(b)),
        }
    }
}

/// A column of row keys without nulls.
#[derive(Clone, Debug)]
pub enum KeyArray {
    /// See [`KeyKind::Int`].
    Int(Int64Array),
    /// See [`KeyKind::Bytes`].
    Bytes(BinaryArray),
}

impl KeyArray {
    /// Which kind of key this holds.
    pub fn kind(&self) -> KeyKind {
        match self {
            Self::Int(_) => KeyKind::Int,
            Self::Bytes(_) => KeyKind::Bytes,
        }
    }

    /// No keys.
    pub fn empty(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Int => Self::Int(Vec::<i64>::new().into()),
            KeyKind::Bytes => Self::Bytes(Vec::<&[u8]>::new().into()),
        }
    }

    /// The keys as an array.
    pub fn as_array(&self) -> &dyn Array {
        match self {
            Self::Int(a) => a,
            Self::Bytes(a) => a,
        }
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        match self {
            Self::Int(a) => a.len(),
            Self::Bytes(a) => a.len(),
        }
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key at `row`. Panics if `row` is out of bounds.
    pub fn get(&self, row: usize) -> KeyRef<'_> {
        match self {
            Self::Int(a) => KeyRef::Int(a.value(row)),
            Self::Bytes(a) => KeyRef::Bytes(a.value(row)),
        }
    }

    /// Compares the key at `row` with `key`.
    pub fn compare(&self, row: usize, key: KeyRef<'_>) -> Ordering {
        self.get(row).cmp(&key)
    }
}

/// An order-preserving byte encoding: comparing two encodings as unsigned bytes gives the order of
/// the values, column by column. The scheme is the one of TiDB and MyRocks.
///
/// Each value starts with a flag, so that NULL sorts first and values of one column keep one width
/// class: `00` NULL, `01` bytes, `03` signed, `04` unsigned, `05` float, `06` decimal.
pub mod memcomparable {
    use arrow::datatypes::i256;
    use bytes::Bytes;

    use super::super::Value;

    const NULL: u8 = 0x00;
    const BYTES: u8 = 0x01;
    const INT: u8 = 0x03;
    const UINT: u8 = 0x04;
    const FLOAT: u8 = 0x05;
    const DECIMAL: u8 = 0x06;
    const BIG_DECIMAL: u8 = 0x07;
    const GROUP: usize = 8;

    /// Appends the encoding of `value` to `out`.
    pub fn encode(out: &mut Vec<u8>, value: &Value) {
        match value {
            Value::Null => out.push(NULL),
            Value::Int(v) => {
                out.push(INT);
                out.extend_from_slice(&((*v as u64) ^ (1 << 63)).to_be_bytes());
            }
            Value::UInt(v) => {
                out.push(UINT);
                out.extend_from_slice(&v.to_be_bytes());
            }
            Value::Float(v) => {
                out.push(FLOAT);
                let bits = v.to_bits();
                let ordered = if bits >> 63 == 1 { !bits } else { bits ^ (1 << 63) };
                out.extend_from_slice(&ordered.to_be_bytes());
            }
            Value::Decimal(v) => {
                out.push(DECIMAL);
                out.extend_from_slice(&((*v as u128) ^ (1 << 127)).to_be_bytes());
            }
            Value::BigDecimal(v) => {
                out.push(BIG_DECIMAL);
                let mut be = v.to_be_bytes();
                be[0] ^= 0x80;
                out.extend_from_slice(&be);
            }
            Value::Bytes(b) => {
                out.push(BYTES);
                encode_bytes(out, b);
            }
        }
    }

    /// Groups of eight bytes, each followed by `ff` minus the number of padding bytes, so that a
    /// prefix sorts before its extensions and no terminator can be forged.
    fn encode_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
        let mut groups = bytes.chunks_exact(GROUP);
        for group in &mut groups {
            out.extend_from_slice(group);
            out.push(0xff);
        }
        let rest = groups.remainder();
        out.extend_from_slice(rest);
        out.extend(std::iter::repeat_n(0, GROUP - rest.len()));
        out.push(0xff - (GROUP - rest.len()) as u8);
    }

    /// Reads one value from the front of `input` and moves `input` past it. `None` if the bytes are
    /// not an encoding.
    pub fn decode(input: &mut &[u8]) -> Option<Value> {
        let (&flag, rest) = input.split_first()?;
        *input = rest;
        Some(match flag {
            NULL => Value::Null,
            INT => Value::Int((u64::from_be_bytes(take(input)?) ^ (1 << 63)) as i64),
            UINT => Value::UInt(u64::from_be_bytes(take(input)?)),
            FLOAT => {
                let ordered = u64::from_be_bytes(take(input)?);
                let bits = if ordered >> 63 == 1 { ordered ^ (1 << 63) } else { !ordered };
                Value::Float(f64::from_bits(bits))
            }
            DECIMAL => Value::Decimal((u128::from_be_bytes(take(input)?) ^ (1 << 127)) as i128),
            BIG_DECIMAL => {
                let mut be: [u8; 32] = take(input)?;
                be[0] ^= 0x80;
                Value::BigDecimal(i256::from_be_bytes(be))
            }
            BYTES => Value::Bytes(Bytes::from(decode_bytes(input)?)),
            _ => return None,
        })
    }

    fn decode_bytes(input: &mut &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        loop {
            let group: [u8; GROUP] = take(input)?;
            let [marker] = take(input)?;
            let padding = usize::from(0xff - marker);
            if padding == 0 {
                out.extend_from_slice(&group);
                continue;
            }
            let kept = GROUP.checked_sub(padding)?;
            out.extend_from_slice(&group[..kept]);
            return Some(out);
        }
    }

    fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
        let (head, rest) = input.split_first_chunk::<N>()?;
        *input = rest;
        Some(*head)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::memcomparable::{decode, encode};
    use crate::types::Value;

    fn encoded(values: &[Value]) -> Vec<u8> {
        let mut out = Vec::new();
        values.iter().for_each(|v| encode(&mut out, v));
        out
    }

    fn pair() -> impl Strategy<Value = (Value, Value)> {
        prop_oneof![
            any::<(i64, i64)>().prop_map(|(a, b)| (Value::Int(a), Value::Int(b))),
            any::<(u64, u64)>().prop_map(|(a, b)| (Value::UInt(a), Value::UInt(b))),
            any::<(f64, f64)>().prop_map(|(a, b)| (Value::Float(a), Value::Float(b))),
            any::<(i128, i128)>().prop_map(|(a, b)| (Value::Decimal(a), Value::Decimal(b))),
            (prop::collection::vec(0u8..3, 0..20), prop::collection::vec(0u8..3, 0..20))
                .prop_map(|(a, b)| (Value::Bytes(Bytes::from(a)), Value::Bytes(Bytes::from(b)))),
            any::<i64>().prop_map(|a| (Value::Null, Value::Int(a))),
        ]
    }

    proptest! {
        #[test]
        fn order_of_encodings_is_order_of_values((a, b) in pair(), (c, d) in pair()) {
            let order = a.compare(&b).unwrap().then(c.compare(&d).unwrap());
            prop_assert_eq!(encoded(&[a, c]).cmp(&encoded(&[b, d])), order);
        }

        #[test]
        fn decode_inverts_encode((a, b) in pair()) {
            let bytes = encoded(&[a.clone(), b.clone()]);
            let mut input = bytes.as_slice();
            prop_assert_eq!(decode(&mut input).unwrap(), a);
            prop_assert_eq!(decode(&mut input).unwrap(), b);
            prop_assert!(input.is_empty());
        }

        #[test]
        fn decode_of_noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..40)) {
            decode(&mut noise.as_slice());
        }
    }
}
