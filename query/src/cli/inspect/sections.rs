//! What can be looked at.

use std::fmt::{self, Write};

use deltatree_learner::raft::replay_index;
use deltatree_storage::engine::{ArrayInspection, Inspection, SegmentInspection, TableInspection};
use deltatree_storage::pack::Pack;

use super::{space, text};

/// Rows of some arrays, and how many of them are deleted. Damaged arrays count nothing.
fn rows(arrays: &[ArrayInspection]) -> (u64, u64) {
    let sound = arrays.iter().filter_map(|array| array.contents.as_ref().ok());
    sound.fold((0, 0), |(rows, deleted), (pack, vector)| (rows + u64::from(pack.rows()), deleted + vector.deleted))
}

fn live(segment: &SegmentInspection) -> u64 {
    let ((stable, stable_deleted), (delta, delta_deleted)) = (rows(&segment.stable), rows(&segment.delta));
    stable + delta - stable_deleted - delta_deleted
}

fn each_segment(inspection: &Inspection) -> impl Iterator<Item = (&TableInspection, &SegmentInspection)> {
    inspection.tables.iter().flat_map(|table| table.segments.iter().map(move |segment| (table, segment)))
}

/// One line a table.
pub(super) fn tables(out: &mut String, inspection: &Inspection) -> fmt::Result {
    let mut shown = text::table(&[
        "table",
        "columns",
        "rows",
        "segments",
        "packs",
        "pack rows",
        "delta rows",
        "history rows",
        "latest commit",
    ]);
    for table in &inspection.tables {
        let sum = |of: &dyn Fn(&SegmentInspection) -> u64| table.segments.iter().map(of).sum::<u64>().to_string();
        let columns: Vec<_> = table.schema.columns.iter().map(|column| column.name.as_str()).collect();
        shown.add_row([
            table.schema.table.to_string(),
            columns.join(", "),
            sum(&live),
            table.segments.len().to_string(),
            sum(&|s| s.stable.len() as u64),
            sum(&|s| rows(&s.stable).0),
            sum(&|s| rows(&s.delta).0),
            sum(&|s| rows(&s.history).0),
            table.max_commit_ts.to_string(),
        ]);
    }
    writeln!(out, "{shown}")?;
    damage(out, inspection)
}

/// Every array that cannot be read.
fn damage(out: &mut String, inspection: &Inspection) -> fmt::Result {
    for (table, segment) in each_segment(inspection) {
        for array in segment.stable.iter().chain(&segment.delta).chain(&segment.history) {
            if let Err(e) = &array.contents {
                writeln!(out, "table {}, segment {}: {e}", table.schema.table, segment.segment)?;
            }
        }
    }
    Ok(())
}

/// One line a segment.
pub(super) fn segments(out: &mut String, inspection: &Inspection) -> fmt::Result {
    let mut shown = text::table(&[
        "table",
        "segment",
        "keys",
        "rows",
        "packs",
        "pack rows",
        "deleted",
        "chunks",
        "delta rows",
        "next ordinal",
        "history rows",
    ]);
    for (table, segment) in each_segment(inspection) {
        let (stable, deleted) = rows(&segment.stable);
        shown.add_row([
            table.schema.table.to_string(),
            segment.segment.to_string(),
            text::range(&segment.range),
            live(segment).to_string(),
            segment.stable.len().to_string(),
            stable.to_string(),
            deleted.to_string(),
            segment.delta.len().to_string(),
            rows(&segment.delta).0.to_string(),
            segment.next_ordinal.to_string(),
            rows(&segment.history).0.to_string(),
        ]);
    }
    writeln!(out, "{shown}")?;
    damage(out, inspection)
}

/// The packs, and history, with their columns.
pub(super) fn packs(out: &mut String, inspection: &Inspection, zones: bool) -> fmt::Result {
    let mut any = false;
    for (table, segment) in each_segment(inspection) {
        for (what, arrays) in [("pack", &segment.stable), ("history", &segment.history)] {
            for array in arrays {
                any = true;
                writeln!(out, "table {}, segment {}, {what} {}", table.schema.table, segment.segment, array.file)?;
                show_array(out, array, zones)?;
            }
        }
    }
    if any { Ok(()) } else { writeln!(out, "no packs") }
}

/// The chunks of the deltas, with their columns.
pub(super) fn delta(out: &mut String, inspection: &Inspection, zones: bool) -> fmt::Result {
    let mut any = false;
    for (table, segment) in each_segment(inspection) {
        for array in &segment.delta {
            any = true;
            let (table, segment, start) = (table.schema.table, segment.segment, array.start.unwrap_or_default());
            writeln!(out, "table {table}, segment {segment}, chunk {}, from ordinal {start}", array.file)?;
            show_array(out, array, zones)?;
        }
    }
    if any { Ok(()) } else { writeln!(out, "no delta chunks") }
}

