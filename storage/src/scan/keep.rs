//! Keeping some of a column's rows.
//!
//! Arrow's `filter` finds the runs of kept rows one by one and copies each. Deletions leave runs of some
//! tens of rows, predicates shorter ones, and then [compressing](super::compress) is faster: it looks at
//! 64 rows at a time and has no branch on a single one. If order is of no matter and few rows go, it is
//! faster still to [fill](super::fill) their places.

use arrow::array::{Array, ArrayData, ArrayRef, AsArray, BooleanArray, UInt32Array, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::compute::{filter, take};
use arrow::datatypes::{ArrowNativeType, DataType, i256};

use super::compress::compress;
use super::fill::Moves;
use crate::error::{Error, Result};

/// Rows are taken one by one where fewer than one in this many is kept.
const SPARSE: usize = 8;

/// Which rows of an array are kept.
pub(super) struct Keep {
    mask: BooleanArray,
    count: usize,
    /// Set if they need not stay in order, and few go.
    moves: Option<Moves>,
}

impl Keep {
    pub(super) fn in_order(mask: BooleanBuffer) -> Self {
        Self { count: mask.count_set_bits(), mask: BooleanArray::new(mask, None), moves: None }
    }

    pub(super) fn in_any_order(mask: BooleanBuffer) -> Self {
        let keep = Self::in_order(mask);
        Self { moves: Moves::if_few(keep.mask.values(), keep.count), ..keep }
    }

    /// How many are kept.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn mask(&self) -> &BooleanBuffer {
        self.mask.values()
    }

    /// The kept rows of `array`. If nobody else has its values, they are moved within their memory.
    pub(super) fn of(&self, array: ArrayRef) -> Result<ArrayRef> {
        let width = match array.data_type() {
            DataType::Utf8View | DataType::BinaryView => Some(size_of::<u128>()),
            other => other.primitive_width(),
        };
        let Some(width) = width.filter(|_| self.count * SPARSE >= array.len()) else {
            return Ok(match &self.moves {
                None => filter(&array, &self.mask)?,
                Some(moves) => take(&array, &UInt32Array::from(moves.rows()), None)?,
            });
        };
        let nulls = array.nulls().map(|nulls| self.bits(nulls.inner())).transpose()?;
        let data = array.to_data();
        let (offset, len, data_type) = (data.offset() * width, data.len() * width, data.data_type().clone());
        let mut buffers = data.buffers().to_vec();
        // Both held the values too.
        drop((array, data));
        let values = buffers.remove(0).slice_with_length(offset, len);
        let values = match width {
            1 => self.values::<u8>(values),
            2 => self.values::<u16>(values),
            4 => self.values::<u32>(values),
            8 => self.values::<u64>(values),
            16 => self.values::<u128>(values),
            32 => self.values::<i256>(values),
            _ => return Err(Error::Internal(format!("values of {width} bytes"))),
        };
        let texts = buffers;
        let kept = ArrayData::builder(data_type).len(self.count).add_buffer(values).add_buffers(texts).nulls(nulls);
        // SAFETY: as many values as rows, each of them one of a valid array with the same texts.
        Ok(make_array(unsafe { kept.build_unchecked() }))
    }

    fn values<T: ArrowNativeType>(&self, values: Buffer) -> Buffer {
        let mut values = values.into_vec::<T>().unwrap_or_else(|shared| shared.typed_data::<T>().to_vec());
        match &self.moves {
            None => compress(&mut values, self.mask().bit_chunks().iter_padded()),
            Some(moves) => moves.values(&mut values),
        }
        Buffer::from_vec(values)
    }

    fn bits(&self, bits: &BooleanBuffer) -> Result<NullBuffer> {
        if let Some(moves) = &self.moves {
            return Ok(moves.bits(bits));
        }
        let kept = filter(&BooleanArray::new(bits.clone(), None), &self.mask)?;
        Ok(NullBuffer::new(kept.as_boolean().values().clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BinaryViewArray, Decimal128Array, Int32Array, Int64Array, StringViewArray, UInt8Array};
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
            let in_order = Keep::in_order(mask.values().clone());
            let moves = Moves::new(mask.values(), in_order.count);
            let order = moves.rows();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, mask.values().set_indices_u32().collect::<Vec<_>>());
            let any_order = Keep { moves: Some(moves), ..Keep::in_order(mask.values().clone()) };
            for (keep, order) in [(&in_order, None), (&any_order, Some(UInt32Array::from(order)))] {
                for array in &arrays {
                    let array = array.slice(start, rows.len() - start);
                    let expected = match &order {
                        None => filter(&array, &mask).unwrap(),
                        Some(order) => take(&array, order, None).unwrap(),
                    };
                    prop_assert_eq!(&keep.of(array.clone()).unwrap(), &expected);
                    let own = take(&array, &UInt32Array::from_iter_values(0..array.len() as u32), None).unwrap();
                    prop_assert_eq!(&keep.of(own).unwrap(), &expected);
                }
            }
        }
    }
}
