//! Keeping most of a column's rows.
//!
//! Arrow's `filter` copies runs of kept rows, which is best where runs are long. Deletions and
//! predicates leave short ones. Here every value is written and the place for the next one moves on
//! only if it is kept: no branch, whatever the mask.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, PrimitiveArray, StringViewArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::filter;
use arrow::datatypes::{ArrowPrimitiveType, DataType};
use arrow::downcast_primitive_array;

use crate::error::Result;

/// Rows are taken one by one where fewer than one in this many is kept.
const SPARSE: usize = 8;
/// Bits of a mask looked at together.
const WORD: usize = 64;

/// The rows of `array` that `mask` keeps, `count` in number.
pub(super) fn keep(array: &ArrayRef, mask: &BooleanArray, count: usize) -> Result<ArrayRef> {
    if count * SPARSE < array.len() {
        return Ok(filter(array, mask)?);
    }
    let nulls = || array.nulls().map(|nulls| keep_bits(nulls.inner(), mask)).transpose();
    Ok(downcast_primitive_array!(
        array => Arc::new(keep_primitive(array, mask.values(), count, nulls()?)),
        DataType::Utf8View => {
            let text = array.as_string_view();
            let views = keep_values(text.views(), mask.values(), count);
            // SAFETY: each view is one of a valid array with the same buffers.
            Arc::new(unsafe { StringViewArray::new_unchecked(views.into(), text.data_buffers().to_vec(), nulls()?) })
        }
        DataType::BinaryView => {
            let binary = array.as_binary_view();
            let views = keep_values(binary.views(), mask.values(), count);
            // SAFETY: each view is one of a valid array with the same buffers.
            Arc::new(unsafe { BinaryViewArray::new_unchecked(views.into(), binary.data_buffers().to_vec(), nulls()?) })
        }
        _ => filter(array, mask)?
    ))
}

fn keep_bits(bits: &BooleanBuffer, mask: &BooleanArray) -> Result<NullBuffer> {
    let kept = filter(&BooleanArray::new(bits.clone(), None), mask)?;
    Ok(NullBuffer::new(kept.as_boolean().values().clone()))
}

fn keep_primitive<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    mask: &BooleanBuffer,
    count: usize,
    nulls: Option<NullBuffer>,
) -> PrimitiveArray<T> {
    let values = keep_values(array.values(), mask, count);
    PrimitiveArray::new(values.into(), nulls).with_data_type(array.data_type().clone())
}

fn keep_values<T: Copy + Default>(values: &[T], mask: &BooleanBuffer, count: usize) -> Vec<T> {
    // One place more than needed: what is not kept after the last kept value is written there.
    let mut out = vec![T::default(); count + 1];
    let mut at = 0;
    for (word, values) in mask.bit_chunks().iter_padded().zip(values.chunks(WORD)) {
        if word.count_ones() as usize == values.len() {
            out[at..at + values.len()].copy_from_slice(values);
            at += values.len();
            continue;
        }
        for (i, value) in values.iter().enumerate() {
            out[at] = *value;
            at += (word >> i & 1) as usize;
        }
    }
    out.truncate(count);
    out
}

#[cfg(test)]
mod tests {
    use arrow::array::{Decimal128Array, Int32Array, UInt8Array};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keeps_what_arrow_keeps(
            rows in prop::collection::vec((any::<bool>(), any::<i32>(), 0..9_u8), 1..400),
            start in 0..70_usize,
        ) {
            let start = start.min(rows.len() - 1);
            let valid = |n: &u8| *n > 0;
            let arrays: [ArrayRef; 5] = [
                Arc::new(rows.iter().map(|(_, v, _)| *v).collect::<Int32Array>()),
                Arc::new(rows.iter().map(|(_, v, n)| valid(n).then_some(*v as u8)).collect::<UInt8Array>()),
                Arc::new(rows.iter().map(|(_, v, _)| i128::from(*v) << 70).collect::<Decimal128Array>()),
                Arc::new(
                    rows.iter().map(|(_, v, n)| valid(n).then(|| v.to_string().repeat(*n as usize)))
                        .collect::<StringViewArray>(),
                ),
                Arc::new(rows.iter().map(|(_, v, _)| Some(v.to_le_bytes())).collect::<BinaryViewArray>()),
            ];
            let mask = BooleanArray::from(rows.iter().map(|(kept, ..)| *kept).collect::<Vec<_>>());
            let mask = mask.slice(start, rows.len() - start);
            for array in &arrays {
                let array = array.slice(start, rows.len() - start);
                prop_assert_eq!(&keep(&array, &mask, mask.true_count()).unwrap(), &filter(&array, &mask).unwrap());
            }
        }
    }
}
