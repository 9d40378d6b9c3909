//! Delete vectors as bytes: what the delete vector files hold.

use serde::{Deserialize, Serialize};

use super::bitmap::RowBitmap;
use super::tail::Deletion;
use super::vector::DeleteVector;
use crate::types::Timestamp;

/// A vector as it is stored. Checkpoint rows are gaps between successive members: scattered
/// deletions take one byte or two each, dense ones one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredVector {
    rows: u32,
    checkpoint_ts: Timestamp,
    checkpoint_gaps: Vec<u32>,
    tail: Vec<Deletion>,
}

impl From<&DeleteVector> for StoredVector {
    fn from(vector: &DeleteVector) -> Self {
        let mut next = 0;
        let gaps = vector.checkpoint().iter().map(|row| row - std::mem::replace(&mut next, row + 1));
        Self {
            rows: vector.rows(),
            checkpoint_ts: vector.checkpoint_ts(),
            checkpoint_gaps: gaps.collect(),
            tail: vector.tail().collect(),
        }
    }
}

impl StoredVector {
    /// The vector, for an array of `rows` rows; `None` if the bytes do not describe one.
    pub(crate) fn restore(&self, rows: u32) -> Option<DeleteVector> {
        if self.rows != rows {
            return None;
        }
        let mut checkpoint = RowBitmap::default();
        let mut next = 0u32;
        for gap in &self.checkpoint_gaps {
            let row = next.checked_add(*gap).filter(|row| *row < rows)?;
            checkpoint.insert(row);
            next = row + 1;
        }
        DeleteVector::from_parts(rows, self.checkpoint_ts, checkpoint, &self.tail)
    }
}
