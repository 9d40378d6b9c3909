//! Merging two ascending lists of keys.

use crate::types::KeyArray;

/// Where the next rows come from when `left` and the keys of `right` from `from` on are merged: pairs
/// of (0 = left, 1 = right; row), until `left` is used up. Equal keys give left first. Also the position
/// in `right` that was reached.
pub(crate) fn merge_keys(left: &KeyArray, right: &KeyArray, from: usize) -> (Vec<(usize, usize)>, usize) {
    let mut places = Vec::with_capacity(left.len());
    let mut at = from;
    for row in 0..left.len() {
        let key = left.get(row);
        while at < right.len() && right.get(at) < key {
            places.push((1, at));
            at += 1;
        }
        places.push((0, row));
    }
    (places, at)
}
