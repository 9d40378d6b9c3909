//! FSST: short text, compressed value by value with a table of up to 255 frequent substrings of at
//! most eight bytes; a code of one byte stands for each, and an escape byte precedes others.
//!
//! Payload: `symbols u64 · bytes u64` (of the text), 8 bytes a symbol, 1 byte a symbol's length padded to
//! a multiple of 8, a [sequence](super::bitpack) of the values' lengths, a sequence of where each
//! group of 16 values begins in the codes, then the codes.
//!
//! Values decode without their neighbours, but as their ends among the codes are not stored, 16 at
//! a time.

use ::fsst::{Compressor, Decompressor, Symbol};
use arrow::array::ArrayRef;
use arrow::buffer::NullBuffer;
use bytes::Bytes;

use super::bitpack::{self, Sequence};
use super::text::Values;
use super::{Damage, Trust, plain};
use crate::types::StoredType;

const ESCAPE: u8 = 255;
const MAX_SYMBOLS: usize = 255;
/// Values between two remembered places among the codes.
const GROUP: usize = 16;
/// Room behind the text, so that the decoder may write whole words to its very end.
const SLACK: usize = 64;

/// The payload; `None` if it is not a quarter smaller than the values.
pub(super) fn encode(values: &Values<'_>) -> Option<Vec<u8>> {
    let compressor = Compressor::train(&values.as_slice().to_vec());
    let mut codes = Vec::with_capacity(values.bytes());
    let mut ends = Vec::with_capacity(values.len());
    compressor.compress_bulk_into::<{ Compressor::DEFAULT_BULK_LANES }>(values.as_slice(), &mut codes, &mut ends);
    if codes.len() * 4 > values.bytes() * 3 {
        return None;
    }
    let starts: Vec<i64> =
        (0..values.len()).step_by(GROUP).map(|row| if row == 0 { 0 } else { ends[row - 1] as i64 }).collect();
    let lengths: Vec<i64> = values.iter().map(|v| v.len() as i64).collect();
    let symbols = compressor.symbol_table();
    let mut out = Vec::with_capacity(codes.len() + codes.len() / 4 + 4096);
    out.extend_from_slice(&(symbols.len() as u64).to_le_bytes());
    out.extend_from_slice(&(values.bytes() as u64).to_le_bytes());
    symbols.iter().for_each(|s| out.extend_from_slice(&s.to_u64().to_le_bytes()));
    out.extend_from_slice(compressor.symbol_lengths());
    out.resize(out.len().next_multiple_of(8), 0);
    bitpack::write(&mut out, &lengths);
    bitpack::write(&mut out, &starts);
    out.extend_from_slice(&codes);
    Some(out)
}

/// A payload taken apart.
struct Parts<'a> {
    symbols: [Symbol; MAX_SYMBOLS],
    symbol_lengths: [u8; MAX_SYMBOLS],
    lengths: Vec<u32>,
    starts: Sequence<'a>,
    codes: &'a [u8],
    /// Bytes of the text.
    total: usize,
}

impl<'a> Parts<'a> {
    fn read(payload: &'a [u8], rows: usize) -> Result<Self, Damage> {
        let ends = || Damage::new("the block ends in its symbols");
        let (count, rest) = payload.split_first_chunk().ok_or_else(ends)?;
        let (total, rest) = rest.split_first_chunk().ok_or_else(ends)?;
        let (count, total) = (u64::from_le_bytes(*count), u64::from_le_bytes(*total));
        if count > MAX_SYMBOLS as u64 {
            return Err(Damage::new(format!("{count} symbols")));
        }
        let count = count as usize;
        let (words, rest) = rest.split_at_checked(count * 8).ok_or_else(ends)?;
        let (lengths, rest) = rest.split_at_checked(count.next_multiple_of(8)).ok_or_else(ends)?;
        // Codes beyond the table stand for nothing; the table is full so that they need no check.
        let (mut symbols, mut symbol_lengths) = ([Symbol::from_u8(0); MAX_SYMBOLS], [0; MAX_SYMBOLS]);
        for (i, word) in words.as_chunks().0.iter().enumerate() {
            symbols[i] = Symbol::from_slice(word);
            symbol_lengths[i] = lengths[i];
            if lengths[i] > 8 {
                return Err(Damage::new(format!("a symbol of {} bytes", lengths[i])));
            }
        }
        let (lengths, rest) = Sequence::read(rest, rows)?;
        let (starts, codes) = Sequence::read(rest, rows.div_ceil(GROUP))?;
        let lengths = lengths.unpack::<u32>();
        let sum: u64 = lengths.iter().map(|l| u64::from(*l)).sum();
        // The decompressor refuses codes that are longer than twice the text, as escapes make them.
        let fits = codes.len() as u64 <= total.saturating_mul(2) && sum == total;
        if !fits || total > codes.len() as u64 * 8 || total > u64::from(u32::MAX) {
            return Err(Damage::new(format!("values of {sum} bytes in a text of {total}")));
        }
        Ok(Self { symbols, symbol_lengths, lengths, starts, codes, total: total as usize })
    }

