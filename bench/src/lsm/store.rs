//! Versions of the list of runs; apply, flush, compaction.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arrow::array::ArrayRef;
use deltatree_storage::file::FileStore;
use deltatree_storage::pack::{PackOptions, PackRows, PackWriter, file_name};
use deltatree_storage::types::{FileId, TableSchema};

use super::policy::choose;
use super::rewrite::rewrite;
use super::rows::{join, keys_of, newest_by_key};
use super::run::Run;
use super::scan::scan;

/// Runs of which each is at most this many times as large as the next newer one are joined in memory.
const JOIN_FACTOR: u64 = 4;

/// Knobs.
#[derive(Clone, Copy, Debug)]
pub struct LsmConfig {
    /// Rows in memory beyond which they are written out.
    pub memory_rows_limit: u64,
}

impl Default for LsmConfig {
    /// About 64 MB of rows of 200 bytes, as stores of this kind have it.
    fn default() -> Self {
        Self { memory_rows_limit: 320_000 }
    }
}

/// See the module's documentation. One writer and one maintainer at a time; any number of scans, which
/// neither of them waits for.
#[derive(Debug)]
pub struct LsmStore {
    schema: TableSchema,
    config: LsmConfig,
    files: Arc<dyn FileStore>,
    next_file: AtomicU64,
    /// Newest first.
    runs: RwLock<Arc<Vec<Run>>>,
    /// Held by whoever changes runs in memory. Taken after `maintenance`.
    writer: Mutex<()>,
    /// Held by whoever replaces runs on disk.
    maintenance: Mutex<()>,
}

impl LsmStore {
    /// An empty store over files that nobody else uses.
    pub fn new(files: Arc<dyn FileStore>, schema: TableSchema, config: LsmConfig) -> Self {
        Self {
            schema,
            config,
            files,
            next_file: AtomicU64::new(1),
            runs: RwLock::default(),
            writer: Mutex::default(),
            maintenance: Mutex::default(),
        }
    }

    /// Adds a run of rows in ascending key order, as the oldest.
    ///
    /// # Errors
    /// When the rows are out of order or cannot be written.
    pub fn build(&self, rows: impl Iterator<Item = PackRows>) -> anyhow::Result<()> {
        let mut writer = self.new_pack()?;
        for rows in rows {
            writer.write(rows)?;
        }
        let run = Run::File(writer.finish()?);
        self.change(|runs| runs.push(run));
        Ok(())
    }

    /// Applies upserts and deletions: all of them are visible when this returns. Later rows of a batch
    /// win over earlier ones of their key.
    ///
    /// # Errors
    /// When the rows do not fit, or the key is `i64::MAX`, which the store has no room for.
    pub fn apply(&self, rows: &PackRows) -> anyhow::Result<()> {
        anyhow::ensure!(keys_of(rows)?.values().iter().all(|key| *key < i64::MAX), "a key is too large");
        if rows.is_empty() {
            return Ok(());
        }
        let mut newest = newest_by_key(rows)?;
        let _writer = locked(&self.writer);
        let version = self.version();
        let mut size = newest.len() as u64;
        let mut joined: Vec<&PackRows> = Vec::new();
        for run in version.iter() {
            match run {
                Run::Memory(rows) if rows.len() as u64 <= size * JOIN_FACTOR => {
                    size += rows.len() as u64;
                    joined.push(rows);
                }
                Run::Memory(_) | Run::Frozen(_) | Run::File(_) => break,
            }
        }
        if !joined.is_empty() {
            let oldest_first: Vec<&PackRows> = joined.iter().rev().copied().chain([&newest]).collect();
            newest = join(&oldest_first)?;
        }
        let run = Run::Memory(Arc::new(newest));
        self.change(|runs| drop(runs.splice(0..joined.len(), [run])));
        Ok(())
    }

    /// Does what is due: writes memory out, or merges runs. False if nothing is.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn maintain(&self) -> anyhow::Result<bool> {
        let _maintenance = locked(&self.maintenance);
        let version = self.version();
        let memory = version.iter().filter(|run| matches!(run, Run::Memory(_)));
        if memory.map(Run::rows).sum::<u64>() >= self.config.memory_rows_limit {
            self.write_out()?;
            return Ok(true);
        }
        let files: Vec<Run> = version.iter().filter(|run| matches!(run, Run::File(_))).cloned().collect();
        let Some(chosen) = choose(&files.iter().map(Run::rows).collect::<Vec<_>>()) else { return Ok(false) };
        let oldest = chosen.end == files.len();
        self.replace(&files[chosen], oldest)?;
        Ok(true)
    }

    /// Writes what is in memory out.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn flush(&self) -> anyhow::Result<()> {
        let _maintenance = locked(&self.maintenance);
        self.write_out()
    }

    /// Hands the columns of every row to `fold`, by so many threads, each with a state of its own.
    ///
    /// # Errors
    /// When a file is damaged.
    pub fn scan<S: Default + Send>(
        &self,
        columns: &[usize],
        threads: usize,
        fold: impl Fn(&mut S, &[ArrayRef]) + Sync,
    ) -> anyhow::Result<Vec<S>> {
        scan(&self.schema, &self.version(), columns, threads, fold)
    }

    /// Rows of each run, newest first.
    pub fn run_rows(&self) -> Vec<u64> {
        self.version().iter().map(Run::rows).collect()
    }

    /// Bytes of the runs in memory.
    pub fn memory_bytes(&self) -> u64 {
        self.version().iter().map(Run::memory_bytes).sum()
    }

    fn version(&self) -> Arc<Vec<Run>> {
        self.runs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Run>)) {
        let mut runs = self.runs.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = runs.as_ref().clone();
        change(&mut next);
        *runs = Arc::new(next);
    }

    fn new_pack(&self) -> anyhow::Result<PackWriter> {
        let file = FileId(self.next_file.fetch_add(1, Ordering::Relaxed));
        Ok(PackWriter::create(self.files.clone(), file, &self.schema, PackOptions { sorted: true })?)
    }

    /// Freezes the runs in memory, so that apply leaves them alone, and makes one on disk of them.
    fn write_out(&self) -> anyhow::Result<()> {
        let mut frozen = Vec::new();
        let writer = locked(&self.writer);
        self.change(|runs| {
            for run in runs {
                if let Run::Memory(rows) = run {
                    *run = Run::Frozen(rows.clone());
                }
                if let Run::Frozen(_) = run {
                    frozen.push(run.clone());
                }
            }
        });
        drop(writer);
        // Older runs may have rows that the tombstones hide.
        if frozen.is_empty() { Ok(()) } else { self.replace(&frozen, false) }
    }

    /// Replaces adjacent runs, which apply leaves alone, by one on disk. If nothing is older than
    /// they, tombstones end here.
    fn replace(&self, old: &[Run], oldest: bool) -> anyhow::Result<()> {
        let mut writer = self.new_pack()?;
        rewrite(&self.schema, old, oldest, &mut writer)?;
        let new = if writer.rows() > 0 { Some(Run::File(writer.finish()?)) } else { None };
        self.change(|runs| {
            // Apply may have added runs before these since.
            if let Some(at) = runs.iter().position(|run| run.same(&old[0])) {
                runs.splice(at..at + old.len(), new);
            }
        });
        for run in old {
            if let Run::File(pack) = run {
                self.files.remove(&file_name(pack.file()))?;
            }
        }
        Ok(())
    }
}

/// A panic in another thread is that thread's to report.
fn locked(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
