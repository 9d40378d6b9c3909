//! Moving together the values that a mask keeps.
//!
//! AVX-512 has an instruction for it, used where the processor has it and values are as wide as its
//! lanes, or two of them. Elsewhere every value is written, and the place for the next one moves on
//! only if it is kept.

use std::mem::MaybeUninit;

/// The way that this processor does it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compressor {
    #[cfg(target_arch = "x86_64")]
    avx512: bool,
}

impl Compressor {
    /// Asks the processor.
    pub(super) fn new() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            avx512: is_x86_feature_detected!("avx512f"),
        }
    }

    /// Writes those of up to 64 values whose bits are set to the beginning of `out`, which has room for
    /// 64. What comes after them there is undefined. Returns how many they are.
    pub(super) fn compress<T: Copy>(self, word: u64, values: &[T], out: &mut [MaybeUninit<T>]) -> usize {
        #[cfg(target_arch = "x86_64")]
        if self.avx512 && values.len() == 64 {
            let (from, to) = (values.as_ptr(), out[..64].as_mut_ptr());
            // SAFETY: there are 64 values to read and room for as many, and the processor can.
            unsafe {
                match size_of::<T>() {
                    4 => avx512::compress_4(word, from.cast(), to.cast()),
                    8 => avx512::compress_8(word, from.cast(), to.cast()),
                    16 => avx512::compress_16(word, from.cast(), to.cast()),
                    _ => return one_by_one(word, values, out),
                }
            }
            return word.count_ones() as usize;
        }
        one_by_one(word, values, out)
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
    //! The compressed lanes are stored whole: to store only the kept ones is slow on some processors.

    use std::arch::x86_64::{
        _mm512_loadu_epi32, _mm512_loadu_epi64, _mm512_maskz_compress_epi32, _mm512_maskz_compress_epi64,
        _mm512_storeu_epi32, _mm512_storeu_epi64,
    };

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

    /// # Safety
    /// 64 values of four bytes can be read and written, and the processor has AVX-512F.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn compress_4(word: u64, values: *const i32, mut out: *mut i32) {
        for step in 0..4 {
            let mask = (word >> (16 * step)) as u16;
            // SAFETY: `out` is at most 16 * step values in.
            unsafe {
                let lanes = _mm512_loadu_epi32(values.add(16 * step));
                _mm512_storeu_epi32(out, _mm512_maskz_compress_epi32(mask, lanes));
                out = out.add(mask.count_ones() as usize);
            }
        }
    }

    /// # Safety
    /// As for four bytes, with values of eight.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn compress_8(word: u64, values: *const i64, mut out: *mut i64) {
        for step in 0..8 {
            let mask = (word >> (8 * step)) as u8;
            // SAFETY: `out` is at most 8 * step values in.
            unsafe {
                let lanes = _mm512_loadu_epi64(values.add(8 * step));
                _mm512_storeu_epi64(out, _mm512_maskz_compress_epi64(mask, lanes));
                out = out.add(mask.count_ones() as usize);
            }
        }
    }

    /// # Safety
    /// As for four bytes, with values of sixteen.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn compress_16(word: u64, values: *const [i64; 2], mut out: *mut [i64; 2]) {
        for step in 0..16 {
            let mask = (word >> (4 * step)) as u8 & 0xF;
            // SAFETY: `out` is at most 4 * step values in.
            unsafe {
                let lanes = _mm512_loadu_epi64(values.add(4 * step).cast());
                _mm512_storeu_epi64(out.cast(), _mm512_maskz_compress_epi64(TWICE[mask as usize], lanes));
                out = out.add(mask.count_ones() as usize);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept<T: Copy>(compress: impl Fn(u64, &[T], &mut [MaybeUninit<T>]) -> usize, word: u64, values: &[T]) -> Vec<T> {
        let mut out = Vec::with_capacity(64);
        let count = compress(word, values, out.spare_capacity_mut());
        // SAFETY: so many were written.
        unsafe { out.set_len(count) };
        out
    }

    proptest! {
        #[test]
        fn both_ways_keep_the_same(word in any::<u64>(), values in prop::collection::vec(any::<[i64; 2]>(), 64)) {
            let ours = Compressor::new();
            let narrow: Vec<_> = values.iter().map(|v| v[0]).collect();
            let narrower: Vec<_> = values.iter().map(|v| v[0] as i32).collect();
            prop_assert_eq!(kept(|w, v, o| ours.compress(w, v, o), word, &values), kept(one_by_one, word, &values));
            prop_assert_eq!(kept(|w, v, o| ours.compress(w, v, o), word, &narrow), kept(one_by_one, word, &narrow));
            prop_assert_eq!(kept(|w, v, o| ours.compress(w, v, o), word, &narrower), kept(one_by_one, word, &narrower));
        }
    }
}
