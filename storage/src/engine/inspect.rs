//! A look into the directory of a stopped engine, which is left exactly as it is.
//!
//! Opening an engine removes what a crash has left behind; this does not. It takes a shared lock, so
//! that no engine opens the directory meanwhile, and reads what the manifest names. A damaged file is
//! reported where it belongs and does not keep the rest from being shown.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use crate::api::ReplayPosition;
use crate::delete_vector::{DeleteVector, StoredVector};
use crate::error::{Error, Result};
use crate::file::{FileStore, LocalStore, share_directory};
use crate::manifest::{Files, Manifest, SegmentRecord, WriteStats, delete_file_name};
use crate::pack::{Pack, file_name};
use crate::types::{FileId, KeyRange, SegmentId, TableSchema, Timestamp};

/// What a directory holds. The lock is kept until this is dropped.
#[derive(Debug)]
pub struct Inspection {
    /// Where the feeder would resume.
    pub replay: Option<ReplayPosition>,
    /// No row with a timestamp at or below this one would be fed again.
    pub replay_floor: Timestamp,
    /// The file id that would be given out next.
    pub next_file: u64,
    /// The segment id that would be given out next.
    pub next_segment: u64,
    /// What had been put in and written when the manifest was.
    pub written: WriteStats,
    /// By id.
    pub tables: Vec<TableInspection>,
    /// Every file in the directory, by name.
    pub files: Vec<FileInspection>,
    _lock: Option<File>,
}

/// A file of the directory.
#[derive(Clone, Debug)]
pub struct FileInspection {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Whether the manifest names it. What it does not name is removed when an engine opens the
    /// directory, but for the manifest itself and the lock.
    pub named: bool,
}

/// A table.
#[derive(Debug)]
pub struct TableInspection {
    /// Its columns.
    pub schema: TableSchema,
    /// Timestamp of the last bulk build.
    pub floor: Timestamp,
    /// Versions that only snapshots before this need may be gone.
    pub collected: Timestamp,
    /// Latest commit applied.
    pub max_commit_ts: Timestamp,
    /// In key order.
    pub segments: Vec<SegmentInspection>,
}

/// A segment.
#[derive(Debug)]
pub struct SegmentInspection {
    /// The segment.
    pub segment: SegmentId,
    /// Its keys.
    pub range: KeyRange,
    /// The ordinal that the delta's next row would get.
    pub next_ordinal: u64,
    /// The file of its delete vectors; none if nothing is deleted.
    pub deletes: Option<FileId>,
    /// The packs, in key order.
    pub stable: Vec<ArrayInspection>,
    /// The chunks of the delta, oldest first.
    pub delta: Vec<ArrayInspection>,
    /// Superseded rows kept for readers of the past.
    pub history: Vec<ArrayInspection>,
}

/// An array of rows.
#[derive(Debug)]
pub struct ArrayInspection {
    /// Its file.
    pub file: FileId,
    /// Ordinal of its first row, in a delta.
    pub start: Option<u64>,
    /// The file, open, and its deletions; or why they cannot be read.
    pub contents: Result<(Arc<Pack>, VectorInspection)>,
}

/// A delete vector.
#[derive(Clone, Copy, Debug, Default)]
pub struct VectorInspection {
    /// Rows deleted or superseded.
    pub deleted: u64,
    /// Where the checkpoint stands.
    pub checkpoint_ts: Timestamp,
    /// Rows in the checkpoint.
    pub checkpoint_rows: u64,
    /// Deletions after the checkpoint.
    pub tail_entries: u64,
    /// Timestamps of the first and the last of those.
    pub tail_ts: Option<(Timestamp, Timestamp)>,
}