fn show_array(out: &mut String, array: &ArrayInspection, zones: bool) -> fmt::Result {
    let (pack, vector) = match &array.contents {
        Ok(contents) => contents,
        Err(e) => return writeln!(out, "{e}"),
    };
    let keys = pack.first_key().zip(pack.last_key());
    writeln!(
        out,
        "{} rows in {} zones, {} tombstones, {} deleted, {}; keys {}; commits {} to {}; schema version {}",
        pack.rows(),
        pack.zone_count(),
        pack.tombstones(),
        vector.deleted,
        text::bytes(pack.bytes_on_disk()),
        keys.map_or("none".to_owned(), |(first, last)| format!("{} to {}", text::key(first), text::key(last))),
        pack.min_commit_ts(),
        pack.max_commit_ts(),
        pack.schema_version()
    )?;
    let columns = match pack.describe_columns() {
        Ok(columns) => columns,
        Err(e) => return writeln!(out, "{e}"),
    };
    let mut shown = text::table(&["column", "type", "bytes", "bytes a row", "blocks by encoding"]);
    for column in &columns {
        let encodings: Vec<_> = column.encodings.iter().map(|(name, blocks)| format!("{name} {blocks}")).collect();
        shown.add_row([
            column.name.clone(),
            column.column.map_or(String::new(), |(_, data_type)| format!("{data_type:?}")),
            text::bytes(column.bytes),
            format!("{:.2}", column.bytes as f64 / f64::from(pack.rows().max(1))),
            encodings.join(", "),
        ]);
    }
    writeln!(out, "{shown}")?;
    if zones { zone_maps(out, pack) } else { Ok(()) }
}

fn zone_maps(out: &mut String, pack: &Pack) -> fmt::Result {
    let columns = pack.describe_columns().unwrap_or_default();
    let mut shown = text::table(&["zone", "rows", "column", "smallest", "largest", "NULLs"]);
    for zone in 0..pack.zone_count() {
        let rows = pack.zone_rows(zone).len().to_string();
        let (first, last) = (text::key(pack.zone_first_key(zone)), text::key(pack.zone_last_key(zone)));
        shown.add_row([zone.to_string(), rows, "(row key)".to_owned(), first, last, String::new()]);
        for column in &columns {
            let Some(map) = column.column.and_then(|(id, _)| pack.zone_map(id, zone)) else { continue };
            let bound = |bound: &Option<_>| bound.as_ref().map_or("unknown".to_owned(), text::value);
            let nulls = map.null_count.to_string();
            let line = [column.name.clone(), bound(&map.min), bound(&map.max), nulls];
            shown.add_row([String::new(), String::new()].into_iter().chain(line));
        }
    }
    writeln!(out, "{shown}")
}

/// The delete vectors that delete anything.
pub(super) fn vectors(out: &mut String, inspection: &Inspection) -> fmt::Result {
    let mut shown = text::table(&[
        "table",
        "segment",
        "vectors",
        "of",
        "file",
        "rows",
        "deleted",
        "checkpoint at",
        "in it",
        "tail",
        "tail from",
        "to",
    ]);
    for (table, segment) in each_segment(inspection) {
        let parts = [("pack", &segment.stable), ("chunk", &segment.delta), ("history", &segment.history)];
        for (what, array) in parts.into_iter().flat_map(|(what, arrays)| arrays.iter().map(move |a| (what, a))) {
            let Ok((pack, vector)) = &array.contents else { continue };
            if vector.deleted == 0 {
                continue;
            }
            let (from, to) =
                vector.tail_ts.map_or_else(Default::default, |(from, to)| (from.to_string(), to.to_string()));
            shown.add_row([
                table.schema.table.to_string(),
                segment.segment.to_string(),
                segment.deletes.map_or(String::new(), |file| file.to_string()),
                what.to_owned(),
                array.file.to_string(),
                pack.rows().to_string(),
                vector.deleted.to_string(),
                vector.checkpoint_ts.to_string(),
                vector.checkpoint_rows.to_string(),
                vector.tail_entries.to_string(),
                from,
                to,
            ]);
        }
    }
    writeln!(out, "{shown}")?;
    damage(out, inspection)
}

/// The replay position, and every file.
pub(super) fn manifest(out: &mut String, inspection: &Inspection) -> fmt::Result {
    replay(out, inspection)?;
    writeln!(out, "next file {}, next segment {}", inspection.next_file, inspection.next_segment)?;
    let mut shown = text::table(&["file", "bytes", "named"]);
    for file in &inspection.files {
        let named = if space::is_orphan(file) { "no: it will be removed" } else { "" };
        shown.add_row([file.name.clone(), text::bytes(file.bytes), named.to_owned()]);
    }
    writeln!(out, "{shown}")
}

/// Where the log would be applied from.
pub(super) fn replay(out: &mut String, inspection: &Inspection) -> fmt::Result {
    match &inspection.replay {
        None => writeln!(out, "replay position: none, the log is applied from its beginning")?,
        Some(position) => match replay_index(position) {
            Some(index) => writeln!(out, "replay position: after log entry {index}")?,
            None => writeln!(out, "replay position: {} bytes of another feeder's", position.0.len())?,
        },
    }
    writeln!(out, "commits at or before {} are not fed again", inspection.replay_floor)
}
