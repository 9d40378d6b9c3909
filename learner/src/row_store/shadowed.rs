//! What scans pay for values that nobody can read any more.
//!
//! The key-value library keeps every value that a key has had in its memory table, and a scan steps over all
//! of them. Rows that change all the time stay out of it for the most part ([`super::hot`]); what still gathers
//! would make scans take longer and longer until the table is full. It is closed before, once scans have wasted
//! about as much time as closing it takes: at worst twice the least time is spent, whatever comes.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_64;

/// Keys are counted together if their hashes end alike: in so many places, a byte each.
const PLACES: usize = 1 << 18;
/// Steps that take as long as to write a memory table of usual size, and to compact it: some 50 ms.
const STEPS: u64 = 1 << 19;
/// Bytes at which the library closes a memory table by itself.
const TABLE_BYTES: u64 = 64 << 20;

/// Of one memory table. Approximate: keys share places, and several threads count at once.
pub(super) struct Shadowed {
    /// Values of each key, besides the newest.
    values: Box<[AtomicU8]>,
    /// Values that scans have stepped over.
    steps: AtomicU64,
    /// Bytes in the table.
    bytes: AtomicU64,
    /// Whether any key has several values.
    any: AtomicBool,
}

impl Default for Shadowed {
    fn default() -> Self {
        let values = (0..PLACES).map(|_| AtomicU8::new(0)).collect();
        Self { values, steps: AtomicU64::new(0), bytes: AtomicU64::new(0), any: AtomicBool::new(false) }
    }
}

impl Shadowed {
    /// A key that had a value has got another one.
    pub(super) fn overwritten(&self, key: &[u8]) {
        let values = self.place(key);
        let now = values.load(Ordering::Relaxed);
        values.store(now.saturating_add(1), Ordering::Relaxed);
        self.any.store(true, Ordering::Relaxed);
    }

    /// Values that a scan steps over at a key.
    pub(super) fn at(&self, key: &[u8]) -> u64 {
        if self.any.load(Ordering::Relaxed) { self.place(key).load(Ordering::Relaxed).into() } else { 0 }
    }

    /// A scan is over, and has stepped over so many.
    pub(super) fn stepped_over(&self, values: u64) {
        self.steps.fetch_add(values, Ordering::Relaxed);
    }

    /// So many bytes were written. Whether the memory table should be closed; if so, or if it is full and
    /// closed anyway, counting starts over.
    pub(super) fn written(&self, bytes: u64) -> bool {
        let full = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes >= TABLE_BYTES;
        let wasted = self.steps.load(Ordering::Relaxed) >= STEPS;
        if full || wasted {
            self.any.store(false, Ordering::Relaxed);
            self.values.iter().for_each(|values| values.store(0, Ordering::Relaxed));
            self.steps.store(0, Ordering::Relaxed);
            self.bytes.store(0, Ordering::Relaxed);
        }
        wasted && !full
    }

    fn place(&self, key: &[u8]) -> &AtomicU8 {
        &self.values[xxh3_64(key) as usize % PLACES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_closed_when_scans_have_stepped_over_much() {
        let shadowed = Shadowed::default();
        (0..9).for_each(|_| shadowed.overwritten(b"hot"));
        assert_eq!((shadowed.at(b"hot"), shadowed.at(b"cold")), (9, 0));
        shadowed.stepped_over(STEPS - 1);
        assert!(!shadowed.written(100));
        shadowed.stepped_over(1);
        assert!(shadowed.written(100));
        // The next one is empty.
        assert_eq!(shadowed.at(b"hot"), 0);
        assert!(!shadowed.written(100));
    }

    #[test]
    fn a_full_table_is_closed_by_the_library() {
        let shadowed = Shadowed::default();
        (0..300).for_each(|_| shadowed.overwritten(b"hot"));
        assert_eq!(shadowed.at(b"hot"), 255);
        shadowed.stepped_over(STEPS);
        assert!(!shadowed.written(TABLE_BYTES));
        assert_eq!(shadowed.at(b"hot"), 0);
    }
}
