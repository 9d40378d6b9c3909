//! A segment: all that the engine knows of one key range.
//!
//! ```text
//!   keys →   range.start                                   range.end
//!   stable   [ pack 12 ][ pack 31 ]      [ pack 14 ]            sorted, one row a key
//!   delta    ≋ chunk 40 ≋ chunk 43 ≋ memory parts ≋             arrival order, any keys
//!   history  ≋ chunk 41 ≋                                       superseded rows that readers of the past need
//! ```
//!
//! Every row version is in exactly one of the three, and each array of rows carries its delete
//! vector, so the rows visible at T are found array by array, without comparing keys: `insert_ts ≤ T
//! and not deleted at or before T`. What differs is only how an array is searched by key: packs by
//! binary search, the delta by its index, history not at all (nothing in it can be overwritten).
//!
//! A segment is a value. Each change makes a new one that shares what did not change, and is
//! published together with the changes of the table's other segments.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::delta::Delta;
use crate::delta_index::DeltaIndex;
use crate::error::{Error, Result};
use crate::row_set::RowSet;
use crate::stable::Stable;
use crate::types::{KeyKind, KeyRange, KeyRef, SegmentId, Timestamp};

/// See the module documentation. Invariants:
///
/// 1. Every key of stable, delta and history lies in `range`.
/// 2. A key has at most one row that is not deleted at any timestamp, in stable or delta.
/// 3. The index names, for each key with rows in the delta, the newest of them.
/// 4. Every row of history is deleted.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) id: SegmentId,
    pub(crate) range: KeyRange,
    pub(crate) stable: Stable,
    pub(crate) delta: Delta,
    pub(crate) history: Vec<RowSet>,
    /// Shared by all versions of the segment since the delta last lost rows; it is always that of
    /// the newest of them, so it knows at least the keys of this one's delta. Changed only under the
    /// table's update guard.
    pub(crate) index: Arc<RwLock<DeltaIndex>>,
}

impl Segment {
    /// A segment without rows.
    pub(crate) fn new(id: SegmentId, range: KeyRange, kind: KeyKind) -> Self {
        Self {
            id,
            range,
            stable: Stable::default(),
            delta: Delta::default(),
            history: Vec::new(),
            index: Arc::new(RwLock::new(DeltaIndex::new(kind, 0))),
        }
    }

    /// Every array of rows: stable, then delta, then history.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &RowSet> {
        self.stable.packs.iter().chain(self.delta.parts().iter().map(|p| &p.set)).chain(&self.history)
    }

    /// Rows that no newer version has replaced yet.
    pub(crate) fn live_rows(&self) -> u64 {
        self.sets().map(RowSet::live).sum()
    }

    /// Latest commit in the segment.
    pub(crate) fn max_commit_ts(&self) -> Timestamp {
        self.sets().map(|s| s.rows.max_commit_ts()).max().unwrap_or_default()
    }

    /// Changes the deletions of every array of rows.
    pub(crate) fn for_each_set(&mut self, mut change: impl FnMut(&mut RowSet)) {
        self.stable.packs.for_each_mut(&mut change);
        self.delta.for_each_set(&mut change);
        self.history.iter_mut().for_each(&mut change);
    }

    /// Builds the index of a delta that was read back: later rows win.
    pub(crate) fn rebuild_index(&mut self, kind: KeyKind) -> Result<()> {
        let mut index = DeltaIndex::new(kind, self.delta.first());
        for part in self.delta.parts() {
            for zone in 0..part.set.rows.zone_count() {
                let keys = part.set.rows.read_keys(zone)?;
                if keys.kind() != kind {
                    return Err(Error::Internal(format!("segment {} holds keys of another kind", self.id)));
                }
                let commit_ts = part.set.rows.read_commit_ts(zone)?;
                let start = part.start + part.set.rows.zone_rows(zone).start as u64;
                for row in 0..keys.len() {
                    let commit_ts = Timestamp(commit_ts.value(row));
                    if index.get(keys.get(row)).is_none_or(|e| e.commit_ts < commit_ts) {
                        let ordinal = start + row as u64;
                        index.insert(keys.get(row), crate::delta_index::IndexEntry { ordinal, commit_ts });
                    }
                }
            }
        }
        self.index = Arc::new(RwLock::new(index));
        Ok(())
    }

    /// Panics if an invariant is broken. Reads keys of the delta: for tests and debug builds.
    pub(crate) fn validate(&self) {
        self.stable.validate(&self.range);
        self.delta.validate();
        for set in &self.history {
            set.validate();
            assert_eq!(set.live(), 0, "history holds a row that is not deleted");
        }
    }

    /// Panics if index and delta disagree. Only for the newest version, under the update guard.
    pub(crate) fn validate_index(&self) {
        let index = self.index.read();
        index.validate();
        index.for_each_in(&KeyRange::ALL, |key, entry| {
            assert!(self.range.contains(key), "an index entry outside of the segment");
            let Some((part, row)) = self.delta.locate(entry.ordinal) else {
                panic!("the index names row {} which the delta lacks", entry.ordinal)
            };
            let rows = &self.delta.parts()[part].set.rows;
            let (zone, at) = rows.locate(row);
            let (Ok(keys), Ok(commit_ts)) = (rows.read_keys(zone), rows.read_commit_ts(zone)) else { return };
            assert_eq!(keys.get(at), key, "the index names a row of another key");
            assert_eq!(commit_ts.value(at), entry.commit_ts.0, "the index has another timestamp than the row");
        });
    }

    /// Whether `key` belongs here.
    pub(crate) fn contains(&self, key: KeyRef<'_>) -> bool {
        self.range.contains(key)
    }
}
