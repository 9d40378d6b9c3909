//! Moving together the values that a mask keeps, in place.
//!
//! | of 64 values | with AVX-512 | elsewhere |
//! |---|---|---|
//! | all are kept | moved, or nothing to do | the same |
//! | a few are not | an instruction compresses a register | each run is moved |
//! | any | the same | each is written, and the place for the next one moves on only if it is kept |
//!
//! The instruction is there for values as wide as a register's lanes, or two of them: 4, 8 or 16 bytes.

/// Values looked at together: the bits of a word.
const WORD: usize = 64;
/// So many runs are moved one by one.
const FEW_RUNS: u32 = 5;

/// Keeps the values whose bits are set in `words`. Bits beyond the values are ignored.
pub(super) fn compress<T: Copy>(values: &mut Vec<T>, words: impl Iterator<Item = u64>) {
    let kept = compress_slice(values, words);
    values.truncate(kept);
}

/// Moves the values to the front and returns how many they are.
fn compress_slice<T: Copy>(values: &mut [T], words: impl Iterator<Item = u64>) -> usize {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has AVX-512F.
        match size_of::<T>() {
            4 => return unsafe { avx512::compress::<T, 4>(values, words) },
            8 => return unsafe { avx512::compress::<T, 8>(values, words) },
            16 => return unsafe { avx512::compress::<T, 16>(values, words) },
            _ => {}
        }
    }
    anywhere(values, words)
}

fn anywhere<T: Copy>(values: &mut [T], words: impl Iterator<Item = u64>) -> usize {
    let mut at = 0;
    for (number, word) in words.enumerate() {
        let from = number * WORD;
        at = if values.len() < from + WORD || (!word).count_ones() > FEW_RUNS {
            one_by_one(word, values, from, at)
        } else {
            move_runs(word, values, from, at)
        };
    }
    at
}

/// Moves the kept ones of the 64 values from `from` on to `at`. Returns where the next one goes.
fn move_runs<T: Copy>(word: u64, values: &mut [T], from: usize, mut at: usize) -> usize {
    let mut start = 0;
    let mut gaps = !word;
    loop {
        let gap = gaps.trailing_zeros() as usize;
        if at < from + start {
            values.copy_within(from + start..from + gap, at);
        }
        at += gap - start;
        if gap == WORD {
            return at;
        }
        start = gap + 1;
        gaps &= gaps - 1;
    }
}

/// As [`move_runs`]; there may be fewer than 64 values.
fn one_by_one<T: Copy>(word: u64, values: &mut [T], from: usize, mut at: usize) -> usize {
    for i in 0..values.len().saturating_sub(from).min(WORD) {
        values[at] = values[from + i];
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

    /// As [`super::compress_slice`], for values of `BYTES` bytes: 4, 8 or 16.
    #[target_feature(enable = "avx512f")]
    pub(super) fn compress<T: Copy, const BYTES: usize>(values: &mut [T], words: impl Iterator<Item = u64>) -> usize {
        const { assert!(BYTES == 4 || BYTES == 8 || BYTES == 16) }
        assert_eq!(size_of::<T>(), BYTES);
        let lanes = REGISTER / BYTES;
        let mut at = 0;
        for (number, word) in words.enumerate() {
            let from = number * WORD;
            if values.len() < from + WORD {
                return one_by_one(word, values, from, at);
            }
            if word == u64::MAX && at == from {
                at += WORD;
                continue;
            }
            for step in 0..WORD / lanes {
                let from = from + step * lanes;
                // SAFETY: 64 values from the word's first one on are within the slice.
                let register = unsafe { _mm512_loadu_si512(values.as_ptr().add(from).cast()) };
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
                // SAFETY: no more values are kept than were looked at, so `at` is at most `from`: the
                // register ends within the slice, and what it covers has been read.
                unsafe { _mm512_storeu_si512(values.as_mut_ptr().add(at).cast(), register) };
                at += count as usize;
            }
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use proptest::prelude::*;

    use super::*;

    fn check<T: Copy + PartialEq + Debug>(words: &[u64], values: &[T]) {
        let bit = |i: usize| words[i / WORD] >> (i % WORD) & 1 == 1;
        let expected: Vec<T> = (0..values.len()).filter(|i| bit(*i)).map(|i| values[i]).collect();
        let mut kept = values.to_vec();
        compress(&mut kept, words.iter().copied());
        assert_eq!(kept, expected);
        let mut kept = values.to_vec();
        let count = anywhere(&mut kept, words.iter().copied());
        assert_eq!(kept[..count], expected);
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
            // As Arrow has it: a word more where the last one is full.
            words.push(0);
            let values = &values[..rows];
            check(&words, values);
            check(&words, &values.iter().map(|v| v[0]).collect::<Vec<_>>());
            check(&words, &values.iter().map(|v| v[0] as i32).collect::<Vec<_>>());
            check(&words, &values.iter().map(|v| v[0] as i16).collect::<Vec<_>>());
        }
    }
}
