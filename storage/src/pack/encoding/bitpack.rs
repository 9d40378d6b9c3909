//! Frame of reference and bit packing: numbers stored as their distance from the smallest, each in
//! as many bits as the largest distance needs.
//!
//! # Layout
//!
//! Numbers are packed in groups of 256, in *lanes*: with a width of at most 32 bits, number `i` of a
//! group belongs to lane `i % 8`, and each lane packs its 32 numbers one after another into 32-bit
//! words, lowest bits first. The words of the lanes are interleaved, so that one 32-byte row holds
//! one word of each lane:
//!
//! ```text
//! row 0   lane 0 word 0 · lane 1 word 0 · … · lane 7 word 0
//! row 1   lane 0 word 1 · lane 1 word 1 · … · lane 7 word 1
//! ```
//!
//! So all lanes shift by the same count at the same time, which vector instructions of any width can
//! do, and numbers come out in their natural order. Above 32 bits there are 4 lanes of 64-bit words;
//! a row is 32 bytes either way, and a group is `width` rows. Of the last group only the rows that
//! its numbers reach are stored.
//!
//! A *sequence* is `base i64 · width u8 · zero 7 · rows`; how many numbers it has is known from
//! outside. One number can be read without the others.

use std::mem::MaybeUninit;

use super::Damage;

/// Numbers in a group.
pub(super) const GROUP: usize = 256;
const ROW_BYTES: usize = 32;
const HEADER_BYTES: usize = 16;

/// A row of the packed form.
type Row = [u8; ROW_BYTES];

/// A type that numbers are unpacked to: integers by truncation or extension of 64 bits, floats by
/// value.
pub(super) trait Lane: Copy + 'static {
    /// From 64 bits.
    fn of(v: i64) -> Self;
}

macro_rules! lanes {
    ($($t:ty),*) => {$(
        impl Lane for $t {
            #[inline(always)]
            fn of(v: i64) -> Self {
                v as $t
            }
        }
    )*};
}
lanes!(i8, i16, i32, i64, i128, u8, u16, u32, u64, f64);

/// Bits that hold every number from 0 to `max`.
pub(super) fn width_of(max: u64) -> u32 {
    u64::BITS - max.leading_zeros()
}

/// Bytes of the sequence of `count` numbers of `width` bits.
pub(super) fn sequence_bytes(count: usize, width: u32) -> usize {
    HEADER_BYTES + rows_of(count, width) * ROW_BYTES
}

fn rows_of(count: usize, width: u32) -> usize {
    let (lanes, word) = if width <= 32 { (8, 32) } else { (4, 64) };
    let tail = (count % GROUP).div_ceil(lanes) * width as usize;
    count / GROUP * width as usize + tail.div_ceil(word)
}

/// Appends `values` as a sequence.
pub(super) fn write(out: &mut Vec<u8>, values: &[i64]) {
    let (min, max) = bounds(values);
    let width = width_of(max.wrapping_sub(min) as u64);
    out.extend_from_slice(&min.to_le_bytes());
    out.extend_from_slice(&(width as u64).to_le_bytes());
    let start = out.len();
    out.resize(start + rows_of(values.len(), width) * ROW_BYTES, 0);
    let rows = &mut out[start..];
    for (g, group) in values.chunks(GROUP).enumerate() {
        let rows = &mut rows[g * width as usize * ROW_BYTES..];
        for (i, value) in group.iter().enumerate() {
            put(rows, width, i, value.wrapping_sub(min) as u64);
        }
    }
}

/// Smallest and largest of `values`; zeros if there are none.
pub(super) fn bounds(values: &[i64]) -> (i64, i64) {
    let Some(first) = values.first() else { return (0, 0) };
    values.iter().fold((*first, *first), |(min, max), v| (min.min(*v), max.max(*v)))
}

/// Where number `i` of a group lies: byte of its first word, shift in it, and the word's size.
fn place(width: u32, i: usize) -> (usize, u32, usize) {
    let (lanes, word) = if width <= 32 { (8, 32) } else { (4, 64) };
    let bit = (i / lanes) * width as usize;
    (bit / word * ROW_BYTES + i % lanes * (word / 8), (bit % word) as u32, word / 8)
}

fn put(rows: &mut [u8], width: u32, i: usize, value: u64) {
    if width == 0 {
        return;
    }
    let (at, shift, size) = place(width, i);
    let wide = u128::from(value) << shift;
    let halves = [wide, wide >> (size * 8)];
    for (half, at) in halves.into_iter().zip([at, at + ROW_BYTES]) {
        let bytes = half.to_le_bytes();
        // The part beyond the word is empty where the number ends in it, also at the end of rows.
        if let Some(word) = rows.get_mut(at..at + size) {
            word.iter_mut().zip(bytes).for_each(|(w, b)| *w |= b);
        }
    }
}

