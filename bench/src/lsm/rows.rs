//! Rows in memory: sorted, newest version of each key, joined.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, UInt32Array, UInt64Array};
use arrow::compute::{concat, take};
use arrow::datatypes::DataType;
use deltatree_storage::pack::PackRows;
use deltatree_storage::types::KeyArray;

/// The integer keys of some rows.
///
/// # Errors
/// When keys are of another kind: the baseline has integer keys only.
pub(super) fn keys_of(rows: &PackRows) -> anyhow::Result<&Int64Array> {
    match &rows.keys {
        KeyArray::Int(keys) => Ok(keys),
        KeyArray::Bytes(_) => anyhow::bail!("the baseline has integer keys only"),
    }
}

/// Rows in key order, of each key the last one that was given.
pub(super) fn newest_by_key(rows: &PackRows) -> anyhow::Result<PackRows> {
    let keys = keys_of(rows)?.values();
    let mut order: Vec<u32> = (0..u32::try_from(keys.len())?).collect();
    // Stable, so that the last of equal keys is the newest.
    order.sort_by_key(|row| keys[*row as usize]);
    let newest = |at: &usize| order.get(at + 1).is_none_or(|next| keys[*next as usize] != keys[order[*at] as usize]);
    let picked: Vec<u32> = (0..order.len()).filter(newest).map(|at| order[at]).collect();
    take_rows(rows, &UInt32Array::from(picked))
}

/// Several sorted lists of rows as one, newer lists later.
pub(super) fn join(lists: &[&PackRows]) -> anyhow::Result<PackRows> {
    let column = |of: &dyn Fn(&PackRows) -> ArrayRef| -> anyhow::Result<ArrayRef> {
        let parts: Vec<ArrayRef> = lists.iter().map(|rows| of(rows)).collect();
        Ok(concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>())?)
    };
    let keys: Vec<i64> = lists
        .iter()
        .map(|rows| keys_of(rows))
        .collect::<anyhow::Result<Vec<_>>>()?
        .iter()
        .flat_map(|k| k.values().iter().copied())
        .collect();
    let columns = lists.first().map_or(0, |rows| rows.columns.len());
    let all = PackRows {
        keys: KeyArray::Int(keys.into()),
        commit_ts: lists.iter().flat_map(|rows| rows.commit_ts.values().iter().copied()).collect::<Vec<_>>().into(),
        tombstones: Some(
            lists.iter().flat_map(|rows| (0..rows.len()).map(|row| Some(is_tombstone(rows, row)))).collect(),
        ),
        columns: (0..columns).map(|at| column(&|rows| rows.columns[at].clone())).collect::<anyhow::Result<_>>()?,
    };
    newest_by_key(&all)
}

/// Whether a row deletes its key.
pub(super) fn is_tombstone(rows: &PackRows, row: usize) -> bool {
    rows.tombstones.as_ref().is_some_and(|flags| flags.value(row))
}

/// Bytes of the rows' arrays.
pub(super) fn memory_bytes(rows: &PackRows) -> u64 {
    let columns: usize = rows.columns.iter().map(|column| column.get_array_memory_size()).sum();
    (columns + rows.keys.as_array().get_array_memory_size() + rows.commit_ts.get_array_memory_size()) as u64
}

fn take_rows(rows: &PackRows, picked: &UInt32Array) -> anyhow::Result<PackRows> {
    let pick = |array: &dyn Array| -> anyhow::Result<ArrayRef> { Ok(compact(take(array, picked, None)?)) };
    let tombstones: Option<BooleanArray> = match &rows.tombstones {
        Some(flags) if flags.true_count() > 0 => Some(pick(flags)?.as_boolean().clone()),
        Some(_) | None => None,
    };
    let keys: Int64Array = pick(keys_of(rows)?)?.as_primitive().clone();
    let commit_ts: UInt64Array = pick(&rows.commit_ts)?.as_primitive().clone();
    Ok(PackRows {
        keys: KeyArray::Int(keys),
        commit_ts,
        tombstones,
        columns: rows.columns.iter().map(|column| pick(column.as_ref())).collect::<anyhow::Result<_>>()?,
    })
}

/// Texts in one buffer of their own, so that joined runs do not hold on to every batch.
fn compact(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View => std::sync::Arc::new(array.as_string_view().gc()),
        DataType::BinaryView => std::sync::Arc::new(array.as_binary_view().gc()),
        _ => array,
    }
}
