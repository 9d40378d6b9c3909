//! Structures that the engine keeps to itself, for benchmarks: used here as the engine uses them.

use crate::delete_vector::{DeleteVector, Deletion};
use crate::delta_index::{DeltaIndex, IndexEntry};
use crate::types::{KeyKind, KeyRef, Timestamp};

/// The index of a delta with integer keys.
#[derive(Debug)]
pub struct IndexUnderTest(DeltaIndex);

impl Default for IndexUnderTest {
    fn default() -> Self {
        Self(DeltaIndex::new(KeyKind::Int, 0))
    }
}

impl IndexUnderTest {
    /// Looks the keys up and makes the rows from ordinal `first` on their newest, as apply does with a
    /// batch. Gives how many were there.
    pub fn place(&mut self, keys: &[i64], first: u64) -> usize {
        let probed: Vec<_> = keys.iter().map(|key| self.0.probe(KeyRef::Int(*key))).collect();
        for ((key, (_, hint)), ordinal) in keys.iter().zip(&probed).zip(first..) {
            self.0.insert_at(*hint, KeyRef::Int(*key), IndexEntry { ordinal, commit_ts: Timestamp(ordinal) });
        }
        probed.iter().filter(|(before, _)| before.is_some()).count()
    }

    /// The ordinal of a key's newest row.
    pub fn probe(&self, key: i64) -> Option<u64> {
        self.0.get(KeyRef::Int(key)).map(|entry| entry.ordinal)
    }
}

/// The delete vector of an array of rows.
#[derive(Clone, Debug)]
pub struct DeletionsUnderTest(DeleteVector);

impl DeletionsUnderTest {
    /// Of an array of `rows` rows, none deleted.
    pub fn new(rows: usize) -> Self {
        Self(DeleteVector::new(rows))
    }

    /// Deletes rows at a timestamp.
    pub fn delete(&mut self, ts: u64, rows: impl Iterator<Item = u32>) {
        self.0.append(&rows.map(|row| Deletion { commit_ts: Timestamp(ts), row }).collect::<Vec<_>>());
    }

    /// Folds what is deleted up to a timestamp into the checkpoint.
    pub fn advance_checkpoint(&mut self, ts: u64) {
        self.0.advance_checkpoint(Timestamp(ts));
    }

    /// How many rows a reader at the timestamp does not see, as its masks say, zone by zone.
    pub fn masked(&self, ts: u64, zone_rows: usize) -> usize {
        let deleted = self.0.at(Timestamp(ts));
        let starts = (0..self.0.rows() as usize).step_by(zone_rows);
        let masks = starts.filter_map(|start| deleted.mask(start, zone_rows.min(self.0.rows() as usize - start)));
        masks.map(|mask| mask.len() - mask.count_set_bits()).sum()
    }
}
