//! Deletions of one immutable array of rows, with the timestamps at which they took effect.

mod bitmap;
mod codec;
mod tail;
mod vector;

#[cfg(test)]
mod tests;

pub(crate) use bitmap::RowBitmap;
pub(crate) use codec::StoredVector;
pub(crate) use tail::Deletion;
pub(crate) use vector::DeleteVector;
