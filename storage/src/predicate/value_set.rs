//! The values of an `IN` list, for fast look-up.
//!
//! Integers that lie close to each other become a bitmap, as the keys of a join's build side often
//! do; other values are hashed.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Decimal256Type, DurationMicrosecondType, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type, i256,
};
use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use crate::error::{Error, Result};
use crate::types::{StoredType, Value};

/// A bitmap may have this many bits a value (a hash table takes about as much memory).
const BITS_PER_VALUE: u64 = 128;
/// And this many without asking, about a core's first-level cache.
const SMALL_BITS: u64 = 1 << 18;

/// A set of values of one column's type.
#[derive(Debug)]
pub(super) enum ValueSet {
    /// Integers, dates and times; unsigned ones by their bits.
    Bits {
        base: i64,
        words: Vec<u64>,
    },
    Integers(HashSet<i64, Xxh3DefaultBuilder>),
    /// By their bits, which differ where the total order tells floats apart. Single floats widened.
    Floats(HashSet<u64, Xxh3DefaultBuilder>),
    Decimals(HashSet<i128, Xxh3DefaultBuilder>),
    BigDecimals(HashSet<i256, Xxh3DefaultBuilder>),
    Bytes(HashSet<Bytes, Xxh3DefaultBuilder>),
}

impl ValueSet {
    /// The set of `values` of a column of `data_type`. Fails with [`Error::Invalid`] if one is of
    /// another type.
    pub(super) fn new(values: &[Value], data_type: StoredType) -> Result<Self> {
        let mut integers = Vec::new();
        let mut floats = HashSet::default();
        let mut decimals = HashSet::default();
        let mut big_decimals = HashSet::default();
        let mut bytes = HashSet::default();
        for value in values {
            match value {
                Value::Int(v) => integers.push(*v),
                Value::UInt(v) => integers.push(*v as i64),
                Value::Float(v) => drop(floats.insert(v.to_bits())),
                Value::Decimal(v) => drop(decimals.insert(*v)),
                Value::BigDecimal(v) => drop(big_decimals.insert(*v)),
                Value::Bytes(v) => drop(bytes.insert(v.clone())),
                Value::Null => return Err(Error::Invalid("an IN list of a predicate holds NULL".into())),
            }
            super::matcher::check_type(value, data_type)?;
        }
        Ok(match data_type {
            StoredType::Float32 | StoredType::Float64 => Self::Floats(floats),
            StoredType::Decimal128(..) => Self::Decimals(decimals),
            StoredType::Decimal256(..) => Self::BigDecimals(big_decimals),
            StoredType::Utf8 | StoredType::Binary => Self::Bytes(bytes),
            _ => Self::of_integers(integers),
        })
    }

    fn of_integers(values: Vec<i64>) -> Self {
        let (min, max) = (values.iter().min().copied().unwrap_or(0), values.iter().max().copied().unwrap_or(0));
        let span = max.wrapping_sub(min) as u64;
        if span >= SMALL_BITS.max(values.len() as u64 * BITS_PER_VALUE) {
            return Self::Integers(values.into_iter().collect());
        }
        let mut words = vec![0; span as usize / 64 + 1];
        for value in &values {
            let bit = value.wrapping_sub(min) as u64;
            words[bit as usize / 64] |= 1 << (bit % 64);
        }
        Self::Bits { base: min, words }
    }

    /// For each row whether its value is in the set; NULL where it is NULL.
    pub(super) fn contains(&self, array: &ArrayRef) -> Result<BooleanArray> {
        let bits = match self {
            Self::Bits { base, words } => integers(array, |v| {
                let bit = v.wrapping_sub(*base) as u64;
                words.get((bit / 64) as usize).is_some_and(|word| word >> (bit % 64) & 1 == 1)
            })?,
            Self::Integers(set) => integers(array, |v| set.contains(&v))?,
            Self::Floats(set) => match array.as_primitive_opt::<Float32Type>() {
                Some(_) => values::<Float32Type>(array, |v| set.contains(&f64::from(v).to_bits())),
                None => values::<Float64Type>(array, |v| set.contains(&v.to_bits())),
            },
            Self::Decimals(set) => values::<Decimal128Type>(array, |v| set.contains(&v)),
            Self::BigDecimals(set) => values::<Decimal256Type>(array, |v| set.contains(&v)),
            Self::Bytes(set) => match array.as_string_view_opt() {
                Some(text) => BooleanBuffer::collect_bool(text.len(), |i| set.contains(text.value(i).as_bytes())),
                None => {
                    let binary = array.as_binary_view();
                    BooleanBuffer::collect_bool(binary.len(), |i| set.contains(binary.value(i)))
                }
            },
        };
        Ok(BooleanArray::new(bits, array.nulls().cloned()))
    }
}

fn values<T: ArrowPrimitiveType>(array: &ArrayRef, contains: impl Fn(T::Native) -> bool) -> BooleanBuffer {
    let values = array.as_primitive::<T>().values();
    BooleanBuffer::collect_bool(values.len(), |i| contains(values[i]))
}

/// As [`values`], of integers, dates and times, widened to 64 bits.
fn integers(array: &ArrayRef, contains: impl Fn(i64) -> bool) -> Result<BooleanBuffer> {
    Ok(match array.data_type() {
        DataType::Int8 => values::<Int8Type>(array, |v| contains(v.into())),
        DataType::Int16 => values::<Int16Type>(array, |v| contains(v.into())),
        DataType::Int32 => values::<Int32Type>(array, |v| contains(v.into())),
        DataType::Int64 => values::<Int64Type>(array, contains),
        DataType::UInt8 => values::<UInt8Type>(array, |v| contains(v.into())),
        DataType::UInt16 => values::<UInt16Type>(array, |v| contains(v.into())),
        DataType::UInt32 => values::<UInt32Type>(array, |v| contains(v.into())),
        DataType::UInt64 => values::<UInt64Type>(array, |v| contains(v as i64)),
        DataType::Date32 => values::<Date32Type>(array, |v| contains(v.into())),
        DataType::Timestamp(TimeUnit::Microsecond, _) => values::<TimestampMicrosecondType>(array, contains),
        DataType::Duration(TimeUnit::Microsecond) => values::<DurationMicrosecondType>(array, contains),
        other => return Err(Error::Internal(format!("an array of {other} where integers were expected"))),
    })
}
