//! Keeping most of a column's rows.
//!
//! Arrow's `filter` finds the runs of kept rows one by one and copies each. Deletions leave runs of some
//! tens of rows, predicates shorter ones, and then [compressing](super::compress) is faster: it looks at 64 rows at a time
//! and has no branch on a single one.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, PrimitiveArray, StringViewArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::filter;
use arrow::datatypes::{ArrowPrimitiveType, DataType};
use arrow::downcast_primitive_array;

use super::compress::{self, WORD};
use crate::error::Result;

/// Rows are taken one by one where fewer than one in this many is kept.
const SPARSE: usize = 8;
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

fn keep_values<T: Copy>(values: &[T], mask: &BooleanBuffer, count: usize) -> Vec<T> {
    // Values are written by the word, so beyond the last one kept.
    let mut kept = Vec::with_capacity(count + WORD);
    let written = compress::compress(values, mask.bit_chunks().iter_padded(), kept.spare_capacity_mut());
    // SAFETY: so many values have been written.
    unsafe { kept.set_len(written) };
    kept
}

#[cfg(test)]
mod tests {
    use arrow::array::{Decimal128Array, Int32Array, Int64Array, UInt8Array};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keeps_what_arrow_keeps(
            (ruled_out, rows) in (0..101_u8, prop::collection::vec((0..100_u8, any::<i32>(), 0..9_u8), 1..700)),
            start in 0..70_usize,
        ) {
            let start = start.min(rows.len() - 1);
            let valid = |n: &u8| *n > 0;
            let arrays: [ArrayRef; 6] = [
                Arc::new(rows.iter().map(|(_, v, _)| i64::from(*v) << 20).collect::<Int64Array>()),
                Arc::new(rows.iter().map(|(_, v, _)| *v).collect::<Int32Array>()),
                Arc::new(rows.iter().map(|(_, v, n)| valid(n).then_some(*v as u8)).collect::<UInt8Array>()),
                Arc::new(rows.iter().map(|(_, v, _)| i128::from(*v) << 70).collect::<Decimal128Array>()),
                Arc::new(
                    rows.iter().map(|(_, v, n)| valid(n).then(|| v.to_string().repeat(*n as usize)))
                        .collect::<StringViewArray>(),
                ),
                Arc::new(rows.iter().map(|(_, v, _)| Some(v.to_le_bytes())).collect::<BinaryViewArray>()),
            ];
            let mask = BooleanArray::from(rows.iter().map(|(percent, ..)| *percent >= ruled_out).collect::<Vec<_>>());
            let mask = mask.slice(start, rows.len() - start);
            for array in &arrays {
                let array = array.slice(start, rows.len() - start);
                prop_assert_eq!(&keep(&array, &mask, mask.true_count()).unwrap(), &filter(&array, &mask).unwrap());
            }
        }
    }
}
