//! Dictionaries: the distinct values once, and a code in each row.
//!
//! Payload: `values u64`, a [sequence](super::bitpack) of the rows' codes, then the values: numbers
//! as a sequence, text as in [`super::plain`]. Numbers ascend; text is in order of first appearance.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use arrow::buffer::NullBuffer;
use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::bitpack::{self, Lane, Sequence, sequence_bytes, width_of};
use super::text::Values;
use super::{Damage, Trust, plain};
use crate::types::StoredType;

/// Bytes of the payload of numbers of `width` bits.
pub(super) fn integer_bytes(values: usize, width: u32, rows: usize) -> usize {
    8 + sequence_bytes(rows, width_of(values as u64 - 1)) + sequence_bytes(values, width)
}

/// Appends the payload of numbers, of which `values` are the distinct ones, ascending.
pub(super) fn encode_integers(out: &mut Vec<u8>, numbers: &[i64], values: Vec<i64>) {
    let codes: Vec<i64> = numbers.iter().map(|n| values.partition_point(|v| v < n) as i64).collect();
    out.extend_from_slice(&(values.len() as u64).to_le_bytes());
    bitpack::write(out, &codes);
    bitpack::write(out, &values);
}

/// The numbers of `rows` rows.
pub(super) fn decode_integers<T: Lane>(payload: &[u8], rows: usize) -> Result<Vec<T>, Damage> {
    let (codes, count, rest) = codes(payload, rows)?;
    let (values, _) = Sequence::read(rest, count)?;
    let values = values.unpack::<T>();
    Ok(codes.into_iter().map(|code| values[code as usize]).collect())
}

/// The numbers of some of `rows` rows.
pub(super) fn decode_integer_rows<T: Lane>(payload: &[u8], rows: usize, wanted: &[u32]) -> Result<Vec<T>, Damage> {
    let (codes, count, rest) = code_sequence(payload, rows)?;
    let (values, _) = Sequence::read(rest, count)?;
    let value = |row: &u32| code(&codes, *row, count).map(|code| T::of(values.get(code)));
    wanted.iter().map(value).collect()
}

/// The code in one row, below `count`.
fn code(codes: &Sequence<'_>, row: u32, count: usize) -> Result<usize, Damage> {
    let code = codes.get(row as usize) as usize;
    if code < count { Ok(code) } else { Err(Damage::new(format!("code {code} in a dictionary of {count}"))) }
}

/// The rows' codes, all below the number of values; that number; and what follows the codes.
fn codes(payload: &[u8], rows: usize) -> Result<(Vec<u32>, usize, &[u8]), Damage> {
    let (codes, count, rest) = code_sequence(payload, rows)?;
    let codes = codes.unpack::<u32>();
    // Not `Iterator::max`, which branches on each code and is mispredicted where codes are few.
    let max = codes.iter().fold(0, |max: u32, code| max.max(*code));
    if max as usize >= count && rows > 0 {
        return Err(Damage::new(format!("code {max} in a dictionary of {count}")));
    }
    Ok((codes, count, rest))
}

/// The packed codes, the number of values, and what follows the codes.
fn code_sequence(payload: &[u8], rows: usize) -> Result<(Sequence<'_>, usize, &[u8]), Damage> {
    let (count, rest) =
        payload.split_first_chunk().ok_or_else(|| Damage::new("the block ends before its dictionary"))?;
    let count = u64::from_le_bytes(*count);
    if count > rows as u64 {
        return Err(Damage::new(format!("a dictionary of {count} values for {rows} rows")));
    }
    let (codes, rest) = Sequence::read(rest, rows)?;
    if !codes.fits_u32() {
        return Err(Damage::new("codes beyond any dictionary"));
    }
    Ok((codes, count as usize, rest))
}

/// The payload of text; `None` if more than half of the rows would need a value of their own, or
/// if it is not smaller than `limit`.
pub(super) fn encode_text(values: &Values<'_>, limit: usize) -> Option<Vec<u8>> {
    let rows = values.len();
    let mut seen: HashMap<&[u8], i64, Xxh3DefaultBuilder> = HashMap::default();
    let mut distinct = Vec::new();
    let mut codes = Vec::with_capacity(rows);
    for value in values.iter() {
        let code = *seen.entry(value).or_insert_with(|| {
            distinct.push(value);
            distinct.len() as i64 - 1
        });
        codes.push(code);
        if distinct.len() > rows / 2 + 1 {
            return None;
        }
    }
    let bytes: usize = distinct.iter().map(|v| v.len() + 1).sum();
    if bytes + sequence_bytes(rows, width_of(distinct.len() as u64 - 1)) >= limit {
        return None;
    }
    let mut out = Vec::new();
    out.extend_from_slice(&(distinct.len() as u64).to_le_bytes());
    bitpack::write(&mut out, &codes);
    plain::encode_bytes(&mut out, distinct.iter().copied());
    Some(out)
}

/// The text of `rows` rows: views that share the values, which stay where they are.
pub(super) fn decode_text(
    payload: &Bytes,
    rows: usize,
    data_type: StoredType,
    nulls: Option<NullBuffer>,
    trust: Trust,
) -> Result<ArrayRef, Damage> {
    let (codes, count, rest) = codes(payload, rows)?;
    let (offsets, bytes) = plain::split_bytes(&payload.slice_ref(rest), count)?;
    let values = plain::views(&offsets, &bytes);
    if trust == Trust::Fresh {
        // Checking each value once is enough for all rows.
        plain::text(data_type, values.clone(), bytes.clone(), None, trust)?;
    }
    let views = codes.into_iter().map(|code| values[code as usize]).collect();
    plain::text(data_type, views, bytes, nulls, Trust::Checked)
}

/// A column as codes into its distinct values.
#[derive(Debug)]
pub(crate) struct Coded {
    /// One a row, each a position in `values`.
    pub(crate) codes: Vec<u32>,
    /// Distinct values; the last one is NULL if rows are NULL.
    pub(crate) values: ArrayRef,
}

/// The text of `rows` rows as codes; the payload was decoded before.
pub(super) fn decode_coded(
    payload: &Bytes,
    rows: usize,
    data_type: StoredType,
    nulls: Option<&NullBuffer>,
) -> Result<Coded, Damage> {
    let (mut codes, count, rest) = codes(payload, rows)?;
    let (offsets, bytes) = plain::split_bytes(&payload.slice_ref(rest), count)?;
    let mut views = plain::views(&offsets, &bytes);
    let mut valid = None;
    if let Some(nulls) = nulls {
        views.push(0);
        valid = Some(NullBuffer::from_iter((0..=count).map(|code| code < count)));
        (!nulls.inner()).set_indices().for_each(|row| codes[row] = count as u32);
    }
    Ok(Coded { codes, values: plain::text(data_type, views, bytes, valid, Trust::Checked)? })
}

/// The text of some of `rows` rows; the payload was decoded before.
pub(super) fn decode_text_rows(
    payload: &Bytes,
    rows: usize,
    wanted: &[u32],
    data_type: StoredType,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, Damage> {
    let (codes, count, rest) = code_sequence(payload, rows)?;
    let codes =
        wanted.iter().map(|row| code(&codes, *row, count).map(|code| code as u32)).collect::<Result<Vec<_>, _>>()?;
    plain::decode_rows(&payload.slice_ref(rest), count, &codes, data_type, nulls)
}
