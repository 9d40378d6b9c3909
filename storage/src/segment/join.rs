//! Two neighbouring segments become one. Nothing is read or written: the arrays of rows stay as they
//! are, and only the ordinals of the right delta are moved behind those of the left.

use std::sync::Arc;

use parking_lot::RwLock;

use super::Segment;
use crate::delta_index::{DeltaIndex, IndexEntry};
use crate::stable::Stable;
use crate::types::{KeyKind, KeyRange, SegmentId};

/// One segment in the place of `left` and `right`, which must be neighbours. The caller holds the
/// update guard until it is published.
pub(crate) fn join(left: &Segment, right: &Segment, id: SegmentId, kind: KeyKind) -> Segment {
    let range = KeyRange { start: left.range.start.clone(), end: right.range.end.clone() };
    let mut joined = Segment::new(id, range, kind);
    joined.stable = Stable::new(left.stable.packs.iter().chain(&right.stable.packs).cloned());
    joined.history = left.history.iter().chain(&right.history).cloned().collect();
    joined.delta = left.delta.clone();
    let shift = joined.delta.extend(&right.delta);

    let mut index = DeltaIndex::new(kind, joined.delta.first());
    left.index.read().for_each_in(&KeyRange::ALL, |key, entry| index.insert(key, entry));
    right.index.read().for_each_in(&KeyRange::ALL, |key, entry| {
        index.insert(key, IndexEntry { ordinal: entry.ordinal - right.delta.first() + shift, ..entry });
    });
    joined.index = Arc::new(RwLock::new(index));
    joined
}
