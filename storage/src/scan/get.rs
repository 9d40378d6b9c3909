//! Point lookup.

use arrow::record_batch::RecordBatch;

use super::scan::{Scan, projected};
use super::snapshot::View;
use super::survivors::batch_of;
use super::zone::read_unit;
use crate::api::ScanRequest;
use crate::error::{Error, Result};
use crate::row_set::RowSet;
use crate::segment::Segment;
use crate::types::{KeyKind, KeyRange, RowKey};

/// The row of `key`. First the delta index, then the packs. The index knows newest versions only; a
/// reader of the past that finds a newer one looks through the zones that may hold the key.
pub(super) fn get(view: &std::sync::Arc<View>, key: &RowKey, projection: &[usize]) -> Result<Option<RecordBatch>> {
    let schema = &view.version.schema;
    if let Some(column) = projection.iter().find(|c| **c >= schema.columns.len()) {
        return Err(Error::Invalid(format!("table {} has no column at position {column}", schema.table)));
    }
    if matches!(key, RowKey::Int(_)) != (schema.key == KeyKind::Int) {
        return Err(Error::Invalid(format!("the keys of table {} are {:?}", schema.table, schema.key)));
    }
    let segment = &view.version.segments[view.version.route(key.as_ref())];
    match find(view, segment, key)? {
        Found::Row(set, row) => read_row(view, set, row, projection).map(Some),
        Found::Nothing => Ok(None),
        Found::Unknown => search(view, key, projection),
    }
}

enum Found<'a> {
    Row(&'a RowSet, u32),
    Nothing,
    Unknown,
}

fn find<'a>(view: &View, segment: &'a Segment, key: &RowKey) -> Result<Found<'a>> {
    let entry = segment.index.read().get(key.as_ref());
    let (set, row) = match entry {
        Some(entry) => match segment.delta.locate(entry.ordinal) {
            Some((part, row)) if entry.commit_ts <= view.ts => (&segment.delta.parts()[part].set, row),
            Some(_) | None => return Ok(Found::Unknown),
        },
        None => match segment.stable.find_one(key.as_ref())? {
            Some((pack, row)) => (&segment.stable.packs[pack], row),
            None if segment.history.is_empty() => return Ok(Found::Nothing),
            None => return Ok(Found::Unknown),
        },
    };
    let inserted = set.rows.max_commit_ts() <= view.ts || set.rows.row_commit_ts(row)? <= view.ts;
    if inserted && !set.deletes.at(view.ts).contains(row) {
        return Ok(Found::Row(set, row));
    }
    // The newest version at or before T is gone at T; an older one cannot be there.
    if inserted { Ok(Found::Nothing) } else { Ok(Found::Unknown) }
}

fn read_row(view: &View, set: &RowSet, row: u32, projection: &[usize]) -> Result<RecordBatch> {
    let (zone, at) = set.rows.locate(row);
    let columns = &view.version.schema.columns;
    let read = |c: &usize| set.rows.read_column_rows(&columns[*c], zone, &[at as u32]);
    let arrays = projection.iter().map(read).collect::<Result<_>>()?;
    batch_of(projected(&view.version.schema, projection), arrays, 1)
}

fn search(view: &std::sync::Arc<View>, key: &RowKey, projection: &[usize]) -> Result<Option<RecordBatch>> {
    let request = ScanRequest { key_range: only(key), ..ScanRequest::all(projection.to_vec()) };
    let scan = Scan::new(view.clone(), request)?;
    for unit in &scan.plan.units {
        if let Some(rows) = read_unit(&scan, unit, false)? {
            return Ok(Some(rows.batch));
        }
    }
    Ok(None)
}

/// The range that holds just this key.
fn only(key: &RowKey) -> KeyRange {
    let end = match key {
        RowKey::Int(v) => v.checked_add(1).map(RowKey::Int),
        RowKey::Bytes(b) => {
            let mut next = b.to_vec();
            next.push(0);
            Some(RowKey::Bytes(next.into()))
        }
    };
    KeyRange { start: Some(key.clone()), end }
}
