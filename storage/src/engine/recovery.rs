//! Opening: from the manifest back to tables.
//!
//! What the manifest names is opened and each delta's index is built from its chunks; every other
//! file is removed. A table with a damaged or missing file does not keep the others from opening: it
//! is marked, and each access to it reports the file, until it is dropped or built anew.

use std::sync::Arc;

use super::table::{Damage, Table, TableVersion};
use crate::delete_vector::DeleteVector;
use crate::delta::{Delta, DeltaPart};
use crate::error::{Error, Result};
use crate::manifest::{ChunkRecord, Files, MANIFEST, Manifest, SegmentRecord, TableRecord, delete_file_name};
use crate::pack::file_name;
use crate::row_set::RowSet;
use crate::scan::StatisticsMemo;
use crate::segment::Segment;
use crate::stable::Stable;
use crate::types::FileId;

/// The tables of a manifest.
pub(super) fn restore_tables(files: &Files, manifest: &Manifest) -> Result<Vec<Arc<Table>>> {
    manifest.tables.iter().map(|record| restore_table(files, record).map(Arc::new)).collect()
}

fn restore_table(files: &Files, record: &TableRecord) -> Result<Table> {
    let mut version = TableVersion {
        schema: Arc::new(record.schema.clone()),
        segments: Vec::new(),
        max_commit_ts: record.max_commit_ts,
        floor: record.floor,
        damage: None,
        statistics: StatisticsMemo::default(),
    };
    let restore = |r| restore_segment(files, r, record);
    match record.segments.iter().map(restore).collect::<Result<Vec<Arc<Segment>>>>() {
        Ok(segments) => version.segments = segments,
        Err(Error::Corrupt { path, offset, reason }) => {
            tracing::warn!(table = record.schema.table.0, path = %path.display(), reason, "table is damaged");
            let damage = Damage { path, offset, reason, record: record.clone() };
            version.damage = Some(Arc::new(damage));
        }
        Err(
            e @ (Error::Invalid(_)
            | Error::Io { .. }
            | Error::Cancelled
            | Error::Locked(_)
            | Error::Outdated(_)
            | Error::Internal(_)),
        ) => return Err(e),
    }
    if cfg!(debug_assertions) {
        version.validate();
    }
    Ok(Table::new(record.schema.table, version, record.collected))
}

fn restore_segment(files: &Files, record: &SegmentRecord, table: &TableRecord) -> Result<Arc<Segment>> {
    let schema = &table.schema;
    let vectors = match record.deletes {
        Some(file) => Some((file, missing_is_damage(files, delete_file_name(file), files.read_deletes(file))?)),
        None => None,
    };
    let mut next = 0;
    let mut open = |file: FileId, sorted: bool| {
        let name = file_name(file);
        let pack = missing_is_damage(files, name.clone(), files.open_pack(file))?;
        if !pack.is_of(schema) || pack.sorted() != sorted {
            return Err(Error::corrupt(files.store().path(&name), None, "the file is not the pack that it should be"));
        }
        let deletes = match &vectors {
            None => DeleteVector::new(pack.rows() as usize),
            Some((deletes, vectors)) => vectors.get(next).and_then(|v| v.restore(pack.rows())).ok_or_else(|| {
                let path = files.store().path(&delete_file_name(*deletes));
                Error::corrupt(path, None, format!("vector {next} does not fit pack {file}"))
            })?,
        };
        next += 1;
        RowSet::file(pack, deletes)
    };
    let packs: Vec<RowSet> = record.stable.iter().map(|f| open(*f, true)).collect::<Result<_>>()?;
    let part = |c: &ChunkRecord| Ok(DeltaPart { start: c.start, set: open(c.file, false)? });
    let parts: Vec<DeltaPart> = record.delta.iter().map(part).collect::<Result<_>>()?;
    let history = record.history.iter().map(|f| open(*f, false)).collect::<Result<_>>()?;
    let mut segment = Segment::new(record.id, record.range.clone(), schema.key);
    segment.stable = Stable::new(packs);
    segment.delta = Delta::restore(parts, record.next_ordinal);
    segment.history = history;
    check_restored(&segment, table).map_err(|reason| {
        Error::corrupt(files.store().path(MANIFEST), None, format!("segment {}: {reason}", segment.id))
    })?;
    segment.rebuild_index(schema.key)?;
    Ok(Arc::new(segment))
}

/// What files and manifest say of each other must agree. Nobody asks again.
fn check_restored(segment: &Segment, table: &TableRecord) -> Result<(), String> {
    let newest = table.max_commit_ts.max(table.floor);
    for set in segment.sets() {
        let bounds = set.rows.pack().and_then(|pack| pack.first_key().zip(pack.last_key()));
        let (first, last) = bounds.ok_or("a file without rows")?;
        if !segment.contains(first) || !segment.contains(last) {
            return Err("rows lie outside of the segment".into());
        }
        if set.rows.max_commit_ts() > newest {
            return Err("rows are newer than the table".into());
        }
        if set.rows.tombstones() > u64::from(set.deletes.current().count()) {
            return Err("tombstones are not deleted".into());
        }
    }
    let packs = (0..segment.stable.packs.len()).filter_map(|i| segment.stable.bounds(i));
    if !packs.is_sorted_by(|(_, last), (first, _)| last < first) {
        return Err("packs overlap".into());
    }
    let mut end = 0;
    for part in segment.delta.parts() {
        if part.start < end {
            return Err("chunks overlap".into());
        }
        let after = part.start.checked_add(part.set.len() as u64).filter(|end| *end <= segment.delta.next());
        end = after.ok_or("chunks reach beyond the delta")?;
    }
    if segment.history.iter().any(|set| set.live() > 0) {
        return Err("rows of the history are not deleted".into());
    }
    Ok(())
}

/// A file that the manifest names and that is not there was lost: that is damage of its table, not
/// a failure of the disk to answer.
fn missing_is_damage<T>(files: &Files, name: String, result: Result<T>) -> Result<T> {
    match result {
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::corrupt(files.store().path(&name), None, "the file is missing"))
        }
        other => other,
    }
}
