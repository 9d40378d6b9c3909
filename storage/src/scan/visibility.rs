//! Which rows of an array are visible at T.
//!
//! | the zone | what is read |
//! |---|---|
//! | no deletion at or before T, no commit after T | nothing: every row is visible |
//! | some deletions | the delete vector's bitmap, as a mask |
//! | some commits after T | also the zone's commit timestamps |

use std::ops::Range;
use std::sync::Arc;

use arrow::buffer::BooleanBuffer;

use crate::delete_vector::{DeleteVector, RowBitmap};
use crate::error::Result;
use crate::row_set::RowSet;
use crate::types::Timestamp;

/// The rows of one array that are deleted at the reader's timestamp.
#[derive(Debug)]
pub(super) struct Deleted {
    vector: Arc<DeleteVector>,
    /// Set if the timestamp lies before the newest deletion.
    past: Option<RowBitmap>,
}

impl Deleted {
    pub(super) fn at(set: &RowSet, ts: Timestamp) -> Self {
        let past = match set.deletes.at(ts) {
            std::borrow::Cow::Borrowed(_) => None,
            std::borrow::Cow::Owned(bitmap) => Some(bitmap),
        };
        Self { vector: set.deletes.clone(), past }
    }

    pub(super) fn bitmap(&self) -> &RowBitmap {
        self.past.as_ref().unwrap_or_else(|| self.vector.current())
    }
}

/// The mask of the visible ones among `rows`, all of which lie in `zone`; `None` if all are.
pub(super) fn visible(
    set: &RowSet,
    deleted: &Deleted,
    ts: Timestamp,
    zone: usize,
    rows: &Range<usize>,
) -> Result<Option<BooleanBuffer>> {
    let mask = deleted.bitmap().mask(rows.start, rows.len());
    if set.rows.zone_max_commit_ts(zone) <= ts || mask.as_ref().is_some_and(|m| m.count_set_bits() == 0) {
        return Ok(mask);
    }
    let offset = rows.start - set.rows.zone_rows(zone).start;
    let commit_ts = set.rows.read_commit_ts(zone)?;
    let commit_ts = &commit_ts.values()[offset..offset + rows.len()];
    let inserted = BooleanBuffer::collect_bool(rows.len(), |i| commit_ts[i] <= ts.0);
    Ok(Some(both(mask, inserted)))
}

/// The conjunction of two masks, of which a missing one is all true.
pub(super) fn both(mask: Option<BooleanBuffer>, other: BooleanBuffer) -> BooleanBuffer {
    match mask {
        Some(mask) => &mask & &other,
        None => other,
    }
}
