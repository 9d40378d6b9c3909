//! Who is overwritten: each incoming row's predecessor, found once, when it is applied.
//!
//! For each key of a batch, in key order: the delta index knows the newest row if the delta has one;
//! otherwise the key is looked up in the packs (all such keys together, so that each zone's keys are
//! decoded once). From there the batch's own versions of the key are walked in order. A version that
//! is not newer than the newest known one has been applied before and is dropped.

use arrow::array::UInt32Array;

use super::Segment;
use crate::delta_index::{DeltaIndex, IndexEntry, LeafHint};
use crate::error::Result;
use crate::pack::{PackRows, key_order, take_keys};
use crate::types::Timestamp;

/// Where a row version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Stable {
        pack: usize,
        row: u32,
    },
    Delta {
        part: usize,
        row: u32,
    },
    /// In the batch itself.
    Batch(u32),
}

/// What applying a batch to a segment means.
#[derive(Debug, Default)]
pub(super) struct Resolution {
    /// Whether each row is new.
    pub(super) accepted: Vec<bool>,
    pub(super) accepted_count: usize,
    /// Rows that the accepted ones replace.
    pub(super) deletions: Vec<(Place, Timestamp)>,
    /// The newest accepted row of each key, in key order, with where it goes in the index.
    pub(super) newest: Vec<(u32, LeafHint)>,
}

/// The rows of one key in a batch.
struct Group {
    /// Where they begin in key order.
    start: usize,
    known: Option<Known>,
    hint: LeafHint,
}

/// The newest version known of a key before the batch.
#[derive(Clone, Copy)]
struct Known {
    /// Where it is, unless it is a tombstone or already deleted.
    live: Option<Place>,
    /// Its timestamp, or none if it is older than every row of the batch.
    commit_ts: Option<Timestamp>,
}

/// Compares the rows with what the segment holds. Reads packs; changes nothing.
pub(super) fn resolve(segment: &Segment, index: &DeltaIndex, rows: &PackRows, floor: Timestamp) -> Result<Resolution> {
    let order = key_order(&rows.keys);
    let mut groups: Vec<Group> = Vec::with_capacity(order.len());
    let mut unknown = Vec::new();
    for (at, row) in order.iter().enumerate() {
        let key = rows.keys.get(*row as usize);
        if at > 0 && rows.keys.get(order[at - 1] as usize) == key {
            continue;
        }
        let (entry, hint) = index.probe(key);
        let known = entry.and_then(|entry| known_in_delta(segment, entry));
        if known.is_none() {
            unknown.push((groups.len(), *row));
        }
        groups.push(Group { start: at, known, hint });
    }
    probe_stable(segment, rows, &unknown, &mut groups)?;

    let mut out = Resolution { accepted: vec![false; order.len()], ..Resolution::default() };
    for (g, group) in groups.iter().enumerate() {
        let end = groups.get(g + 1).map_or(order.len(), |next| next.start);
        let (mut live, mut newest) = group.known.map_or((None, None), |k| (k.live, k.commit_ts));
        let mut last = None;
        for row in &order[group.start..end] {
            let commit_ts = Timestamp(rows.commit_ts.value(*row as usize));
            if commit_ts <= floor || newest.is_some_and(|n| commit_ts <= n) {
                continue;
            }
            if let Some(place) = live {
                out.deletions.push((place, commit_ts));
            }
            let tombstone = rows.tombstones.as_ref().is_some_and(|t| t.value(*row as usize));
            live = (!tombstone).then_some(Place::Batch(*row));
            newest = Some(commit_ts);
            last = Some(*row);
            out.accepted[*row as usize] = true;
            out.accepted_count += 1;
        }
        out.newest.extend(last.map(|row| (row, group.hint)));
    }
    Ok(out)
}

fn known_in_delta(segment: &Segment, entry: IndexEntry) -> Option<Known> {
    let (part, row) = segment.delta.locate(entry.ordinal)?;
    let dead = segment.delta.parts()[part].set.deletes.is_deleted(row);
    Some(Known { live: (!dead).then_some(Place::Delta { part, row }), commit_ts: Some(entry.commit_ts) })
}

/// Looks the keys at `unknown` (group, row; in key order) up in the packs.
fn probe_stable(segment: &Segment, rows: &PackRows, unknown: &[(usize, u32)], groups: &mut [Group]) -> Result<()> {
    if unknown.is_empty() || segment.stable.packs.is_empty() {
        return Ok(());
    }
    // Rows come in key order more often than not: always if there is but one.
    let in_order = unknown.len() == rows.len() && (0..).zip(unknown).all(|(at, (_, row))| at == *row);
    let keys = if in_order {
        rows.keys.clone()
    } else {
        let indices: UInt32Array = unknown.iter().map(|(_, row)| *row).collect::<Vec<_>>().into();
        take_keys(&rows.keys, &indices)?
    };
    let oldest = Timestamp(rows.commit_ts.values().iter().copied().min().unwrap_or_default());
    for ((group, _), found) in unknown.iter().zip(segment.stable.find(&keys)?) {
        let Some((pack, row)) = found else { continue };
        let set = &segment.stable.packs[pack as usize];
        // Only a replayed batch can be as old as what the packs hold; only then is the time read.
        let (zone, _) = set.rows.locate(row);
        let commit_ts =
            if oldest <= set.rows.zone_max_commit_ts(zone) { Some(set.rows.row_commit_ts(row)?) } else { None };
        let live = (!set.deletes.is_deleted(row)).then_some(Place::Stable { pack: pack as usize, row });
        groups[*group].known = Some(Known { live, commit_ts });
    }
    Ok(())
}
