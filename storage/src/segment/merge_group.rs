//! The unit of a merge: neighbouring packs and the delta rows between and within them become new
//! packs. Groups do not depend on each other, so several threads can write one each.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::BooleanArray;

use super::Segment;
use super::merge_delta::{DROPPED, MergeContext};
use super::merge_output::{HistoryOutput, PackOutput};
use super::merge_plan::{MergePlan, Slots};
use super::merge_sources::{SortedDelta, needed_after};
use crate::error::Result;
use crate::pack::{Pack, PackRows, filter_rows, interleave_rows};
use crate::row_set::RowSet;
use crate::scan::merge_keys;
use crate::types::{KeyRef, search};

/// See the module documentation.
#[derive(Debug)]
pub(super) struct Group {
    /// Packs of the segment; if empty, the group comes before the first of them.
    pub(super) packs: Range<usize>,
    /// Rows of the sorted delta.
    pub(super) delta: Range<usize>,
}

/// The new packs of a group, their rows numbered from 0.
pub(super) struct GroupOutput {
    pub(super) packs: Vec<Arc<Pack>>,
    /// For each old pack, where each of its rows went, or [`DROPPED`].
    pub(super) pack_maps: Vec<Vec<u32>>,
    /// Where each delta row went.
    pub(super) delta_numbers: Vec<u32>,
    pub(super) history: HistoryOutput,
}

/// Groups in key order: of neighbouring packs as many as make a full pack, of new keys beyond packs
/// as many as fill one.
pub(super) fn divide_into_groups(
    segment: &Segment,
    plan: &MergePlan,
    sorted: &SortedDelta,
    pack_rows: usize,
) -> Vec<Group> {
    let slots = Slots::of(segment);
    let mut ends = slots.ends();
    let mut groups = Vec::new();
    let mut open: Option<Group> = None;
    let mut at = 0;
    for slot in 0..=2 * segment.stable.packs.len() {
        let end = ends.next().map_or(sorted.keys.len(), |inside| at + count(sorted, at, inside));
        let (pack, delta) = (slot / 2, at..end);
        at = end;
        if slot % 2 == 1 && !plan.pack(pack) {
            groups.extend(open.take());
        } else if slot % 2 == 1 {
            let group = open.get_or_insert(Group { packs: pack..pack, delta: delta.start..delta.start });
            group.packs.end = pack + 1;
            group.delta.end = delta.end;
            if group.rows(segment) >= pack_rows / 4 * 3 {
                groups.extend(open.take());
            }
        } else if delta.len() >= 2 * pack_rows {
            groups.extend(open.take());
            let starts = delta.clone().step_by(pack_rows);
            groups.extend(starts.map(|from| Group { packs: pack..pack, delta: from..delta.end.min(from + pack_rows) }));
        } else if !delta.is_empty() {
            open.get_or_insert(Group { packs: pack..pack, delta: delta.clone() }).delta.end = delta.end;
        }
    }
    groups.extend(open);
    groups
}

/// How many keys from `from` on are inside, which is true of the first of them only.
fn count(sorted: &SortedDelta, from: usize, inside: impl Fn(KeyRef<'_>) -> bool) -> usize {
    let order = |at: usize| if inside(sorted.keys.get(at)) { Ordering::Less } else { Ordering::Greater };
    search(from, sorted.keys.len(), order).0 - from
}

impl Group {
    /// Rows that its new packs will have.
    fn rows(&self, segment: &Segment) -> usize {
        self.packs.clone().map(|i| segment.stable.packs[i].live() as usize).sum::<usize>() + self.delta.len()
    }

    /// Writes the new packs.
    pub(super) fn write(
        &self,
        segment: &Segment,
        context: &MergeContext<'_>,
        sorted: &SortedDelta,
    ) -> Result<GroupOutput> {
        let mut writer = GroupWriter {
            output: PackOutput::new(context.files, context.schema, self.rows(segment), context.pack_rows),
            loose: sorted.rows(self.delta.clone())?,
            reached: 0,
            delta_numbers: vec![DROPPED; self.delta.len()],
            history: HistoryOutput::default(),
        };
        let packs = self.packs.clone().map(|i| &segment.stable.packs[i]);
        let pack_maps = packs.map(|set| writer.add_pack(set, context)).collect::<Result<_>>()?;
        writer.add_rest()?;
        Ok(GroupOutput {
            packs: writer.output.finish()?,
            pack_maps,
            delta_numbers: writer.delta_numbers,
            history: writer.history,
        })
    }
}

struct GroupWriter<'a> {
    output: PackOutput<'a>,
    /// The group's delta rows, and how many of them are out.
    loose: Option<PackRows>,
    reached: usize,
    delta_numbers: Vec<u32>,
    history: HistoryOutput,
}

impl GroupWriter<'_> {
    /// Writes what is not deleted of a pack, and the delta rows before and among it.
    fn add_pack(&mut self, set: &RowSet, context: &MergeContext<'_>) -> Result<Vec<u32>> {
        let mut map = vec![DROPPED; set.len()];
        let needed = needed_after(set, context.safe_point);
        for zone in 0..set.rows.zone_count() {
            let range = set.rows.zone_rows(zone);
            let mut rows = set.rows.read_zone(context.schema, zone)?;
            rows.tombstones = None;
            self.history.add_in_zone(&rows, range.start, &needed)?;
            let mut live: Vec<u32> = (range.start as u32..range.end as u32).collect();
            if let Some(mask) = set.deletes.current().mask(range.start, range.len()) {
                live = mask.set_indices().map(|row| (range.start + row) as u32).collect();
                rows = filter_rows(&rows, &BooleanArray::new(mask, None))?;
            }
            let Some(loose) = &self.loose else {
                live.iter().zip(self.output.next..).for_each(|(row, number)| map[*row as usize] = number);
                self.output.write(&rows)?;
                continue;
            };
            let (places, reached) = merge_keys(&rows.keys, &loose.keys, self.reached);
            for ((side, row), number) in places.iter().zip(self.output.next..) {
                match side {
                    0 => map[live[*row] as usize] = number,
                    _ => self.delta_numbers[*row] = number,
                }
            }
            let merged = if reached == self.reached { rows } else { interleave_rows(&[rows, loose.clone()], &places)? };
            self.reached = reached;
            self.output.write(&merged)?;
        }
        Ok(map)
    }

    /// Writes the delta rows after the last pack.
    fn add_rest(&mut self) -> Result<()> {
        let Some(loose) = &self.loose else { return Ok(()) };
        let rest = self.delta_numbers.iter_mut().skip(self.reached);
        rest.zip(self.output.next..).for_each(|(slot, number)| *slot = number);
        self.output.write(&loose.slice(self.reached, loose.len() - self.reached))
    }
}
