//! Filling the places of the few rows that go with the last ones of those that stay.
//!
//! Deletions leave a zone almost whole. Where order is of no matter, as many values are moved as rows
//! go; to [keep the order](super::compress), all values behind the first gap must move.

use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::util::bit_util::{set_bit, unset_bit};

/// Of fewer rows the order is kept: it costs nothing there, and people like to see it.
const MIN_ROWS: usize = 4096;
/// To fill is worth it if at most one row in so many goes.
const ONE_IN: usize = 12;

/// Where values go so that those to be kept come first.
pub(super) struct Moves {
    /// How many are kept.
    count: usize,
    /// Place to fill, place of the value for it.
    pairs: Vec<(u32, u32)>,
}

impl Moves {
    /// For the rows of `mask`, `count` of which are kept. `None` if it is better to keep them in order.
    pub(super) fn if_few(mask: &BooleanBuffer, count: usize) -> Option<Self> {
        let gone = mask.len() - count;
        (mask.len() >= MIN_ROWS && gone * ONE_IN <= mask.len()).then(|| Self::new(mask, count))
    }

    /// As [`Moves::if_few`], in any case.
    pub(super) fn new(mask: &BooleanBuffer, count: usize) -> Self {
        let last = mask.slice(count, mask.len() - count);
        let mut last = last.set_indices_u32().map(|row| count as u32 + row);
        let mut pairs = Vec::with_capacity(mask.len() - count);
        for (number, word) in mask.slice(0, count).bit_chunks().iter_padded().enumerate() {
            let mut holes = !word;
            while holes != 0 {
                // Beyond the end there are as many holes as one likes, and nothing left to fill them.
                let Some(row) = last.next() else { break };
                pairs.push((number as u32 * u64::BITS + holes.trailing_zeros(), row));
                holes &= holes - 1;
            }
        }
        Self { count, pairs }
    }

    /// The kept values.
    pub(super) fn values<T: Copy>(&self, values: &mut Vec<T>) {
        for (to, from) in &self.pairs {
            values[*to as usize] = values[*from as usize];
        }
        values.truncate(self.count);
    }

    /// As [`Moves::values`], for bits.
    pub(super) fn bits(&self, bits: &BooleanBuffer) -> NullBuffer {
        let mut kept = bits.sliced().to_vec();
        for (to, from) in &self.pairs {
            let place = if bits.value(*from as usize) { set_bit } else { unset_bit };
            place(&mut kept, *to as usize);
        }
        NullBuffer::new(BooleanBuffer::new(kept.into(), 0, self.count))
    }

    /// The kept rows, in their new order.
    pub(super) fn rows(&self) -> Vec<u32> {
        let mut rows: Vec<u32> = (0..self.count as u32).collect();
        self.pairs.iter().for_each(|(to, from)| rows[*to as usize] = *from);
        rows
    }
}
