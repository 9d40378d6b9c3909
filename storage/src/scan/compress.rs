//! Moving together the values that a mask keeps.
//!
//! | of 64 values | with AVX-512 | elsewhere |
//! |---|---|---|
//! | all are kept | copied | copied |
//! | a few are not | an instruction compresses a register | from each run on 64 values are copied (always as many, so without asking how many), and the next run overwrites what was too much |
//! | any | the same | each is written, and the place for the next one moves on only if it is kept |
//!
//! The instruction is there for values as wide as a register's lanes, or two of them: 4, 8 or 16 bytes.

use std::mem::MaybeUninit;

/// Values looked at together: the bits of a word.
pub(super) const WORD: usize = 64;
/// So many runs are copied one by one.
const FEW_RUNS: u32 = 5;

/// Writes the values whose bits are set in `words` to the beginning of `out`, which must have room for
/// 64 more. What comes after them there is undefined. Returns how many they are. Bits beyond the
/// values must not be set. Panics if there is no room.
pub(super) fn compress<T: Copy>(values: &[T], words: impl Iterator<Item = u64>, out: &mut [MaybeUninit<T>]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has AVX-512F.
        match size_of::<T>() {
            4 => return unsafe { avx512::compress::<T, 4>(values, words, out) },
            8 => return unsafe { avx512::compress::<T, 8>(values, words, out) },
            16 => return unsafe { avx512::compress::<T, 16>(values, words, out) },
            _ => {}
        }
    }
    anywhere(values, words, out)
}

fn anywhere<T: Copy>(values: &[T], words: impl Iterator<Item = u64>, out: &mut [MaybeUninit<T>]) -> usize {
    let mut at = 0;
    for (number, word) in words.enumerate() {
        let values = &values[number * WORD..];
        let out = &mut out[at..];
        at += match (!word).count_ones() {
            0 => copy_runs(word, values, out),
            gaps if gaps < FEW_RUNS && values.len() >= 2 * WORD => copy_runs(word, values, out),
            _ => one_by_one(word, &values[..values.len().min(WORD)], out),
        };
    }
    at
}

/// Reads up to 64 values after the first 64, if not all bits are set.
fn copy_runs<T: Copy>(word: u64, values: &[T], out: &mut [MaybeUninit<T>]) -> usize {
    let (mut from, mut at) = (0, 0);
    let mut gaps = !word;
    loop {
        out[at..at + WORD].write_copy_of_slice(&values[from..from + WORD]);
        let gap = gaps.trailing_zeros() as usize;
        at += gap - from;
        if gap == WORD {
            return at;
        }
        from = gap + 1;
        gaps &= gaps - 1;
    }
}

fn one_by_one<T: Copy>(word: u64, values: &[T], out: &mut [MaybeUninit<T>]) -> usize {
    let mut at = 0;
    for (i, value) in values.iter().enumerate() {
        out[at].write(*value);
        at += (word >> i & 1) as usize;
    }
    at
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    //! Registers are stored whole after compressing: to store only some lanes is slow on some
    //! processors.

    use std::arch::x86_64::{
        __m512i, _mm512_loadu_si512, _mm512_maskz_compress_epi32, _mm512_maskz_compress_epi64, _mm512_storeu_si512,
    };
    use std::mem::MaybeUninit;

    use super::{WORD, one_by_one};

    const REGISTER: usize = size_of::<__m512i>();

    /// Each of four bits twice.
    const TWICE: [u8; 16] = {
        let mut table = [0; 16];
        let mut bits = 0;
        while bits < 16 {
            let mut bit = 0;
            while bit < 4 {
                table[bits] |= (bits as u8 >> bit & 1) * (3 << (2 * bit));
                bit += 1;
            }
            bits += 1;
        }
        table
    };

    /// As [`super::compress`], for values of `BYTES` bytes: 4, 8 or 16.
    #[target_feature(enable = "avx512f")]
    pub(super) fn compress<T: Copy, const BYTES: usize>(
        values: &[T],
        words: impl Iterator<Item = u64>,
        out: &mut [MaybeUninit<T>],
    ) -> usize {
        const { assert!(BYTES == 4 || BYTES == 8 || BYTES == 16) }
        assert_eq!(size_of::<T>(), BYTES);
        let lanes = REGISTER / BYTES;
        let mut at = 0;
        for (number, word) in words.enumerate() {
            let values = &values[number * WORD..];
            if values.len() < WORD {
                return at + one_by_one(word, values, &mut out[at..]);
            }
            let from = values.as_ptr();
            let to = out[at..at + WORD].as_mut_ptr();
            let mut kept = 0;
            for step in 0..WORD / lanes {
                // SAFETY: there are 64 values to read, and room for 64, of which at most
                // `step * lanes` are taken.
                let register = unsafe { _mm512_loadu_si512(from.add(step * lanes).cast()) };
                let bits = word >> (step * lanes);
                let (register, count) = match BYTES {
                    _ if word == u64::MAX => (register, lanes as u32),
                    4 => (_mm512_maskz_compress_epi32(bits as u16, register), (bits as u16).count_ones()),
                    8 => (_mm512_maskz_compress_epi64(bits as u8, register), (bits as u8).count_ones()),
                    _ => {
                        let bits = bits as u8 & 0xF;
                        (_mm512_maskz_compress_epi64(TWICE[bits as usize], register), bits.count_ones())
                    }
                };
                // SAFETY: see above.
                unsafe { _mm512_storeu_si512(to.add(kept).cast(), register) };
                kept += count as usize;
            }
            at += kept;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept<T: Copy>(
        way: impl Fn(&[T], std::vec::IntoIter<u64>, &mut [MaybeUninit<T>]) -> usize,
        words: &[u64],
        values: &[T],
    ) -> Vec<T> {
        let mut out = Vec::with_capacity(values.len() + WORD);
        let count = way(values, words.to_vec().into_iter(), out.spare_capacity_mut());
        // SAFETY: so many were written.
        unsafe { out.set_len(count) };
        out
    }

    fn check<T: Copy + PartialEq + std::fmt::Debug>(words: &[u64], values: &[T]) {
        let bit = |i: usize| words[i / WORD] >> (i % WORD) & 1 == 1;
        let expected: Vec<T> = (0..values.len()).filter(|i| bit(*i)).map(|i| values[i]).collect();
        assert_eq!(kept(compress, words, values), expected);
        assert_eq!(kept(anywhere, words, values), expected);
    }

    fn word() -> impl Strategy<Value = u64> {
        prop_oneof![any::<u64>(), Just(u64::MAX), Just(0), (0..64u32, 0..64u32).prop_map(|(a, b)| !(1 << a | 1 << b))]
    }

    proptest! {
        #[test]
        fn every_way_keeps_what_the_mask_does(
            mut words in prop::collection::vec(word(), 1..5),
            values in prop::collection::vec(any::<[i64; 2]>(), 4 * WORD),
            last in 1..=WORD,
        ) {
            let rows = (words.len() - 1) * WORD + last;
            *words.last_mut().unwrap() &= u64::MAX >> (WORD - last);
            let values = &values[..rows];
            check(&words, values);
            check(&words, &values.iter().map(|v| v[0]).collect::<Vec<_>>());
            check(&words, &values.iter().map(|v| v[0] as i32).collect::<Vec<_>>());
            check(&words, &values.iter().map(|v| v[0] as i16).collect::<Vec<_>>());
        }
    }
}
