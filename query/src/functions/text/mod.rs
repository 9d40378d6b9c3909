//! Text.

pub(super) mod build;
pub(super) mod encode;
pub(super) mod search;
pub(super) mod slice;
