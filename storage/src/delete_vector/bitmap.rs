//! A set of row numbers, in blocks of 8,192.
//!
//! Copies share their blocks; a change copies only the blocks that it touches. Where
//! nothing is set there is no block at all, which is how a scan sees at once that it needs no mask.

use std::sync::Arc;

use arrow::buffer::{BooleanBuffer, Buffer};

/// Rows in a block of the bitmap. Most zones are one block.
const BLOCK_ROWS: usize = 8192;
const WORDS: usize = BLOCK_ROWS / 64;

#[derive(Clone, Debug)]
struct Block {
    count: u32,
    words: [u64; WORDS],
}

/// See the module documentation.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowBitmap {
    zones: Vec<Option<Arc<Block>>>,
    count: u32,
}

impl RowBitmap {
    /// How many rows are in the set.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    fn block(&self, zone: usize) -> Option<&Arc<Block>> {
        self.zones.get(zone).and_then(Option::as_ref)
    }

    /// Whether `row` is in the set.
    pub(crate) fn contains(&self, row: u32) -> bool {
        let (zone, word, bit) = place(row);
        self.block(zone).is_some_and(|b| b.words[word] & bit != 0)
    }

    /// Adds `row`. False if it was there already.
    pub(crate) fn insert(&mut self, row: u32) -> bool {
        let (zone, word, bit) = place(row);
        if zone >= self.zones.len() {
            self.zones.resize(zone + 1, None);
        }
        let block = self.zones[zone].get_or_insert_with(|| Arc::new(Block { count: 0, words: [0; WORDS] }));
        if block.words[word] & bit != 0 {
            return false;
        }
        let block = Arc::make_mut(block);
        block.words[word] |= bit;
        block.count += 1;
        self.count += 1;
        true
    }

    /// All members, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.zones.iter().enumerate().filter_map(|(z, b)| b.as_ref().map(|b| (z, b))).flat_map(|(zone, block)| {
            block.words.iter().enumerate().filter(|(_, w)| **w != 0).flat_map(move |(word, &bits)| {
                let base = (zone * BLOCK_ROWS + word * 64) as u32;
                (0..64).filter(move |b| bits >> b & 1 == 1).map(move |b| base + b)
            })
        })
    }

    /// Rows `start..start + rows` as a mask: true where the row is *not* in the set. `None` if none of
    /// them is.
    pub(crate) fn mask(&self, start: usize, rows: usize) -> Option<BooleanBuffer> {
        if rows == 0 {
            return None;
        }
        let (first, last) = (start / BLOCK_ROWS, (start + rows - 1) / BLOCK_ROWS);
        if (first..=last).all(|zone| self.block(zone).is_none()) {
            return None;
        }
        let mut words = Vec::with_capacity((last - first + 1) * WORDS);
        for zone in first..=last {
            match self.block(zone) {
                Some(block) => words.extend(block.words.iter().map(|w| !w)),
                None => words.extend([u64::MAX; WORDS]),
            }
        }
        Some(BooleanBuffer::new(Buffer::from_vec(words), start - first * BLOCK_ROWS, rows))
    }

    /// Bytes held in memory, shared blocks included.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.zones.len() * size_of::<usize>() + self.zones.iter().flatten().count() * size_of::<Block>()
    }

    /// Largest member.
    pub(crate) fn last(&self) -> Option<u32> {
        let (zone, block) = self
            .zones
            .iter()
            .enumerate()
            .rev()
            .find_map(|(z, b)| b.as_ref().filter(|b| b.count > 0).map(|b| (z, b)))?;
        let word = block.words.iter().rposition(|w| *w != 0)?;
        Some((zone * BLOCK_ROWS + word * 64) as u32 + 63 - block.words[word].leading_zeros())
    }

    /// Panics if the counts are wrong.
    pub(crate) fn validate(&self) {
        let mut total = 0;
        for block in self.zones.iter().flatten() {
            assert_eq!(block.count, block.words.iter().map(|w| w.count_ones()).sum::<u32>(), "zone count is wrong");
            total += block.count;
        }
        assert_eq!(self.count, total, "bitmap count is wrong");
    }
}

impl PartialEq for RowBitmap {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.iter().eq(other.iter())
    }
}

fn place(row: u32) -> (usize, usize, u64) {
    let row = row as usize;
    (row / BLOCK_ROWS, row % BLOCK_ROWS / 64, 1 << (row % 64))
}
