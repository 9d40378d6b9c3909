//! Values as Arrow lays them out.
//!
//! Payload of fixed-width types: the values, little-endian, NULL rows included. Of text: `rows + 1`
//! offsets u32, then the bytes. Reading copies neither: fixed-width arrays and the bytes of text lie
//! in the mapped file.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, StringViewArray, make_view};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use bytes::Bytes;

use super::block::Block;
use super::{Damage, Trust, fixed};
use crate::types::StoredType;

/// Appends the payload of `array`.
pub(super) fn encode(out: &mut Vec<u8>, array: &ArrayRef, data_type: StoredType) {
    match data_type {
        StoredType::Utf8 => {
            encode_bytes(out, array.len(), array.as_string_view().iter().map(|v| v.unwrap_or_default().as_bytes()));
        }
        StoredType::Binary => {
            encode_bytes(out, array.len(), array.as_binary_view().iter().map(|v| v.unwrap_or_default()))
        }
        _ => {
            let data = array.to_data();
            if let (Some(width), Some(buffer)) = (fixed::width(data_type), data.buffers().first()) {
                out.extend_from_slice(&buffer[data.offset() * width..(data.offset() + data.len()) * width]);
            }
        }
    }
}

/// Appends the payload of byte strings.
pub(super) fn encode_bytes<'a>(out: &mut Vec<u8>, rows: usize, values: impl Iterator<Item = &'a [u8]> + Clone) {
    out.reserve(4 * (rows + 1));
    let mut end = 0u32;
    out.extend_from_slice(&end.to_le_bytes());
    for value in values.clone() {
        end += value.len() as u32;
        out.extend_from_slice(&end.to_le_bytes());
    }
    out.reserve(end as usize);
    values.for_each(|value| out.extend_from_slice(value));
}

/// The array in `payload`.
pub(super) fn decode(
    block: &Block,
    payload: &Bytes,
    data_type: StoredType,
    nulls: Option<NullBuffer>,
    trust: Trust,
) -> Result<ArrayRef, Damage> {
    let rows = block.rows;
    if let Some(width) = fixed::width(data_type) {
        if payload.len() < rows * width {
            return Err(Damage::new(format!("{rows} values do not fit into {} bytes", payload.len())));
        }
        return fixed::array(data_type, rows, Buffer::from(payload.slice(..rows * width)), nulls);
    }
    let (offsets, bytes) = split_bytes(payload, rows)?;
    let views: Vec<u128> =
        offsets.windows(2).map(|w| make_view(&bytes[w[0] as usize..w[1] as usize], 0, w[0])).collect();
    text(data_type, views, bytes, nulls, trust)
}

/// Offsets and bytes of a payload of byte strings; the offsets ascend and lie inside the bytes.
pub(super) fn split_bytes(payload: &Bytes, rows: usize) -> Result<(Vec<u32>, Bytes), Damage> {
    let place = 4 * (rows + 1);
    if payload.len() < place {
        return Err(Damage::new("the block ends in its offsets"));
    }
    let (offsets, _) = payload[..place].as_chunks::<4>();
    let offsets: Vec<u32> = offsets.iter().map(|o| u32::from_le_bytes(*o)).collect();
    let bytes = payload.slice(place..);
    let ascending = offsets[0] == 0 && offsets.windows(2).all(|w| w[0] <= w[1]);
    if !ascending || offsets[rows] as usize > bytes.len() {
        return Err(Damage::new("offsets of text point outside of it"));
    }
    Ok((offsets, bytes))
}

/// A text or binary array whose views point into `bytes`. The views must be in bounds; that the
/// text is UTF-8 is checked unless it was before.
pub(super) fn text(
    data_type: StoredType,
    views: Vec<u128>,
    bytes: Bytes,
    nulls: Option<NullBuffer>,
    trust: Trust,
) -> Result<ArrayRef, Damage> {
    let (views, buffers) = (ScalarBuffer::from(views), vec![Buffer::from(bytes)]);
    let wrong = |e| Damage::new(format!("the text is damaged: {e}"));
    Ok(match (data_type, trust) {
        (StoredType::Utf8, Trust::Fresh) => Arc::new(StringViewArray::try_new(views, buffers, nulls).map_err(wrong)?),
        // SAFETY: the views are made of offsets that were checked, and the same bytes passed
        // `try_new` before.
        (StoredType::Utf8, Trust::Checked) => {
            Arc::new(unsafe { StringViewArray::new_unchecked(views, buffers, nulls) })
        }
        // SAFETY: the views are made of offsets that were checked.
        _ => Arc::new(unsafe { BinaryViewArray::new_unchecked(views, buffers, nulls) }),
    })
}