    /// Checks that the codes stand for the text that the lengths say, whole and group by group.
    fn check_codes(&self) -> Result<(), Damage> {
        let mut group_offsets = self.lengths.chunks(GROUP).scan(0, |end, lengths| {
            let start = *end;
            *end += lengths.iter().map(|l| *l as usize).sum::<usize>();
            Some(start)
        });
        let (mut group, mut bytes, mut at) = (0, 0, 0);
        loop {
            while group < self.starts.len() && self.starts.get(group) == at as i64 {
                if group_offsets.next() != Some(bytes) {
                    return Err(Damage::new(format!("group {group} of the codes is not where it should be")));
                }
                group += 1;
            }
            let Some(code) = self.codes.get(at) else { break };
            (at, bytes) = match *code {
                ESCAPE if at + 1 == self.codes.len() => return Err(Damage::new("the codes end in an escape")),
                ESCAPE => (at + 2, bytes + 1),
                code => (at + 1, bytes + usize::from(self.symbol_lengths[usize::from(code)])),
            };
        }
        if bytes != self.total {
            return Err(Damage::new("the codes stand for more or less text than the block has"));
        }
        if group < self.starts.len() {
            return Err(Damage::new(format!("group {group} of the codes is not where it should be")));
        }
        Ok(())
    }

    /// The text of one group of values of the given lengths.
    fn group(&self, group: usize, lengths: &[u32]) -> Result<Vec<u8>, Damage> {
        let start = self.starts.get(group);
        let end = if group + 1 < self.starts.len() { self.starts.get(group + 1) } else { self.codes.len() as i64 };
        let bytes = lengths.iter().map(|l| *l as usize).sum();
        let codes = usize::try_from(start).ok().zip(usize::try_from(end).ok()).and_then(|(s, e)| self.codes.get(s..e));
        match codes.map(|codes| self.decompress(codes, bytes)) {
            Some(text) if text.len() == bytes => Ok(text),
            Some(_) | None => Err(Damage::new(format!("group {group} of the codes is not where it should be"))),
        }
    }

    fn decompress(&self, codes: &[u8], capacity: usize) -> Vec<u8> {
        let mut text: Vec<u8> = Vec::with_capacity(capacity + SLACK);
        let decompressor = Decompressor::new(&self.symbols, &self.symbol_lengths);
        let len = decompressor.decompress_into(codes, text.spare_capacity_mut());
        // SAFETY: the decompressor says that it has written so many bytes.
        unsafe { text.set_len(len) };
        text
    }
}

/// The text of `rows` rows.
pub(super) fn decode(
    payload: &Bytes,
    rows: usize,
    data_type: StoredType,
    nulls: Option<NullBuffer>,
    trust: Trust,
) -> Result<ArrayRef, Damage> {
    let parts = Parts::read(payload, rows)?;
    // The decompressor panics where codes and lengths disagree. Blocks that were decoded before do
    // not need the check again.
    if trust == Trust::Fresh {
        parts.check_codes()?;
    }
    let text = Bytes::from(parts.decompress(parts.codes, parts.total));
    let offsets = plain::offsets(&parts.lengths, text.len())?;
    plain::text(data_type, plain::views(&offsets, &text), text, nulls, trust)
}

/// The text of some of `rows` rows, ascending; the payload was decoded before.
pub(super) fn decode_rows(
    payload: &Bytes,
    rows: usize,
    wanted: &[u32],
    data_type: StoredType,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, Damage> {
    let parts = Parts::read(payload, rows)?;
    let mut text = Vec::new();
    let mut offsets = vec![0];
    for group_rows in wanted.chunk_by(|a, b| *a as usize / GROUP == *b as usize / GROUP) {
        let group = group_rows[0] as usize / GROUP;
        let lengths = parts.lengths.chunks(GROUP).nth(group).unwrap_or_default();
        let decoded = parts.group(group, lengths)?;
        let (mut row, mut start) = (group * GROUP, 0);
        for wanted in group_rows {
            start += lengths[row % GROUP..*wanted as usize % GROUP].iter().sum::<u32>() as usize;
            row = *wanted as usize;
            text.extend_from_slice(&decoded[start..start + lengths[row % GROUP] as usize]);
            offsets.push(text.len() as u32);
        }
    }
    let text = Bytes::from(text);
    plain::text(data_type, plain::views(&offsets, &text), text, nulls, Trust::Checked)
}
