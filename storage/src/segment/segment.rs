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

    /// Panics if an invariant is broken. Reads keys of the delta: for tests and debug builds.
    pub(crate) fn validate(&self) {
        self.stable.validate(&self.range);
        self.delta.validate();
        for set in &self.history {
            set.validate();
            assert_eq!(set.live(), 0, "history holds a row that is not deleted");
        }
    }

    /// Panics if index, delta and stable disagree: an entry names the newest row of its key, which is
    /// not deleted or a tombstone; no pack has a row of that key that is not deleted; and every row of
    /// the delta that is not deleted has its entry. Only for the newest version, under the update guard.
    pub(crate) fn validate_index(&self) {
        let index = self.index.read();
        index.validate();
        let mut live = 0;
        index.for_each_in(&KeyRange::ALL, |key, entry| {
            assert!(self.range.contains(key), "an index entry outside of the segment");
            let Some((part, row)) = self.delta.locate(entry.ordinal) else {
                panic!("the index names row {} which the delta lacks", entry.ordinal)
            };
            let set = &self.delta.parts()[part].set;
            let (zone, at) = set.rows.locate(row);
            let read = (set.rows.read_keys(zone), set.rows.read_commit_ts(zone), set.rows.read_tombstones(zone));
            let (Ok(keys), Ok(commit_ts), Ok(tombstones)) = read else { return };
            assert_eq!(keys.get(at), key, "the index names a row of another key");
            assert_eq!(commit_ts.value(at), entry.commit_ts.0, "the index has another timestamp than the row");
            let tombstone = tombstones.is_some_and(|t| t.value(at));
            assert_eq!(set.deletes.is_deleted(row), tombstone, "the index names a superseded row");
            live += u64::from(!tombstone);
            let Ok(Some((pack, row))) = self.stable.find_one(key) else { return };
            assert!(self.stable.packs[pack].deletes.is_deleted(row), "a key has a row in the stable and in the delta");
        });
        let in_delta: u64 = self.delta.parts().iter().map(|part| part.set.live()).sum();
        assert!(live == in_delta || self.delta_unreadable(), "a row of the delta has no index entry");
    }

    /// Whether some zone of the delta cannot be read now, so that nothing can be said of its rows.
    fn delta_unreadable(&self) -> bool {
        let zones = |set: &RowSet| (0..set.rows.zone_count()).any(|zone| set.rows.read_keys(zone).is_err());
        self.delta.parts().iter().any(|part| zones(&part.set))
    }

    /// Whether `key` belongs here.
    pub(crate) fn contains(&self, key: KeyRef<'_>) -> bool {
        self.range.contains(key)
    }
}