impl Inspection {
    /// Reads the directory of a stopped engine. Writes nothing, not even a missing lock file.
    ///
    /// Fails with [`Error::Locked`] if an engine has the directory, with [`Error::Invalid`] if it
    /// holds none, and with [`Error::Corrupt`] if the manifest is damaged.
    pub fn open(dir: &Path) -> Result<Self> {
        let nothing = || Error::Invalid(format!("there is no columnar data in {}", dir.display()));
        if !dir.is_dir() {
            return Err(nothing());
        }
        let lock = share_directory(dir)?;
        let store: Arc<dyn FileStore> = Arc::new(LocalStore::new(dir)?);
        let manifest = Manifest::load(store.as_ref())?.ok_or_else(nothing)?;
        let files = Files::open(store.clone(), &manifest)?;
        let tables = manifest.tables.iter().map(|record| TableInspection {
            schema: record.schema.clone(),
            floor: record.floor,
            collected: record.collected,
            max_commit_ts: record.max_commit_ts,
            segments: record.segments.iter().map(|s| inspect_segment(&files, s)).collect(),
        });
        Ok(Self {
            tables: tables.collect(),
            files: list(store.as_ref(), &manifest)?,
            replay: manifest.replay,
            replay_floor: manifest.replay_floor,
            next_file: manifest.next_file,
            next_segment: manifest.next_segment,
            written: manifest.written,
            _lock: lock,
        })
    }
}

