//! Commit and read timestamps.

use serde::{Deserialize, Serialize};

/// An opaque, totally ordered version. The engine only compares timestamps; whoever writes decides
/// what they mean (the learner uses physical milliseconds shifted left by 18, plus a counter).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Before every commit.
    pub const ZERO: Self = Self(0);
    /// After every commit: a snapshot at `MAX` sees all that was applied.
    pub const MAX: Self = Self(u64::MAX);
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
