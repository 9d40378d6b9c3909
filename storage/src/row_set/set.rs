//! Rows and their deletions: the unit of which packs, delta and history consist.

use std::sync::Arc;

use super::{MemoryRows, Rows};
use crate::delete_vector::{DeleteVector, Deletion};
use crate::error::{Error, Result};
use crate::pack::Pack;
use crate::types::Timestamp;

/// A value: rows never change, and changing the deletions makes a new set, so whoever holds one sees
/// the same rows and the same deletions for as long as it likes.
#[derive(Clone, Debug)]
pub(crate) struct RowSet {
    pub(crate) rows: Rows,
    pub(crate) deletes: Arc<DeleteVector>,
}

impl RowSet {
    /// Rows in memory. Tombstones among them are hidden from the start.
    pub(crate) fn memory(rows: MemoryRows) -> Self {
        let mut deletes = DeleteVector::new(rows.len());
        if let Some(flags) = rows.tombstones() {
            deletes.hide(flags.values().set_indices().map(|row| row as u32));
        }
        Self { rows: Rows::Memory(Arc::new(rows)), deletes: Arc::new(deletes) }
    }

    /// Rows of a file with the deletions known of them.
    pub(crate) fn file(pack: Arc<Pack>, deletes: DeleteVector) -> Result<Self> {
        if deletes.rows() != pack.rows() {
            return Err(Error::Internal(format!(
                "pack {} of {} rows was given a delete vector of {}",
                pack.file(),
                pack.rows(),
                deletes.rows()
            )));
        }
        Ok(Self { rows: Rows::File(pack), deletes: Arc::new(deletes) })
    }

    /// Number of rows, deleted or not.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Rows not yet deleted at any timestamp.
    pub(crate) fn live(&self) -> u64 {
        self.len() as u64 - u64::from(self.deletes.current().count())
    }

    /// Records deletions.
    pub(crate) fn delete(&mut self, entries: &[Deletion]) {
        Arc::make_mut(&mut self.deletes).append(entries);
    }

    /// Rows visible at `ts`, if that is known from metadata: no row of the set is newer.
    pub(crate) fn visible_at(&self, ts: Timestamp) -> Option<u64> {
        (self.rows.max_commit_ts() <= ts).then(|| self.len() as u64 - self.deletes.count_at(ts))
    }

    /// Panics if an invariant is broken.
    pub(crate) fn validate(&self) {
        self.deletes.validate();
        assert_eq!(self.deletes.rows() as usize, self.len(), "delete vector of another size");
    }
}
