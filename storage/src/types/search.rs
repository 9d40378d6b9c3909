//! Finding a place among what is sorted.

use std::cmp::Ordering;

/// The first of `from..end` that does not compare as less, and whether it compares as equal. Steps
/// double until one is past it, then halve: cheap when it is near.
pub(crate) fn search(from: usize, end: usize, mut compare: impl FnMut(usize) -> Ordering) -> (usize, bool) {
    let (mut low, mut high, mut step) = (from, end, 1);
    let mut found = false;
    while low + step <= high {
        match compare(low + step - 1) {
            Ordering::Less => low += step,
            order => {
                high = low + step - 1;
                found = order == Ordering::Equal;
                break;
            }
        }
        step *= 2;
    }
    while low < high {
        let mid = low + (high - low) / 2;
        match compare(mid) {
            Ordering::Less => low = mid + 1,
            order => {
                high = mid;
                found = order == Ordering::Equal;
            }
        }
    }
    (low, found)
}

#[cfg(test)]
mod tests {
    use super::search;

    #[test]
    fn galloping_finds_what_a_linear_search_finds() {
        for end in 0..40usize {
            for border in 0..=end {
                for from in 0..=end {
                    let expected = (border.max(from), border < end && border >= from);
                    assert_eq!(search(from, end, |i| i.cmp(&border)), expected, "{border} in {from}..{end}");
                }
            }
        }
    }
}