fn list(store: &dyn FileStore, manifest: &Manifest) -> Result<Vec<FileInspection>> {
    let named = manifest.files();
    let is_named = |name: &str| named.iter().any(|id| file_name(*id) == name || delete_file_name(*id) == name);
    let mut files = Vec::new();
    for name in store.list()? {
        let path = store.path(&name);
        let bytes = std::fs::metadata(&path).map_err(Error::io("read the size of", path))?.len();
        files.push(FileInspection { named: is_named(&name), name, bytes });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn inspect_segment(files: &Files, record: &SegmentRecord) -> SegmentInspection {
    let vectors = Vectors { file: record.deletes, read: record.deletes.map(|file| files.read_deletes(file)) };
    let mut next = 0;
    let mut array = |file: FileId, start: Option<u64>| {
        next += 1;
        ArrayInspection { file, start, contents: inspect_array(files, file, &vectors, next - 1) }
    };
    SegmentInspection {
        segment: record.id,
        range: record.range.clone(),
        next_ordinal: record.next_ordinal,
        deletes: record.deletes,
        stable: record.stable.iter().map(|f| array(*f, None)).collect(),
        delta: record.delta.iter().map(|c| array(c.file, Some(c.start))).collect(),
        history: record.history.iter().map(|f| array(*f, None)).collect(),
    }
}

/// The delete vectors of a segment's arrays, in their order. None: nothing is deleted.
struct Vectors {
    file: Option<FileId>,
    read: Option<Result<Vec<StoredVector>>>,
}

impl Vectors {
    fn restore(&self, files: &Files, at: usize, rows: u32) -> Result<DeleteVector> {
        let (Some(file), Some(read)) = (self.file, &self.read) else { return Ok(DeleteVector::new(rows as usize)) };
        let damaged = |reason: String| Error::corrupt(files.store().path(&delete_file_name(file)), None, reason);
        let vectors = read.as_ref().map_err(|e| damaged(e.to_string()))?;
        let restored = vectors.get(at).and_then(|v| v.restore(rows));
        restored.ok_or_else(|| damaged(format!("vector {at} does not fit an array of {rows} rows")))
    }
}

fn inspect_array(files: &Files, file: FileId, vectors: &Vectors, at: usize) -> Result<(Arc<Pack>, VectorInspection)> {
    let pack = files.open_pack(file)?;
    let deletes = vectors.restore(files, at, pack.rows())?;
    let ts = || deletes.tail().map(|d| d.commit_ts);
    let inspection = VectorInspection {
        deleted: u64::from(deletes.current().count()),
        checkpoint_ts: deletes.checkpoint_ts(),
        checkpoint_rows: u64::from(deletes.checkpoint().count()),
        tail_entries: deletes.tail_len() as u64,
        tail_ts: ts().min().zip(ts().max()),
    };
    Ok((pack, inspection))
}

#[cfg(test)]
mod tests {
    use arrow::array::{BooleanArray, Int64Array, UInt64Array};

    use super::*;
    use crate::api::{CancelFlag, TableBatch};
    use crate::config::Config;
    use crate::engine::Engine;
    use crate::types::{ColumnId, ColumnSchema, KeyArray, KeyKind, StoredType, TableId, Value};

    fn schema() -> TableSchema {
        let column = ColumnSchema {
            id: ColumnId(0),
            name: "id".into(),
            data_type: StoredType::Int64,
            nullable: false,
            default: Value::Int(0),
        };
        TableSchema { table: TableId(1), version: 1, key: KeyKind::Int, key_column: Some(0), columns: vec![column] }
    }

    fn batch(keys: impl IntoIterator<Item = i64>, ts: u64) -> TableBatch {
        let keys = Int64Array::from_iter_values(keys);
        TableBatch {
            table: TableId(1),
            schema_version: 1,
            commit_ts: UInt64Array::from_value(ts, keys.len()),
            deleted: BooleanArray::from(vec![false; keys.len()]),
            columns: vec![Arc::new(keys.clone())],
            keys: KeyArray::Int(keys),
        }
    }

    /// 100 rows in packs, 10 of them again in the delta.
    fn fill(dir: &Path) {
        let engine = Engine::open(dir, Config::tiny()).unwrap();
        engine.put_table(schema()).unwrap();
        engine.apply(batch(0..100, 5)).unwrap();
        engine.compact(TableId(1), &CancelFlag::default()).unwrap();
        engine.apply(batch((0..100).step_by(10), 7)).unwrap();
        engine.advance(ReplayPosition(bytes::Bytes::from_static(b"here")));
        engine.flush().unwrap();
    }

    fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
        let entry = |entry: std::io::Result<std::fs::DirEntry>| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        };
        let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(entry).collect();
        files.sort();
        files
    }

    fn sum(arrays: &[ArrayInspection], of: impl Fn(&Pack, &VectorInspection) -> u64) -> u64 {
        arrays.iter().map(|a| a.contents.as_ref().unwrap()).map(|(pack, vector)| of(pack, vector)).sum()
    }

    #[test]
    fn it_shows_what_the_engine_has_and_leaves_an_orphan_alone() {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path());
        std::fs::write(dir.path().join(file_name(FileId(77))), b"left by a crash").unwrap();
        let before = contents(dir.path());
        let inspection = Inspection::open(dir.path()).unwrap();
        let segments = &inspection.tables[0].segments;
        let stable = |of: fn(&Pack, &VectorInspection) -> u64| segments.iter().map(|s| sum(&s.stable, of)).sum::<u64>();
        let delta = |of: fn(&Pack, &VectorInspection) -> u64| segments.iter().map(|s| sum(&s.delta, of)).sum::<u64>();
        assert_eq!(stable(|pack, _| pack.rows().into()), 100);
        assert_eq!(stable(|_, vector| vector.tail_entries), 10);
        assert_eq!(delta(|pack, vector| u64::from(pack.rows()) - vector.deleted), 10);
        assert_eq!(inspection.replay, Some(ReplayPosition(bytes::Bytes::from_static(b"here"))));
        let written = inspection.written;
        assert_eq!((written.rows_applied, written.pack_rows, written.chunk_rows), (110, 100, 10));
        let orphan = inspection.files.iter().find(|f| f.name == file_name(FileId(77))).unwrap();
        assert!(!orphan.named && orphan.bytes == 15);
        assert!(matches!(Engine::open(dir.path(), Config::tiny()), Err(Error::Locked(_))), "opened meanwhile");
        drop(inspection);
        assert_eq!(contents(dir.path()), before);
        let engine = Engine::open(dir.path(), Config::tiny()).unwrap();
        assert_eq!(engine.write_stats().rows_applied, 110, "counters go on");
    }

    #[test]
    fn a_damaged_pack_is_shown_where_it_belongs() {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path());
        let file = Inspection::open(dir.path()).unwrap().tables[0].segments[0].delta[0].file;
        std::fs::write(dir.path().join(file_name(file)), b"no pack").unwrap();
        let inspection = Inspection::open(dir.path()).unwrap();
        let segment = &inspection.tables[0].segments[0];
        assert!(matches!(segment.delta[0].contents, Err(Error::Corrupt { .. })));
        assert!(segment.stable.iter().all(|array| array.contents.is_ok()));
    }

    #[test]
    fn a_running_engine_is_left_alone_and_an_empty_directory_stays_empty() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Inspection::open(dir.path()), Err(Error::Invalid(_))));
        assert!(matches!(Inspection::open(&dir.path().join("none")), Err(Error::Invalid(_))));
        assert_eq!(contents(dir.path()), []);
        assert!(!dir.path().join("none").exists());
        let engine = Engine::open(dir.path(), Config::tiny()).unwrap();
        engine.flush().unwrap();
        assert!(matches!(Inspection::open(dir.path()), Err(Error::Locked(_))));
    }
}
