//! Ordered packs that do not overlap; each holds one row a key.

use crate::error::Result;
use crate::pack::Pack;
use crate::row_set::{RowSet, slice_keys};
use crate::types::{KeyArray, KeyRange, KeyRef};

/// See the module documentation. Invariants:
///
/// 1. Every set is a sorted pack with at least one row.
/// 2. The last key of a pack is before the first key of the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stable {
    pub(crate) packs: Vec<RowSet>,
}

impl Stable {
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
        let mut at = 0;
        for (i, set) in self.packs.iter().enumerate() {
            let Some(pack) = set.rows.pack() else { continue };
            let Some((first, last)) = pack_bounds(pack) else { continue };
            let from = at + partition(keys, at, |key| key < first);
            let to = from + partition(keys, from, |key| key <= last);
            if from < to {
                let rows = pack.find_sorted(&slice_keys(keys, from, to - from))?;
                for (slot, row) in found[from..to].iter_mut().zip(rows) {
                    *slot = row.map(|row| (i as u32, row));
                }
            }
            at = to;
            if at == keys.len() {
                break;
            }
        }
        Ok(found)
    }

    /// Finds one key.
    pub(crate) fn find_one(&self, key: KeyRef<'_>) -> Result<Option<(usize, u32)>> {
        let i = self
            .packs
            .partition_point(|set| set.rows.pack().and_then(|p| pack_bounds(p)).is_some_and(|(_, last)| last < key));
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

/// How many keys from `from` on satisfy `before`, which is true of a prefix.
fn partition(keys: &KeyArray, from: usize, before: impl Fn(KeyRef<'_>) -> bool) -> usize {
    let (mut low, mut high) = (from, keys.len());
    while low < high {
        let mid = low + (high - low) / 2;
        if before(keys.get(mid)) { low = mid + 1 } else { high = mid }
    }
    low - from
}
