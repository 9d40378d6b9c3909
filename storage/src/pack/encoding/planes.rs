//! Byte planes: byte strings of one length, stored byte by byte position. Of composite integer keys
//! in memcomparable form, most positions hold one byte throughout a zone and vanish.
//!
//! Payload: `length u64`, then for each position a [sequence](super::bitpack) of its bytes. Rows can
//! be read one by one.

use super::Damage;
use super::bitpack::{self, Sequence};

/// Strings longer than this are not divided into planes.
pub(super) const MAX_LENGTH: usize = 128;

/// Appends the payload of `values`, which are `length` bytes each.
pub(super) fn encode(out: &mut Vec<u8>, values: &[u8], length: usize) {
    out.extend_from_slice(&(length as u64).to_le_bytes());
    for position in 0..length {
        let plane: Vec<i64> = values.iter().skip(position).step_by(length).map(|b| i64::from(*b)).collect();
        bitpack::write(out, &plane);
    }
}

/// The strings of a block, to be read.
#[derive(Debug)]
pub(crate) struct Planes<'a> {
    rows: usize,
    /// The bytes that all strings share, zeros elsewhere.
    common: Vec<u8>,
    /// The positions that differ.
    varying: Vec<(usize, Sequence<'a>)>,
}

impl<'a> Planes<'a> {
    /// The strings of `rows` rows.
    pub(super) fn read(payload: &'a [u8], rows: usize) -> Result<Self, Damage> {
        let (length, mut rest) =
            payload.split_first_chunk().ok_or_else(|| Damage::new("the block ends before its byte planes"))?;
        let length = u64::from_le_bytes(*length);
        if length > MAX_LENGTH as u64 {
            return Err(Damage::new(format!("byte planes of {length} bytes")));
        }
        let (mut common, mut varying) = (Vec::new(), Vec::new());
        for position in 0..length as usize {
            let (plane, after) = Sequence::read(rest, rows)?;
            rest = after;
            match plane.constant() {
                Some(byte) => common.push(byte as u8),
                None => {
                    common.push(0);
                    varying.push((position, plane));
                }
            }
        }
        Ok(Self { rows, common, varying })
    }

    /// Bytes of each string.
    pub(super) fn length(&self) -> usize {
        self.common.len()
    }

    /// All strings, one after another.
    pub(super) fn unpack(&self) -> Vec<u8> {
        let mut out = self.common.repeat(self.rows);
        for (position, plane) in &self.varying {
            let bytes = plane.unpack::<u8>();
            for (string, byte) in out.chunks_exact_mut(self.length()).zip(bytes) {
                string[*position] = byte;
            }
        }
        out
    }

    /// Puts the string in `row` into `out`.
    pub(super) fn get(&self, row: usize, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.common);
        for (position, plane) in &self.varying {
            out[*position] = plane.get(row) as u8;
        }
    }
}