/// Packed numbers, to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sequence<'a> {
    base: i64,
    width: u32,
    count: usize,
    rows: &'a [Row],
}

impl<'a> Sequence<'a> {
    /// The sequence of `count` numbers at the front of `bytes`, and what follows it.
    pub(super) fn read(bytes: &'a [u8], count: usize) -> Result<(Self, &'a [u8]), Damage> {
        let (Some(base), Some(width)) = (bytes.first_chunk(), bytes.get(8..).and_then(<[u8]>::first_chunk)) else {
            return Err(Damage::new("the block ends in the header of packed numbers"));
        };
        let (base, width) = (i64::from_le_bytes(*base), u64::from_le_bytes(*width));
        if width > 64 {
            return Err(Damage::new(format!("numbers cannot be packed in {width} bits")));
        }
        let width = width as u32;
        let end = sequence_bytes(count, width);
        let Some((rows, rest)) = bytes.split_at_checked(end) else {
            return Err(Damage::new(format!("{count} numbers of {width} bits do not fit into {} bytes", bytes.len())));
        };
        let (rows, _) = rows[HEADER_BYTES..].as_chunks();
        Ok((Self { base, width, count, rows }, rest))
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The number that all are, if they take no bits.
    pub(super) fn constant(&self) -> Option<i64> {
        (self.width == 0).then_some(self.base)
    }

    /// Whether all are sure to be within `0..=u32::MAX`.
    pub(super) fn fits_u32(&self) -> bool {
        self.width <= 32 && (0..=i64::from(u32::MAX) - mask(self.width) as i64).contains(&self.base)
    }

    /// Number `i`, without unpacking its neighbours. Panics if there is none.
    #[inline]
    pub(super) fn get(&self, i: usize) -> i64 {
        assert!(i < self.count, "number {i} of {}", self.count);
        if self.width == 0 {
            return self.base;
        }
        let rows = self.rows[i / GROUP * self.width as usize..].as_flattened();
        let (at, shift, size) = place(self.width, i % GROUP);
        let packed = if size == 4 {
            let word = |at: usize| rows.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |w| u32::from_le_bytes(*w));
            (u64::from(word(at)) | u64::from(word(at + ROW_BYTES)) << 32) >> shift
        } else {
            let word = |at: usize| rows.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |w| u64::from_le_bytes(*w));
            ((u128::from(word(at)) | u128::from(word(at + ROW_BYTES)) << 64) >> shift) as u64
        };
        self.base.wrapping_add((packed & mask(self.width)) as i64)
    }

    /// All numbers.
    pub(super) fn unpack<T: Lane>(&self) -> Vec<T> {
        let mut out = Vec::with_capacity(self.count.next_multiple_of(GROUP));
        for group in 0..self.count.div_ceil(GROUP) {
            self.unpack_group(group, &mut out);
        }
        out.truncate(self.count);
        out
    }

    /// Appends the 256 numbers of a group; in the last one, numbers beyond the count mean nothing.
    #[inline]
    pub(super) fn unpack_group<T: Lane>(&self, group: usize, out: &mut Vec<T>) {
        let width = self.width as usize;
        if width == 0 {
            return out.extend([T::of(self.base); GROUP]);
        }
        let start = group * width;
        match self.rows.get(start..start + width) {
            Some(rows) => self.unpack_rows(rows, out),
            None => {
                let mut last = [[0; ROW_BYTES]; 64];
                let stored = &self.rows[start..];
                last[..stored.len()].copy_from_slice(stored);
                self.unpack_rows(&last[..width], out);
            }
        }
    }

    /// Appends the numbers of a group whose rows are all there.
    #[inline]
    fn unpack_rows<T: Lane>(&self, rows: &[Row], out: &mut Vec<T>) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { self.unpack_rows_avx2(rows, out) };
        }
        self.unpack_rows_anywhere(rows, out);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn unpack_rows_avx2<T: Lane>(&self, rows: &[Row], out: &mut Vec<T>) {
        self.unpack_rows_anywhere(rows, out);
    }

    #[inline(always)]
    fn unpack_rows_anywhere<T: Lane>(&self, rows: &[Row], out: &mut Vec<T>) {
        let base = self.base;
        if self.width <= 32 {
            let mut numbers = [const { MaybeUninit::uninit() }; GROUP];
            let numbers = unpack::narrow(rows, &mut numbers);
            out.extend(numbers.iter().map(|n| T::of(base.wrapping_add(i64::from(*n)))));
        } else {
            let mut numbers = [const { MaybeUninit::uninit() }; GROUP];
            let numbers = unpack::wide(rows, &mut numbers);
            out.extend(numbers.iter().map(|n| T::of(base.wrapping_add(*n as i64))));
        }
    }
}

