//! `deltatree inspect`: a look into the data directory of a stopped server, which is left as it is.
//!
//! - [`sections`]: what can be looked at
//! - [`space`]: what takes how much of the disk
//! - [`text`]: keys, values and sizes for people

mod sections;
mod space;
#[cfg(test)]
mod tests;
mod text;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use deltatree_storage::engine::Inspection;
use deltatree_storage::types::TableId;

/// Options of `deltatree inspect`.
#[derive(Clone, Debug, Args)]
pub struct InspectArgs {
    /// Data directory of a stopped server
    pub dir: PathBuf,
    /// What to show; without it, tables and space
    #[arg(value_enum)]
    pub section: Option<Section>,
    /// Only the table of this number
    #[arg(long)]
    pub table: Option<u64>,
    /// With packs or delta: the zone maps, too
    #[arg(long)]
    pub zones: bool,
}

/// What can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Section {
    /// Key ranges with their rows, packs and deltas
    Segments,
    /// Packs, and how their columns are encoded
    Packs,
    /// Chunks of the deltas
    Delta,
    /// Delete vectors: checkpoint and tail
    Vectors,
    /// Replay position, and every file
    Manifest,
    /// How far the log was applied, and what it takes
    Log,
}

/// Prints what was asked for. An error is one sentence: no data, a server that runs, damage.
pub fn run(args: &InspectArgs) -> Result<(), String> {
    let shown = show(args)?;
    match std::io::stdout().write_all(shown.as_bytes()) {
        // Whoever reads may have seen enough.
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(format!("cannot write: {e}")),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn show(args: &InspectArgs) -> Result<String, String> {
    let mut inspection = Inspection::open(&columnar_directory(&args.dir)).map_err(|e| e.to_string())?;
    if let Some(table) = args.table {
        inspection.tables.retain(|t| t.schema.table == TableId(table));
        if inspection.tables.is_empty() {
            return Err(format!("there is no table {table} in {}", args.dir.display()));
        }
    }
    let mut out = String::new();
    let written = match args.section {
        None => sections::tables(&mut out, &inspection).and_then(|()| space::show(&mut out, &inspection)),
        Some(Section::Segments) => sections::segments(&mut out, &inspection),
        Some(Section::Packs) => sections::packs(&mut out, &inspection, args.zones),
        Some(Section::Delta) => sections::delta(&mut out, &inspection, args.zones),
        Some(Section::Vectors) => sections::vectors(&mut out, &inspection),
        Some(Section::Manifest) => sections::manifest(&mut out, &inspection),
        Some(Section::Log) => log(&mut out, &args.dir, &inspection),
    };
    written.map_err(|e| e.to_string())?;
    Ok(out)
}

/// Where the columns are in a server's data directory; a directory of an engine alone is taken as it is.
fn columnar_directory(dir: &Path) -> PathBuf {
    let within = dir.join("columnar");
    if within.is_dir() { within } else { dir.to_path_buf() }
}

fn log(out: &mut String, dir: &Path, inspection: &Inspection) -> std::fmt::Result {
    sections::replay(out, inspection)?;
    for (name, what) in [("log", "Raft log"), ("rows", "row store")] {
        match space::bytes_below(&dir.join(name)) {
            Ok((bytes, files)) => writeln!(out, "{what}: {} in {files} files", text::bytes(bytes))?,
            Err(e) => writeln!(out, "{what}: cannot be read: {e}")?,
        }
    }
    Ok(())
}
