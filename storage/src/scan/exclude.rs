//! Keys that a reader wants left out, as positions where that is cheap.

use arrow::buffer::BooleanBuffer;

use crate::delete_vector::RowBitmap;
use crate::error::{Error, Result};
use crate::row_set::RowSet;
use crate::types::{KeyArray, KeyRef, search};

/// Fails unless the keys ascend.
pub(super) fn check_ascending(keys: &KeyArray) -> Result<()> {
    if (1..keys.len()).all(|i| keys.get(i - 1) < keys.get(i)) {
        return Ok(());
    }
    Err(Error::Invalid("the keys to leave out of a scan must be distinct and ascending".into()))
}

/// The rows of a sorted pack that hold one of the keys; `None` if there is none.
pub(super) fn excluded_rows(set: &RowSet, keys: &KeyArray) -> Result<Option<RowBitmap>> {
    let Some(pack) = set.rows.pack() else { return Ok(None) };
    let mut rows = RowBitmap::default();
    for row in pack.find_sorted(keys)?.into_iter().flatten() {
        rows.insert(row);
    }
    Ok((rows.count() > 0).then_some(rows))
}

/// Where `keys` holds none of the ascending `excluded`.
pub(super) fn not_in(keys: &KeyArray, excluded: &KeyArray) -> BooleanBuffer {
    let contains = |key: KeyRef<'_>| search(0, excluded.len(), |row| excluded.compare(row, key)).1;
    BooleanBuffer::collect_bool(keys.len(), |i| !contains(keys.get(i)))
}
