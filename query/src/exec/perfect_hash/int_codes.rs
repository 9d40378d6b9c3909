//! Numbers for integers, dates and times: the distance from a base.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{ArrowNativeType, DataType};

use super::column_codes::ColumnCodes;
use super::group_table::MAX_BITS;

/// The values `base ..` as the numbers `1 .. 2^bits`.
pub(super) struct IntCodes<T> {
    data_type: DataType,
    /// The value with number 1. Wider than a value, since slack may reach below the smallest.
    base: i128,
    bits: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> IntCodes<T> {
    pub(super) fn new(data_type: DataType) -> Self {
        Self { data_type, base: 0, bits: 0, of: PhantomData }
    }
}

impl<T: ArrowPrimitiveType> ColumnCodes for IntCodes<T> {
    fn bits(&self) -> u32 {
        self.bits
    }

    fn cover(&mut self, array: &dyn Array) -> Option<u16> {
        let Some((low, high)) = bounds(array.as_primitive_opt::<T>()?) else { return Some(0) };
        let (low, high) = (i128::from(low), i128::from(high));
        if self.bits == 0 {
            (self.base, self.bits) = (low, bits_for(high - low + 2)?);
            return Some(0);
        }
        // The room that a power of two leaves is on the side on which the new values came.
        let top = high.max(self.base + (1 << self.bits) - 2);
        if low >= self.base {
            self.bits = bits_for(top - self.base + 2)?;
            return Some(0);
        }
        let bits = bits_for(top - low + 2)?;
        let base = top + 2 - (1 << bits);
        let grown = u16::try_from(self.base - base).ok()?;
        (self.base, self.bits) = (base, bits);
        Some(grown)
    }

    fn write(&self, array: &dyn Array, shift: u32, cells: &mut [u16]) {
        let array = array.as_primitive::<T>();
        // Distances are small, so wrapping arithmetic gives them even where the base does not fit.
        let below = (self.base - 1) as i64;
        let number = |value: T::Native| (integer(value).wrapping_sub(below) as u16).wrapping_shl(shift);
        match array.nulls() {
            None => cells.iter_mut().zip(array.values()).for_each(|(cell, &value)| *cell |= number(value)),
            Some(valid) => {
                for ((cell, &value), valid) in cells.iter_mut().zip(array.values()).zip(valid) {
                    *cell |= if valid { number(value) } else { 0 };
                }
            }
        }
    }

    fn values(&self, codes: &[u16]) -> ArrayRef {
        let value = |&code: &u16| {
            let value = self.base + i128::from(code) - 1;
            (code != 0).then(|| T::Native::usize_as(value as i64 as usize))
        };
        let values: PrimitiveArray<T> = codes.iter().map(value).collect();
        Arc::new(values.with_data_type(self.data_type.clone()))
    }
}

/// A value as 64 bits with a sign. Large unsigned values wrap, there and back.
fn integer<N: ArrowNativeType>(value: N) -> i64 {
    value.as_usize() as i64
}

/// Smallest and largest value that is not NULL.
fn bounds<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>) -> Option<(i64, i64)> {
    let widen = |(low, high): (i64, i64), value: i64| (low.min(value), high.max(value));
    let none = (i64::MAX, i64::MIN);
    let (low, high) = match array.nulls() {
        None => array.values().iter().map(|&value| integer(value)).fold(none, widen),
        Some(_) => array.iter().flatten().map(integer).fold(none, widen),
    };
    (low <= high).then_some((low, high))
}

/// Bits for so many numbers; `None` if they are more than a table has.
fn bits_for(numbers: i128) -> Option<u32> {
    let bits = i128::BITS - (numbers - 1).leading_zeros();
    (bits <= MAX_BITS).then_some(bits)
}
