//! Slicing, gathering and joining rows.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array};
use arrow::compute::{concat, filter, interleave, take};
use arrow::datatypes::{Int64Type, UInt64Type};

use super::PackRows;
use crate::error::{Error, Result};
use crate::types::{KeyArray, KeyKind};

/// Keys `offset..offset + len`, sharing the memory.
pub(crate) fn slice_keys(keys: &KeyArray, offset: usize, len: usize) -> KeyArray {
    match keys {
        KeyArray::Int(a) => KeyArray::Int(a.slice(offset, len)),
        KeyArray::Bytes(a) => KeyArray::Bytes(a.slice(offset, len)),
    }
}

/// Keys at `rows`.
pub(crate) fn take_keys(keys: &KeyArray, rows: &UInt32Array) -> Result<KeyArray> {
    Ok(typed_keys(&take(keys.as_array(), rows, None)?, keys.kind()))
}

/// All keys of `pieces`, in that order; they are of one kind.
pub(crate) fn concat_keys(pieces: &[KeyArray], kind: KeyKind) -> Result<KeyArray> {
    if pieces.is_empty() {
        return Ok(KeyArray::empty(kind));
    }
    let arrays: Vec<&dyn Array> = pieces.iter().map(KeyArray::as_array).collect();
    Ok(typed_keys(&concat(&arrays)?, kind))
}

/// A key array of a given kind, from an array of its type.
pub(crate) fn typed_keys(array: &ArrayRef, kind: KeyKind) -> KeyArray {
    match kind {
        KeyKind::Int => KeyArray::Int(array.as_primitive::<Int64Type>().clone()),
        KeyKind::Bytes => KeyArray::Bytes(array.as_binary::<i32>().clone()),
    }
}

/// Applies one operation to every array of the rows.
fn map_rows(rows: &PackRows, op: impl Fn(&dyn Array) -> Result<ArrayRef>) -> Result<PackRows> {
    Ok(PackRows {
        keys: typed_keys(&op(rows.keys.as_array())?, rows.keys.kind()),
        commit_ts: op(&rows.commit_ts)?.as_primitive::<UInt64Type>().clone(),
        tombstones: rows.tombstones.as_ref().map(|t| Ok::<_, Error>(op(t)?.as_boolean().clone())).transpose()?,
        columns: rows.columns.iter().map(|c| op(c.as_ref())).collect::<Result<_>>()?,
    })
}

/// The rows at `indices`.
pub(crate) fn take_rows(rows: &PackRows, indices: &UInt32Array) -> Result<PackRows> {
    map_rows(rows, |array| Ok(take(array, indices, None)?))
}

/// The rows where `keep` is true.
pub(crate) fn filter_rows(rows: &PackRows, keep: &BooleanArray) -> Result<PackRows> {
    map_rows(rows, |array| Ok(filter(array, keep)?))
}

/// All rows of `pieces`, which have the same columns; there must be at least one.
pub(crate) fn concat_rows(pieces: &[PackRows]) -> Result<PackRows> {
    if let [only] = pieces {
        return Ok(only.clone());
    }
    gather(pieces, |arrays| Ok(concat(arrays)?))
}

/// The rows named by (piece, row), in that order.
pub(crate) fn interleave_rows(pieces: &[PackRows], places: &[(usize, usize)]) -> Result<PackRows> {
    gather(pieces, |arrays| Ok(interleave(arrays, places)?))
}

fn gather(pieces: &[PackRows], op: impl Fn(&[&dyn Array]) -> Result<ArrayRef>) -> Result<PackRows> {
    let first = pieces.first().ok_or_else(|| Error::Internal("nothing to gather rows from".into()))?;
    let keys: Vec<&dyn Array> = pieces.iter().map(|p| p.keys.as_array()).collect();
    let commit_ts: Vec<&dyn Array> = pieces.iter().map(|p| &p.commit_ts as &dyn Array).collect();
    let tombstones = if pieces.iter().any(|p| p.tombstones.is_some()) {
        let none = |len| BooleanArray::new(arrow::buffer::BooleanBuffer::new_unset(len), None);
        let flags: Vec<BooleanArray> =
            pieces.iter().map(|p| p.tombstones.clone().unwrap_or_else(|| none(p.len()))).collect();
        let flags: Vec<&dyn Array> = flags.iter().map(|f| f as &dyn Array).collect();
        Some(op(&flags)?.as_boolean().clone())
    } else {
        None
    };
    let columns = (0..first.columns.len()).map(|c| {
        let arrays: Vec<&dyn Array> = pieces.iter().map(|p| p.columns[c].as_ref()).collect();
        op(&arrays)
    });
    Ok(PackRows {
        keys: typed_keys(&op(&keys)?, first.keys.kind()),
        commit_ts: op(&commit_ts)?.as_primitive::<UInt64Type>().clone(),
        tombstones,
        columns: columns.collect::<Result<_>>()?,
    })
}

/// Row numbers in key order; rows of one key stay in their order.
pub(crate) fn key_order(keys: &KeyArray) -> Vec<u32> {
    let rows = 0..keys.len() as u32;
    match keys {
        KeyArray::Int(a) if a.values().is_sorted() => rows.collect(),
        KeyArray::Int(a) => {
            // Sorted together with their rows, keys are compared without a detour.
            let mut pairs: Vec<(i64, u32)> = a.values().iter().copied().zip(rows).collect();
            pairs.sort_unstable();
            pairs.into_iter().map(|(_, row)| row).collect()
        }
        KeyArray::Bytes(a) if (1..a.len()).all(|i| a.value(i - 1) <= a.value(i)) => rows.collect(),
        KeyArray::Bytes(a) => {
            let mut order: Vec<u32> = rows.collect();
            order.sort_by(|x, y| a.value(*x as usize).cmp(a.value(*y as usize)));
            order
        }
    }
}
