//! The engine's handle: what the rest of the system calls.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::recovery::restore_tables;
use super::snapshots::Snapshots;
use super::table::{ApplyStats, Table, TableVersion};
use crate::api::{ReplayPosition, TableBatch};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::file::{FileStore, LocalStore, lock_directory};
use crate::manifest::{Files, Manifest};
use crate::scan::Snapshot;
use crate::segment::Segment;
use crate::types::{KeyRange, SegmentId, TableId, TableSchema, Timestamp};

/// The columnar engine over one directory. Clones are handles to the same engine; the last one to go
/// closes it. Nothing is flushed then: what was not flushed is fed again from the replay position.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) inner: Arc<Inner>,
}

/// Where the feeder is, as far as it has told.
#[derive(Clone, Debug, Default)]
pub(super) struct Position {
    pub(super) replay: Option<ReplayPosition>,
    /// Latest commit fed, to any table, when `replay` was set.
    pub(super) floor: Timestamp,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) config: Config,
    pub(super) files: Files,
    pub(super) tables: RwLock<BTreeMap<TableId, Arc<Table>>>,
    pub(super) snapshots: Arc<Snapshots>,
    pub(super) position: Mutex<Position>,
    /// The manifest on disk.
    pub(super) durable: RwLock<Arc<Manifest>>,
    /// Held while a manifest is made and committed, and while files are removed.
    pub(super) commit: Mutex<()>,
    pub(super) next_segment: AtomicU64,
    /// Who helps a caller with large work; none if there shall be one thread only.
    pub(super) pool: Option<Arc<ThreadPool>>,
    /// Latest commit fed, to any table.
    max_commit_ts: AtomicU64,
    _directory_lock: Option<File>,
}

impl Engine {
    /// Opens the engine in a directory, which is created if missing and locked until the engine is
    /// closed. Reads the manifest and the keys of all deltas; removes files that a crash left
    /// behind.
    ///
    /// Fails with [`Error::Locked`] if another process has the directory, and with
    /// [`Error::Corrupt`] if the manifest is damaged, [`Error::Outdated`] if an older version wrote it.
    /// A damaged table does not make it fail: see [`Engine::damaged_tables`].
    pub fn open(dir: &Path, config: Config) -> Result<Self> {
        let store = LocalStore::new(dir)?;
        let lock = lock_directory(dir)?;
        Self::open_locked(Arc::new(store), config, Some(lock))
    }

    /// Opens the engine over any file store. The caller sees to it that nobody else uses the store.
    pub fn open_with(store: Arc<dyn FileStore>, config: Config) -> Result<Self> {
        Self::open_locked(store, config, None)
    }

    fn open_locked(store: Arc<dyn FileStore>, config: Config, lock: Option<File>) -> Result<Self> {
        config.check()?;
        let config_threads = config.background_threads;
        let manifest = Manifest::load(store.as_ref())?.unwrap_or_default();
        let files = Files::open(store, &manifest)?;
        let removed = files.remove_orphans(&manifest.files())?;
        if removed > 0 {
            tracing::info!(removed, "removed files that no manifest names");
        }
        let tables = restore_tables(&files, &manifest)?;
        // Tables may hold later commits than the replay position covers; those will be fed again.
        let max_commit_ts = manifest.replay_floor;
        Ok(Self {
            inner: Arc::new(Inner {
                config,
                files,
                tables: RwLock::new(tables.into_iter().map(|t| (t.id, t)).collect()),
                snapshots: Arc::default(),
                position: Mutex::new(Position { replay: manifest.replay.clone(), floor: manifest.replay_floor }),
                next_segment: manifest.next_segment.into(),
                pool: helpers(config_threads)?,
                durable: RwLock::new(Arc::new(manifest)),
                commit: Mutex::default(),
                max_commit_ts: max_commit_ts.0.into(),
                _directory_lock: lock,
            }),
        })
    }

    /// Creates a table, or changes the columns of one: rows written before lack what was added and
    /// show its default; what was dropped is no longer shown. Costs nothing but the record, which
    /// becomes durable with the next flush. Doing it again changes nothing.
    ///
    /// Fails if the schema contradicts itself, if a column would change its type under its id, or if
    /// keys would change.
    pub fn put_table(&self, schema: TableSchema) -> Result<()> {
        schema.check()?;
        let mut tables = self.inner.tables.write();
        let Some(table) = tables.get(&schema.table) else {
            let segments = vec![Arc::new(self.inner.new_segment(KeyRange::ALL, &schema))];
            let table = Table::new(schema.table, TableVersion::new(schema, segments, Timestamp::ZERO), Timestamp::ZERO);
            tables.insert(table.id, Arc::new(table));
            return Ok(());
        };
        let guard = table.update();
        let mut version = (*guard.version()).clone();
        if version.schema.version >= schema.version {
            return Ok(());
        }
        check_change(&version.schema, &schema)?;
        version.schema = Arc::new(schema);
        guard.publish(version);
        Ok(())
    }

    /// Forgets a table. Snapshots that were taken of it stay readable. Durable with the next flush.
    /// Doing it again changes nothing.
    pub fn drop_table(&self, table: TableId) -> Result<()> {
        self.inner.tables.write().remove(&table);
        Ok(())
    }

