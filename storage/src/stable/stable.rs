//! Ordered packs that do not overlap; each holds one row a key.

use crate::error::Result;
use crate::pack::{Pack, slice_keys};
use crate::row_set::{BlockList, RowSet};
use crate::types::{KeyArray, KeyRange, KeyRef, search};

/// See the module documentation. Invariants:
///
/// 1. Every set is a sorted pack with at least one row.
/// 2. The last key of a pack is before the first key of the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stable {
    pub(crate) packs: BlockList<RowSet>,
}

impl Stable {
    /// Packs in key order.
    pub(crate) fn new(packs: impl IntoIterator<Item = RowSet>) -> Self {
        Self { packs: packs.into_iter().collect() }
    }

    /// First and last key of pack `i`.
    pub(crate) fn bounds(&self, i: usize) -> Option<(KeyRef<'_>, KeyRef<'_>)> {
        self.packs[i].rows.pack().and_then(|p| pack_bounds(p))
    }

    /// Number of rows, deleted or not.
    pub(crate) fn rows(&self) -> u64 {
        self.packs.iter().map(|p| p.len() as u64).sum()
    }

    /// Finds distinct, ascending keys: the pack and row of each that is there. Keys outside of every
    /// pack cost no read.
    pub(crate) fn find(&self, keys: &KeyArray) -> Result<Vec<Option<(u32, u32)>>> {
        let mut found = vec![None; keys.len()];
        let (mut at, mut i) = (0, 0);
        while at < keys.len() {
            i = self.pack_at_or_after(keys.get(at), i);
            let Some(pack) = self.packs.get(i).and_then(|set| set.rows.pack()) else { break };
            let Some((_, last)) = pack_bounds(pack) else { break };
            let (end, at_last) = search(at, keys.len(), |row| keys.compare(row, last));
            let end = end + usize::from(at_last);
            let rows = pack.find_sorted(&slice_keys(keys, at, end - at))?;
            for (slot, row) in found[at..end].iter_mut().zip(rows) {
                *slot = row.map(|row| (i as u32, row));
            }
            at = end;
        }
        Ok(found)
    }

    /// The first pack from `from` on whose last key is at or after `key`.
    fn pack_at_or_after(&self, key: KeyRef<'_>, from: usize) -> usize {
        let last = |i: usize| self.packs[i].rows.pack().and_then(|p| pack_bounds(p)).map(|(_, last)| last);
        search(from, self.packs.len(), |i| last(i).cmp(&Some(key))).0
    }

    /// Finds one key.
    pub(crate) fn find_one(&self, key: KeyRef<'_>) -> Result<Option<(usize, u32)>> {
        let i = self.pack_at_or_after(key, 0);
        let Some(pack) = self.packs.get(i).and_then(|set| set.rows.pack()) else { return Ok(None) };
        Ok(pack.find(key)?.map(|row| (i, row)))
    }

    /// Panics if an invariant is broken.
    pub(crate) fn validate(&self, range: &KeyRange) {
        let mut previous: Option<KeyRef<'_>> = None;
        for (i, set) in self.packs.iter().enumerate() {
            set.validate();
            let pack = set.rows.pack();
            assert!(pack.is_some_and(|p| p.sorted()), "a stable array is not a sorted pack");
            let Some((first, last)) = self.bounds(i) else { panic!("an empty pack in the stable") };
            assert!(previous.is_none_or(|p| p < first) && first <= last, "packs overlap");
            assert!(range.contains(first) && range.contains(last), "a pack reaches out of its segment");
            previous = Some(last);
        }
    }
}

fn pack_bounds(pack: &Pack) -> Option<(KeyRef<'_>, KeyRef<'_>)> {
    let last = pack.zone_count().checked_sub(1)?;
    Some((pack.zone_first_key(0), pack.zone_last_key(last)))
}
