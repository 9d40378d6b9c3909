//! Differences: each number as its distance from the one before. For sorted keys and for times.
//!
//! Payload: the first number of each group of 256 as i64, then a [sequence](super::bitpack) of the
//! differences, a zero standing at the start of each group. Groups decode on their own, and a search
//! among sorted numbers needs the firsts and one group.

use super::Damage;
use super::bitpack::{self, GROUP, Lane, Sequence, sequence_bytes};

/// Bytes of the payload, if the differences need `width` bits.
pub(super) fn bytes(rows: usize, width: u32) -> usize {
    rows.div_ceil(GROUP) * 8 + sequence_bytes(rows, width)
}

/// Appends the payload. `min` is the smallest difference; it stands at the start of each group.
pub(super) fn encode(out: &mut Vec<u8>, numbers: &[i64], min: i64) {
    let mut differences = Vec::with_capacity(numbers.len());
    for group in numbers.chunks(GROUP) {
        out.extend_from_slice(&group[0].to_le_bytes());
        differences.push(min);
        differences.extend(group.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])));
    }
    bitpack::write(out, &differences);
}

/// The numbers of a block, to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deltas<'a> {
    firsts: &'a [[u8; 8]],
    differences: Sequence<'a>,
}

impl<'a> Deltas<'a> {
    /// The numbers of `rows` rows.
    pub(super) fn read(payload: &'a [u8], rows: usize) -> Result<Self, Damage> {
        let groups = rows.div_ceil(GROUP);
        let Some((firsts, rest)) = payload.split_at_checked(groups * 8) else {
            return Err(Damage::new("the block ends in the first numbers of its groups"));
        };
        let (firsts, _) = firsts.as_chunks();
        let (differences, _) = Sequence::read(rest, rows)?;
        Ok(Self { firsts, differences })
    }

    /// The first number of each group.
    pub(super) fn first(&self, group: usize) -> i64 {
        i64::from_le_bytes(self.firsts[group])
    }

    /// Number of groups.
    pub(super) fn groups(&self) -> usize {
        self.firsts.len()
    }

    /// All numbers.
    pub(super) fn unpack<T: Lane>(&self) -> Vec<T> {
        let mut out = Vec::with_capacity(self.groups() * GROUP);
        let mut differences = Vec::with_capacity(GROUP);
        for group in 0..self.groups() {
            self.group(group, &mut differences, &mut out);
        }
        out.truncate(self.differences.len());
        out
    }

    /// Appends the numbers of a group; in the last one, numbers beyond the rows mean nothing.
    pub(super) fn group<T: Lane>(&self, group: usize, differences: &mut Vec<i64>, out: &mut Vec<T>) {
        let mut number = self.first(group);
        // Keys without gaps.
        if let Some(step) = self.differences.constant() {
            return out.extend((0..GROUP as i64).map(|i| T::of(number.wrapping_add(step.wrapping_mul(i)))));
        }
        differences.clear();
        self.differences.unpack_group(group, differences);
        out.push(T::of(number));
        out.extend(differences[1..].iter().map(|difference| {
            number = number.wrapping_add(*difference);
            T::of(number)
        }));
    }
}
