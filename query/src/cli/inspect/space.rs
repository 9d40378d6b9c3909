//! What takes how much of the disk.

use std::fmt::{self, Write};
use std::path::Path;

use deltatree_storage::engine::{ArrayInspection, FileInspection, Inspection};

use super::text;

/// Bytes by what they are for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Space {
    /// Files of packs.
    pub(super) stable: u64,
    /// Files of delta chunks.
    pub(super) delta: u64,
    /// Files of superseded rows.
    pub(super) history: u64,
    /// All files of the directory.
    pub(super) total: u64,
    /// Files that nothing names, but for manifest and lock.
    pub(super) orphans: u64,
    /// What the rows that are neither deleted nor superseded take of `stable` and `delta`.
    pub(super) live: f64,
}

impl Space {
    pub(super) fn of(inspection: &Inspection) -> Self {
        let mut space = Self::default();
        for segment in inspection.tables.iter().flat_map(|t| &t.segments) {
            let parts = [
                (&segment.stable, &mut space.stable),
                (&segment.delta, &mut space.delta),
                (&segment.history, &mut space.history),
            ];
            for (arrays, bytes) in parts {
                *bytes += arrays.iter().map(file_bytes).sum::<u64>();
            }
            space.live += segment.stable.iter().chain(&segment.delta).map(live_bytes).sum::<f64>();
        }
        for file in &inspection.files {
            space.total += file.bytes;
            if is_orphan(file) {
                space.orphans += file.bytes;
            }
        }
        space
    }
}

/// Whether nothing names a file, so that the engine will remove it when it opens.
pub(super) fn is_orphan(file: &FileInspection) -> bool {
    !file.named && (file.name.ends_with(".pack") || file.name.ends_with(".deletes"))
}

fn file_bytes(array: &ArrayInspection) -> u64 {
    array.contents.as_ref().map_or(0, |(pack, _)| pack.bytes_on_disk())
}

fn live_bytes(array: &ArrayInspection) -> f64 {
    let Ok((pack, vector)) = &array.contents else { return 0.0 };
    let rows = f64::from(pack.rows());
    if rows == 0.0 { 0.0 } else { pack.bytes_on_disk() as f64 * (rows - vector.deleted as f64) / rows }
}

/// Space, and what of it is of use.
pub(super) fn show(out: &mut String, inspection: &Inspection) -> fmt::Result {
    let space = Space::of(inspection);
    let mut table = text::table(&["space", "bytes"]);
    table.add_row(["packs".to_owned(), text::bytes(space.stable)]);
    table.add_row(["delta chunks".to_owned(), text::bytes(space.delta)]);
    table.add_row(["history".to_owned(), text::bytes(space.history)]);
    table.add_row(["left by a crash".to_owned(), text::bytes(space.orphans)]);
    table.add_row(["all files".to_owned(), text::bytes(space.total)]);
    writeln!(out, "{table}")?;
    if space.live > 0.0 {
        let amplification = space.total as f64 / space.live;
        writeln!(out, "space amplification: {amplification:.2} (all files / what live rows take of theirs)")?;
    }
    let written = &inspection.written;
    if written.rows_applied > 0 {
        writeln!(
            out,
            "write amplification: {:.2} rows written for each of {} put in, {} for {} not encoded",
            written.row_amplification(),
            written.rows_applied,
            text::bytes(written.bytes_written()),
            text::bytes(written.bytes_applied),
        )?;
    }
    let live = inspection.files.iter().filter(|file| file.named).count();
    writeln!(out, "files written so far: {}, live: {live}", inspection.next_file)
}

/// Bytes and number of the files below a directory.
pub(super) fn bytes_below(directory: &Path) -> std::io::Result<(u64, u64)> {
    let (mut bytes, mut files) = (0, 0);
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            let below = bytes_below(&entry.path())?;
            bytes += below.0;
            files += below.1;
        } else {
            bytes += metadata.len();
            files += 1;
        }
    }
    Ok((bytes, files))
}