fn mask(width: u32) -> u64 {
    if width == 64 { u64::MAX } else { (1 << width) - 1 }
}

/// One group, by width. The width is a constant in each instance, and the compiler turns the lanes
/// of a row into vector registers: of 32 bytes where the processor has them.
mod unpack {
    use std::mem::MaybeUninit;

    use super::{GROUP, ROW_BYTES, Row};

    macro_rules! unpacker {
        ($name:ident, $anywhere:ident, $avx2:ident, $group:ident, $word:ty, $lanes:literal, $($width:literal)*) => {
            /// The numbers of a group of as many rows as a number has bits.
            pub(super) fn $name<'a>(rows: &[Row], out: &'a mut [MaybeUninit<$word>; GROUP]) -> &'a [$word; GROUP] {
                #[cfg(target_arch = "x86_64")]
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has AVX2.
                    return unsafe { $avx2(rows, out) };
                }
                $anywhere(rows, out)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn $avx2<'a>(rows: &[Row], out: &'a mut [MaybeUninit<$word>; GROUP]) -> &'a [$word; GROUP] {
                $anywhere(rows, out)
            }

            #[inline(always)]
            fn $anywhere<'a>(rows: &[Row], out: &'a mut [MaybeUninit<$word>; GROUP]) -> &'a [$word; GROUP] {
                match rows.len() {
                    $($width => if let Some(rows) = rows.first_chunk::<$width>() { $group(rows, out) })*
                    width => unreachable!("width {width} was checked when the sequence was opened"),
                }
                // SAFETY: the lanes of all steps are the whole group, and each has been written.
                unsafe { &*std::ptr::from_ref(out).cast() }
            }

            #[inline(always)]
            fn $group<const W: usize>(rows: &[Row; W], out: &mut [MaybeUninit<$word>; GROUP]) {
                const BITS: usize = <$word>::BITS as usize;
                const LANES: usize = $lanes;
                const { assert!(W > 0 && W <= BITS && LANES * BITS == ROW_BYTES * 8 && GROUP % LANES == 0) }
                let mask = <$word>::MAX >> (BITS - W);
                let (out, _) = out.as_chunks_mut::<LANES>();
                for (step, out) in out.iter_mut().enumerate() {
                    let bit = step * W;
                    let (row, shift) = (bit / BITS, (bit % BITS) as u32);
                    let low = words(&rows[row]);
                    if shift as usize + W <= BITS {
                        for lane in 0..LANES {
                            out[lane].write((low[lane] >> shift) & mask);
                        }
                    } else {
                        let high = words(&rows[row + 1]);
                        for lane in 0..LANES {
                            out[lane].write(((low[lane] >> shift) | (high[lane] << (BITS as u32 - shift))) & mask);
                        }
                    }
                }

                #[inline(always)]
                fn words(row: &Row) -> [$word; LANES] {
                    let (words, _) = row.as_chunks();
                    std::array::from_fn(|lane| <$word>::from_le_bytes(words[lane]))
                }
            }
        };
    }

    unpacker!(narrow, narrow_anywhere, narrow_avx2, narrow_group, u32, 8, 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
        17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
    unpacker!(wide, wide_anywhere, wide_avx2, wide_group, u64, 4, 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48
        49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(values: &[i64]) {
        let mut bytes = Vec::new();
        write(&mut bytes, values);
        bytes.extend_from_slice(b"rest");
        let (sequence, rest) = Sequence::read(&bytes, values.len()).unwrap();
        assert_eq!(rest, b"rest");
        assert_eq!(sequence.unpack::<i64>(), values);
        assert_eq!((0..values.len()).map(|i| sequence.get(i)).collect::<Vec<_>>(), values);
        let (min, max) = bounds(values);
        assert_eq!(bytes.len() - 4, sequence_bytes(values.len(), width_of(max.wrapping_sub(min) as u64)));
    }

    #[test]
    fn every_width_comes_back() {
        for width in 0..=64u32 {
            for count in [0, 1, 7, 8, 9, 255, 256, 257, 1000] {
                let max = if width == 0 { 0 } else { u64::MAX >> (64 - width) };
                let value = |i: u64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) & max) as i64;
                check(&(0..count).map(|i| if i == 1 { max as i64 } else { value(i) }).collect::<Vec<_>>());
            }
        }
    }

    proptest! {
        #[test]
        fn any_numbers_come_back(values in prop::collection::vec(any::<i64>(), 0..600), shift in 0..64u32) {
            check(&values.iter().map(|v| v >> shift).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0..9000usize) {
            if let Ok((sequence, _)) = Sequence::read(&bytes, count) {
                prop_assert_eq!(sequence.unpack::<i64>().len(), count);
            }
        }
    }
}
