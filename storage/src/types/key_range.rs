//! Half-open ranges of row keys.

use serde::{Deserialize, Serialize};

use super::{KeyKind, KeyRef, RowKey};

/// `start ≤ key < end`; a missing bound is open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRange {
    /// Smallest key in the range, or none.
    pub start: Option<RowKey>,
    /// Smallest key after the range, or none.
    pub end: Option<RowKey>,
}

impl KeyRange {
    /// Every key.
    pub const ALL: Self = Self { start: None, end: None };

    /// Whether `key` lies in the range.
    pub fn contains(&self, key: KeyRef<'_>) -> bool {
        self.start.as_ref().is_none_or(|s| s.as_ref() <= key) && self.end.as_ref().is_none_or(|e| key < e.as_ref())
    }

    /// Whether the bounds are keys of that kind.
    pub(crate) fn is_of(&self, kind: KeyKind) -> bool {
        self.start.iter().chain(&self.end).all(|bound| bound.kind() == kind)
    }

    /// Whether no key can lie in the range.
    pub fn is_empty(&self) -> bool {
        matches!((&self.start, &self.end), (Some(s), Some(e)) if s >= e)
    }

    /// The keys that lie in both.
    pub fn intersect(&self, other: &Self) -> Self {
        let start = match (&self.start, &other.start) {
            (Some(a), Some(b)) => Some(a.max(b).clone()),
            (a, b) => a.clone().or_else(|| b.clone()),
        };
        let end = match (&self.end, &other.end) {
            (Some(a), Some(b)) => Some(a.min(b).clone()),
            (a, b) => a.clone().or_else(|| b.clone()),
        };
        Self { start, end }
    }

    /// Whether some key can lie in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.intersect(other).is_empty()
    }

    /// The two halves around `at`, which becomes the first key of the second.
    pub fn split(&self, at: RowKey) -> (Self, Self) {
        (Self { start: self.start.clone(), end: Some(at.clone()) }, Self { start: Some(at), end: self.end.clone() })
    }
}
