//! Values as Arrow lays them out.
//!
//! Payload of fixed-width types: the values, little-endian, NULL rows included. Of text: a
//! [sequence](super::bitpack) of the values' lengths, then their bytes. Reading copies neither the
//! values nor the bytes: they lie in the mapped file.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryViewArray, StringViewArray, make_view};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use bytes::Bytes;

use super::bitpack::{self, Sequence};
use super::{Damage, Trust, wide};
use crate::types::StoredType;

/// The values of an array of fixed width.
pub(super) fn fixed(array: &ArrayRef, data_type: StoredType) -> Vec<u8> {
    let (data, width) = (array.to_data(), wide::width(data_type));
    let values = data.buffers().first().map_or(&[][..], |b| b.as_slice());
    values[data.offset() * width..(data.offset() + data.len()) * width].to_vec()
}

/// Appends the payload of byte strings.
pub(super) fn encode_bytes<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a [u8]> + Clone) {
    bitpack::write(out, &values.clone().map(|v| v.len() as i64).collect::<Vec<_>>());
    values.for_each(|value| out.extend_from_slice(value));
}

/// The text in `payload`.
pub(super) fn decode_text(
    payload: &Bytes,
    rows: usize,
    data_type: StoredType,
    nulls: Option<NullBuffer>,
    trust: Trust,
) -> Result<ArrayRef, Damage> {
    let (offsets, bytes) = split_bytes(payload, rows)?;
    text(data_type, views(&offsets, &bytes), bytes, nulls, trust)
}

/// The text of some rows in `payload`, which was decoded before.
pub(super) fn decode_rows(
    payload: &Bytes,
    rows: usize,
    wanted: &[u32],
    data_type: StoredType,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, Damage> {
    let (offsets, bytes) = split_bytes(payload, rows)?;
    let views = wanted.iter().map(|row| view(&offsets, &bytes, *row as usize)).collect();
    text(data_type, views, bytes, nulls, Trust::Checked)
}

/// Offsets and bytes of a payload of byte strings; the offsets ascend and lie inside the bytes.
pub(super) fn split_bytes(payload: &Bytes, rows: usize) -> Result<(Vec<u32>, Bytes), Damage> {
    let (lengths, bytes) = Sequence::read(payload, rows)?;
    let offsets = offsets(&lengths.unpack(), bytes.len())?;
    Ok((offsets, payload.slice_ref(bytes)))
}

/// Where values of these lengths begin and the last one ends, within `limit` bytes.
pub(super) fn offsets(lengths: &[u32], limit: usize) -> Result<Vec<u32>, Damage> {
    let total: u64 = lengths.iter().map(|l| u64::from(*l)).sum();
    if total > limit as u64 || total > u64::from(u32::MAX) {
        return Err(Damage::new(format!("values of {total} bytes in {limit}")));
    }
    let mut end = 0;
    let mut offsets = Vec::with_capacity(lengths.len() + 1);
    offsets.push(0);
    offsets.extend(lengths.iter().map(|length| {
        end += length;
        end
    }));
    Ok(offsets)
}

/// A view for each pair of neighbours in `offsets`, which lie inside `bytes`.
pub(super) fn views(offsets: &[u32], bytes: &[u8]) -> Vec<u128> {
    (0..offsets.len() - 1).map(|row| view(offsets, bytes, row)).collect()
}

#[inline]
fn view(offsets: &[u32], bytes: &[u8], row: usize) -> u128 {
    let (start, end) = (offsets[row], offsets[row + 1]);
    make_view(&bytes[start as usize..end as usize], 0, start)
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
        // SAFETY: the views were made by `view` from offsets that lie inside the bytes, and the same
        // text passed `try_new` before.
        (StoredType::Utf8, Trust::Checked) => {
            Arc::new(unsafe { StringViewArray::new_unchecked(views, buffers, nulls) })
        }
        // SAFETY: the views were made by `view` from offsets that lie inside the bytes.
        _ => Arc::new(unsafe { BinaryViewArray::new_unchecked(views, buffers, nulls) }),
    })
}
