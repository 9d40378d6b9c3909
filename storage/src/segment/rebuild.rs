//! The delta index of a delta that was read back.
//!
//! Of each key, the last row in the delta is its newest one there. If that row is not deleted, the
//! index names it. If it is deleted and no tombstone, the key's newest version has left for a pack,
//! and the index says nothing. If it is a tombstone, it may be that a merge has dropped it and only
//! its bytes are still there: then a pack may have a newer version of the key, and is asked.

use std::sync::Arc;

use arrow::array::{UInt32Array, UInt64Array};
use parking_lot::RwLock;

use super::Segment;
use crate::delta_index::{DeltaIndex, IndexEntry};
use crate::error::{Error, Result};
use crate::pack::{concat_keys, key_order, take_keys};
use crate::types::{KeyArray, KeyKind, Timestamp};

/// All rows of a delta, in order of their ordinals.
struct DeltaRows {
    keys: KeyArray,
    commit_ts: Vec<u64>,
    ordinals: Vec<u64>,
    tombstones: Vec<bool>,
    deleted: Vec<bool>,
}

impl Segment {
    /// Builds the index anew from what delta and stable hold.
    pub(crate) fn rebuild_index(&mut self, kind: KeyKind) -> Result<()> {
        let mut index = DeltaIndex::new(kind, self.delta.first());
        let rows = self.read_delta_rows(kind)?;
        let order = key_order(&rows.keys);
        let mut tombstones = Vec::new();
        for (at, row) in order.iter().enumerate() {
            let row = *row as usize;
            let key = rows.keys.get(row);
            if order.get(at + 1).is_some_and(|next| rows.keys.get(*next as usize) == key) {
                continue;
            }
            if rows.tombstones[row] {
                tombstones.push(row as u32);
            } else if !rows.deleted[row] {
                index.insert(key, rows.entry(row));
            }
        }
        let superseded = self.superseded_by_packs(&rows, &tombstones)?;
        for (row, _) in tombstones.iter().zip(superseded).filter(|(_, superseded)| !superseded) {
            index.insert(rows.keys.get(*row as usize), rows.entry(*row as usize));
        }
        self.index = Arc::new(RwLock::new(index));
        Ok(())
    }

    fn read_delta_rows(&self, kind: KeyKind) -> Result<DeltaRows> {
        let mut keys = Vec::new();
        let (mut commit_ts, mut ordinals) = (Vec::new(), Vec::new());
        let (mut tombstones, mut deleted) = (Vec::new(), Vec::new());
        for part in self.delta.parts() {
            for zone in 0..part.set.rows.zone_count() {
                let of_zone = part.set.rows.read_keys(zone)?;
                if of_zone.kind() != kind {
                    return Err(Error::Internal(format!("segment {} holds keys of another kind", self.id)));
                }
                let range = part.set.rows.zone_rows(zone);
                commit_ts.extend_from_slice(part.set.rows.read_commit_ts(zone)?.values());
                ordinals.extend(range.clone().map(|row| part.start + row as u64));
                deleted.extend(range.clone().map(|row| part.set.deletes.is_deleted(row as u32)));
                match part.set.rows.read_tombstones(zone)? {
                    Some(flags) => tombstones.extend(flags.values().iter()),
                    None => tombstones.resize(tombstones.len() + range.len(), false),
                }
                keys.push(of_zone);
            }
        }
        Ok(DeltaRows { keys: concat_keys(&keys, kind)?, commit_ts, ordinals, tombstones, deleted })
    }

    /// For each of the rows, which are in key order, whether a pack has a newer version of its key.
    fn superseded_by_packs(&self, rows: &DeltaRows, wanted: &[u32]) -> Result<Vec<bool>> {
        let keys = take_keys(&rows.keys, &UInt32Array::from(wanted.to_vec()))?;
        let mut last_read: Option<(u32, usize, UInt64Array)> = None;
        let mut superseded = Vec::with_capacity(wanted.len());
        for (row, found) in wanted.iter().zip(self.stable.find(&keys)?) {
            let commit_ts = rows.commit_ts[*row as usize];
            let Some((pack, at)) = found else {
                superseded.push(false);
                continue;
            };
            let stored = &self.stable.packs[pack as usize].rows;
            let (zone, at) = stored.locate(at);
            if stored.zone_max_commit_ts(zone).0 <= commit_ts {
                superseded.push(false);
                continue;
            }
            let times = match last_read.take() {
                Some((p, z, times)) if (p, z) == (pack, zone) => times,
                Some(_) | None => stored.read_commit_ts(zone)?,
            };
            superseded.push(times.value(at) > commit_ts);
            last_read = Some((pack, zone, times));
        }
        Ok(superseded)
    }
}

impl DeltaRows {
    fn entry(&self, row: usize) -> IndexEntry {
        IndexEntry { ordinal: self.ordinals[row], commit_ts: Timestamp(self.commit_ts[row]) }
    }
}
