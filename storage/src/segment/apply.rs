//! Applying a batch to a segment: everything that can fail first, then the change.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::BooleanArray;

use super::Segment;
use super::resolve::{Place, Resolution, resolve};
use crate::delete_vector::Deletion;
use crate::delta_index::{IndexEntry, LeafHint};
use crate::error::Result;
use crate::pack::{PackRows, filter_rows};
use crate::row_set::{MemoryRows, RowSet};
use crate::types::{TableSchema, Timestamp};

/// A batch that was compared with its segment and only waits to be put in.
#[derive(Debug)]
pub(crate) struct Prepared {
    resolution: Resolution,
    /// The accepted rows.
    rows: Option<PackRows>,
}

impl Prepared {
    /// Finds every row's predecessor. Reads packs, changes nothing. The caller holds the update
    /// guard until the batch is in.
    pub(crate) fn new(segment: &Segment, rows: &PackRows, floor: Timestamp) -> Result<Self> {
        let resolution = resolve(segment, &segment.index.read(), rows, floor)?;
        let rows = match resolution.accepted_count {
            0 => None,
            n if n == rows.len() => Some(rows.clone()),
            _ => Some(filter_rows(rows, &BooleanArray::from(resolution.accepted.clone()))?),
        };
        Ok(Self { resolution, rows })
    }

    /// Rows that will be added.
    pub(crate) fn accepted(&self) -> usize {
        self.resolution.accepted_count
    }

    /// Rows that will be superseded.
    pub(crate) fn replaced(&self) -> usize {
        self.resolution.deletions.len()
    }

    /// The segment with the batch in it, its index still without. `None` if the batch changes
    /// nothing.
    pub(crate) fn apply(self, segment: &Segment, schema: &Arc<TableSchema>) -> Result<Option<Applied>> {
        let Some(rows) = self.rows else { return Ok(None) };
        let mut segment = segment.clone();
        let rank = ranks(&self.resolution.accepted);
        let memory = MemoryRows::new(schema.clone(), rows.clone());
        let bytes = memory.bytes();
        let mut set = RowSet::memory(memory);
        // Deletions come in key order, so those of a pack come together.
        let mut stable: Vec<(usize, Vec<Deletion>)> = Vec::new();
        let mut delta: BTreeMap<usize, Vec<Deletion>> = BTreeMap::new();
        let mut own = Vec::new();
        for (place, commit_ts) in &self.resolution.deletions {
            let commit_ts = *commit_ts;
            match *place {
                Place::Stable { pack, row } => match stable.last_mut() {
                    Some((last, entries)) if *last == pack => entries.push(Deletion { commit_ts, row }),
                    Some(_) | None => stable.push((pack, vec![Deletion { commit_ts, row }])),
                },
                Place::Delta { part, row } => delta.entry(part).or_default().push(Deletion { commit_ts, row }),
                Place::Batch(row) => own.push(Deletion { commit_ts, row: rank[row as usize] }),
            }
        }
        stable.into_iter().for_each(|(pack, entries)| segment.stable.packs.get_mut(pack).delete(&entries));
        delta.into_iter().for_each(|(part, entries)| segment.delta.delete(part, &entries));
        set.delete(&own);

        let start = segment.delta.next();
        segment.delta.append(set);
        segment.delta.join_tail(schema)?;
        let newest = self.resolution.newest.iter().map(|(row, hint)| (rank[*row as usize], *hint)).collect();
        Ok(Some(Applied { segment, rows, bytes, start, newest }))
    }
}

/// A segment with a batch in it. Cannot fail any more.
#[derive(Debug)]
pub(crate) struct Applied {
    segment: Segment,
    rows: PackRows,
    /// Of the rows, not encoded.
    pub(crate) bytes: usize,
    start: u64,
    /// The newest row of each key, and where it goes in the index.
    newest: Vec<(u32, LeafHint)>,
}

impl Applied {
    /// Enters the rows into the index and gives the segment, to be published under the same guard.
    pub(crate) fn finish(self) -> Segment {
        let mut index = self.segment.index.write();
        for (row, hint) in &self.newest {
            let commit_ts = Timestamp(self.rows.commit_ts.value(*row as usize));
            let ordinal = self.start + u64::from(*row);
            index.insert_at(*hint, self.rows.keys.get(*row as usize), IndexEntry { ordinal, commit_ts });
        }
        drop(index);
        self.segment
    }
}

/// The number that each accepted row has among the accepted ones.
fn ranks(accepted: &[bool]) -> Vec<u32> {
    let mut next = 0;
    accepted
        .iter()
        .map(|a| {
            let rank = next;
            next += u32::from(*a);
            rank
        })
        .collect()
}