    /// Schemas of all tables, by id.
    pub fn tables(&self) -> Vec<TableSchema> {
        self.inner.tables.read().values().map(|t| (*t.version().schema).clone()).collect()
    }

    /// The current schema of a table.
    pub fn schema(&self, table: TableId) -> Option<Arc<TableSchema>> {
        self.inner.tables.read().get(&table).map(|t| t.version().schema.clone())
    }

    /// Tables that cannot be read, each with the damage that was found. They answer every access
    /// with [`Error::Corrupt`] until [`Engine::bulk_build`] replaces or [`Engine::drop_table`]
    /// removes them.
    pub fn damaged_tables(&self) -> Vec<(TableId, Error)> {
        let tables = self.inner.tables.read();
        tables.iter().filter_map(|(id, t)| t.version().check().err().map(|e| (*id, e))).collect()
    }

    /// Applies committed changes to a table: all of them become visible in one step. Rows that were
    /// applied before, recognised by key and timestamp, are dropped, so a batch may be applied any
    /// number of times. One caller at a time per table; never waits for readers, and for background
    /// work only while that publishes its result.
    pub fn apply(&self, batch: TableBatch) -> Result<ApplyStats> {
        let table = self.inner.table(batch.table)?;
        let newest = batch.commit_ts.values().iter().copied().max().unwrap_or_default();
        let stats = table.apply(batch)?;
        self.inner.files.written.count_applied(stats.applied, stats.bytes);
        self.inner.saw_commit(Timestamp(newest));
        Ok(stats)
    }

    /// Tells that everything applied so far, and every schema change, belongs to `position` or
    /// before: a feeder that resumes there misses nothing. Call it when no apply of a later position
    /// has begun.
    pub fn advance(&self, position: ReplayPosition) {
        let floor = Timestamp(self.inner.max_commit_ts.load(Ordering::SeqCst));
        *self.inner.position.lock() = Position { replay: Some(position), floor };
    }

    /// Where to resume after the engine is opened again: the position in the durable manifest. `None`
    /// if there is none: from the beginning.
    pub fn replay_position(&self) -> Option<ReplayPosition> {
        self.inner.durable.read().replay.clone()
    }

    /// What was visible of a table at `ts`. Never waits. Fails if the table is unknown or damaged,
    /// or if versions that such a snapshot needs may be gone.
    pub fn snapshot(&self, table: TableId, ts: Timestamp) -> Result<Snapshot> {
        let table = self.inner.table(table)?;
        let active = self.inner.snapshots.register(ts, &table.collected)?;
        let version = table.version();
        version.check()?;
        Ok(Snapshot::new(version, ts, active))
    }

    /// Promises that no snapshot before `ts` will be asked for. Versions that only such snapshots
    /// need are dropped in the background, once no active snapshot needs them either.
    pub fn set_safe_point(&self, ts: Timestamp) {
        self.inner.snapshots.set_safe_point(ts);
    }

    /// Makes everything applied so far durable, and with it the position last given to
    /// [`Engine::advance`]. Blocks for as long as the disk takes; apply and scans go on meanwhile.
    pub fn flush(&self) -> Result<()> {
        self.inner.flush()
    }
}

impl Inner {
    pub(super) fn table(&self, id: TableId) -> Result<Arc<Table>> {
        self.tables.read().get(&id).cloned().ok_or_else(|| Error::Invalid(format!("there is no table {id}")))
    }

    /// Notes the timestamp of something that was applied.
    pub(super) fn saw_commit(&self, ts: Timestamp) {
        self.max_commit_ts.fetch_max(ts.0, Ordering::SeqCst);
    }

    pub(super) fn new_segment_id(&self) -> SegmentId {
        SegmentId(self.next_segment.fetch_add(1, Ordering::SeqCst))
    }

    pub(super) fn new_segment(&self, range: KeyRange, schema: &TableSchema) -> Segment {
        Segment::new(self.new_segment_id(), range, schema.key)
    }
}

/// Threads for work that a caller waits for. They sleep in between.
fn helpers(threads: usize) -> Result<Option<Arc<ThreadPool>>> {
    if threads == 1 {
        return Ok(None);
    }
    let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("storage-{i}")).build();
    pool.map(Arc::new).map(Some).map_err(|e| Error::Io {
        action: "start threads",
        path: PathBuf::new(),
        source: std::io::Error::other(e),
    })
}

fn check_change(old: &TableSchema, new: &TableSchema) -> Result<()> {
    let wrong = |what: String| Err(Error::Invalid(format!("schema change of table {}: {what}", old.table)));
    let key_id = |s: &TableSchema| s.key_column.and_then(|at| s.columns.get(at)).map(|c| c.id);
    if old.key != new.key || key_id(old) != key_id(new) {
        return wrong("the row keys would change".into());
    }
    for column in &new.columns {
        if old.columns.iter().any(|c| c.id == column.id && c.data_type != column.data_type) {
            return wrong(format!("column {} would change its type under its id", column.name));
        }
    }
    Ok(())
}
