//! Keeping most of a column's rows.
//!
//! Arrow's `filter` finds the runs of kept rows one by one and copies each. Deletions leave runs of some
//! tens of rows, predicates shorter ones, and then [compressing](super::compress) is faster: it looks at 64 rows at a time
//! and has no branch on a single one.

use arrow::array::{Array, ArrayData, ArrayRef, AsArray, BooleanArray, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::compute::filter;
use arrow::datatypes::{ArrowNativeType, DataType, i256};

use super::compress::compress;
use crate::error::{Error, Result};

/// Rows are taken one by one where fewer than one in this many is kept.
const SPARSE: usize = 8;
/// The rows of `array` that `mask` keeps, `count` in number. If nobody else has its values, they are
/// moved within their memory.
pub(super) fn keep(array: ArrayRef, mask: &BooleanArray, count: usize) -> Result<ArrayRef> {
    let width = match array.data_type() {
        DataType::Utf8View | DataType::BinaryView => Some(size_of::<u128>()),
        other => other.primitive_width(),
    };
    let Some(width) = width.filter(|_| count * SPARSE >= array.len()) else {
        return Ok(filter(&array, mask)?);
    };
    let nulls = array.nulls().map(|nulls| keep_bits(nulls.inner(), mask)).transpose()?;
    let data = array.to_data();
    let (offset, len, data_type) = (data.offset() * width, data.len() * width, data.data_type().clone());
    let mut buffers = data.buffers().to_vec();
    // Both held the values too.
    drop((array, data));
    let values = buffers.remove(0).slice_with_length(offset, len);
    let mask = mask.values();
    let values = match width {
        1 => keep_values::<u8>(values, mask),
        2 => keep_values::<u16>(values, mask),
        4 => keep_values::<u32>(values, mask),
        8 => keep_values::<u64>(values, mask),
        16 => keep_values::<u128>(values, mask),
        32 => keep_values::<i256>(values, mask),
        _ => return Err(Error::Internal(format!("values of {width} bytes"))),
    };
    let texts = buffers;
    let kept = ArrayData::builder(data_type).len(count).add_buffer(values).add_buffers(texts).nulls(nulls);
    // SAFETY: as many values as rows, each of them one of a valid array with the same texts.
    Ok(make_array(unsafe { kept.build_unchecked() }))
}

fn keep_bits(bits: &BooleanBuffer, mask: &BooleanArray) -> Result<NullBuffer> {
    let kept = filter(&BooleanArray::new(bits.clone(), None), mask)?;
    Ok(NullBuffer::new(kept.as_boolean().values().clone()))
}

fn keep_values<T: ArrowNativeType>(values: Buffer, mask: &BooleanBuffer) -> Buffer {
    let mut values = values.into_vec::<T>().unwrap_or_else(|shared| shared.typed_data::<T>().to_vec());
    compress(&mut values, mask.bit_chunks().iter_padded());
    Buffer::from_vec(values)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryViewArray, Decimal128Array, Int32Array, Int64Array, StringViewArray, UInt8Array, UInt32Array,
    };
    use arrow::compute::take;
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
                let expected = filter(&array, &mask).unwrap();
                let shared = keep(array.clone(), &mask, mask.true_count()).unwrap();
                prop_assert_eq!(&shared, &expected);
                let own = take(&array, &UInt32Array::from_iter_values(0..array.len() as u32), None).unwrap();
                prop_assert_eq!(&keep(own, &mask, mask.true_count()).unwrap(), &expected);
            }
        }
    }
}
