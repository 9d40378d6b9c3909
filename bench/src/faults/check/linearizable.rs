//! Whether operations on one value are linearizable: an order exists that keeps those apart which did not
//! overlap, and in which each operation does what a single value would have it do.
//!
//! Orders are tried depth first, as Wing and Gong describe it; what is done and the value that it leads to are
//! remembered, so that nothing is tried twice (Lowe).

use std::collections::HashSet;

/// States that are tried, at most.
const MOST_STATES: usize = 2_000_000;

/// What one operation did. There is no value at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellOperation {
    /// It found this value.
    Read(Option<u64>),
    /// It set this value.
    Write(u64),
    /// It found the first and set the second.
    Swap(u64, u64),
    /// It found another value than this, or none.
    Differs(u64),
}

impl CellOperation {
    /// The value after it, if it can happen at this one.
    fn at(self, value: Option<u64>) -> Option<Option<u64>> {
        match self {
            Self::Read(found) => (found == value).then_some(value),
            Self::Write(new) => Some(Some(new)),
            Self::Swap(old, new) => (value == Some(old)).then_some(Some(new)),
            Self::Differs(old) => (value != Some(old)).then_some(value),
        }
    }
}

/// What is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are.
    Yes,
    /// They are not.
    No,
    /// There are too many possibilities.
    Unknown,
}

/// Judges operations, each with the places where it began and ended. One that ended at [`usize::MAX`] may have
/// happened at any time after its beginning, or never.
pub fn linearizable(operations: &[(usize, usize, CellOperation)]) -> Verdict {
    if operations.len() > u128::BITS as usize {
        return Verdict::Unknown;
    }
    let bit = |at: usize| 1_u128 << at;
    let certain = operations.iter().enumerate().filter(|(_, o)| o.1 != usize::MAX);
    let certain = certain.fold(0, |all, (at, _)| all | bit(at));
    let mut tried = HashSet::new();
    let mut states = vec![(0_u128, None)];
    while let Some((done, value)) = states.pop() {
        if done & certain == certain {
            return Verdict::Yes;
        }
        if tried.len() > MOST_STATES {
            return Verdict::Unknown;
        }
        let open = || operations.iter().enumerate().filter(|(at, _)| done & bit(*at) == 0);
        // Whatever comes next began before any other that is left has ended.
        let first_end = open().map(|(_, o)| o.1).min().unwrap_or(usize::MAX);
        for (at, &(began, _, operation)) in open() {
            if began > first_end {
                continue;
            }
            if let Some(value) = operation.at(value) {
                let next = (done | bit(at), value);
                if tried.insert(next) {
                    states.push(next);
                }
            }
        }
    }
    Verdict::No
}

#[cfg(test)]
mod tests {
    use super::CellOperation::{Differs, Read, Swap, Write};
    use super::*;

    const NEVER: usize = usize::MAX;

    #[test]
    fn one_after_the_other() {
        assert_eq!(linearizable(&[(0, 1, Write(1)), (2, 3, Read(Some(1)))]), Verdict::Yes);
        assert_eq!(linearizable(&[(0, 1, Write(1)), (2, 3, Read(None))]), Verdict::No);
        assert_eq!(linearizable(&[(0, 1, Write(1)), (2, 3, Swap(1, 2)), (4, 5, Differs(1))]), Verdict::Yes);
        assert_eq!(linearizable(&[(0, 1, Write(1)), (2, 3, Differs(1))]), Verdict::No);
    }

    #[test]
    fn overlapping_ones_may_come_in_either_order() {
        assert_eq!(linearizable(&[(0, 3, Write(1)), (1, 2, Read(None)), (4, 5, Read(Some(1)))]), Verdict::Yes);
        let two_orders = [(0, 9, Write(1)), (1, 2, Read(Some(1))), (3, 4, Read(None))];
        assert_eq!(linearizable(&two_orders), Verdict::No);
        let two_swaps = [(0, 1, Write(1)), (2, 5, Swap(1, 2)), (3, 4, Swap(1, 3))];
        assert_eq!(linearizable(&two_swaps), Verdict::No);
    }

    #[test]
    fn what_is_unknown_may_happen_late_or_never() {
        let late = [(0, NEVER, Write(1)), (1, 2, Read(None)), (3, 4, Read(Some(1)))];
        assert_eq!(linearizable(&late), Verdict::Yes);
        assert_eq!(linearizable(&[(0, NEVER, Write(1)), (1, 2, Read(None))]), Verdict::Yes);
        assert_eq!(linearizable(&[(2, NEVER, Write(1)), (0, 1, Read(Some(1)))]), Verdict::No);
    }
}
