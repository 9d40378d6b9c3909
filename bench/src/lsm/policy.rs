//! Which runs to merge next: lazy leveling.
//!
//! Above the largest run, runs of like size are merged when there are four of them, so that a row is
//! written once a tier. When all runs above the largest one have a tenth of its rows, everything is
//! merged into it: more would make scans slower, less would write more.

use std::ops::Range;

/// Runs of like size that are merged into one.
const FANOUT: usize = 4;
/// Rows of the upper runs, in percent of the largest, that are merged into it.
const LARGEST_PERCENT: u64 = 10;

/// The runs to merge, of those with so many rows each, newest first. `None` if all is well.
pub(super) fn choose(rows: &[u64]) -> Option<Range<usize>> {
    let (largest, upper) = rows.split_last()?;
    if upper.is_empty() {
        return None;
    }
    if upper.iter().sum::<u64>() * 100 >= largest * LARGEST_PERCENT {
        return Some(0..rows.len());
    }
    // The oldest runs of one size, counted from the newest of that size.
    let alike = |a: u64, b: u64| a.max(b) <= a.min(b).saturating_mul(FANOUT as u64 - 1);
    let mut start = 0;
    while start < upper.len() {
        let end = start + upper[start..].iter().take_while(|run| alike(**run, upper[start])).count();
        if end - start >= FANOUT {
            return Some(start..end);
        }
        start = end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_runs_of_like_size_are_merged() {
        assert_eq!(choose(&[100, 110, 90, 100_000]), None);
        assert_eq!(choose(&[100, 110, 90, 95, 100_000]), Some(0..4));
        assert_eq!(choose(&[100, 500, 480, 510, 500, 100_000]), Some(1..5));
    }

    #[test]
    fn a_tenth_goes_into_the_largest() {
        assert_eq!(choose(&[9_000, 1_000, 100_000]), Some(0..3));
        assert_eq!(choose(&[9_000, 900, 100_000]), None);
        assert_eq!(choose(&[100_000]), None);
        assert_eq!(choose(&[]), None);
    }
}
