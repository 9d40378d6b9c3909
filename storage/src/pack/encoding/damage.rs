//! Why bytes are not a block.

use std::fmt;

/// What is wrong with a block, in words that follow "column c, zone z: ".
#[derive(Debug)]
pub(crate) struct Damage(String);

impl Damage {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the text of a block must be checked to be UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The block was not read before.
    Fresh,
    /// The same immutable bytes were decoded before under [`Trust::Fresh`], without damage.
    Checked,
}
