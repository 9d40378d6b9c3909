//! A file of the log.
//!
//! What a file system does for a write that makes a file longer is to commit a change of its own journal when the
//! file is synced, and to let it wait for everybody else's. A write over bytes that were there before it has to put
//! in their place, and nothing else. Hence files have their length before they are needed, and are used again
//! instead of removed (as those of PostgreSQL's write-ahead log and of TiKV's raft-engine are).

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use deltatree_storage::file::{FileStore, LocalStore};

use crate::error::{Error, Result};

/// What the operating system writes at once: less would make it read first what is around it.
pub(super) const PAGE: u64 = 4096;

/// By how much a file grows that was not prepared in time.
const STEP: u64 = 1 << 20;

const EXTENSION: &str = "raft";

/// See the module.
#[derive(Debug)]
pub(super) struct LogFile {
    file: File,
    path: PathBuf,
    /// Bytes that it has, whatever they are.
    size: AtomicU64,
    /// Bytes that it should have, unless a single frame has more.
    full: u64,
}

impl LogFile {
    /// A new, empty file with this number, that should get `full` bytes, a multiple of [`PAGE`].
    pub(super) fn create(dir: &Path, number: u64, full: u64) -> Result<Self> {
        let path = dir.join(format!("{number:08}.{EXTENSION}"));
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(|e| failed("create a file of the log", &path, &e))?;
        LocalStore::new(dir)?.sync_dir()?;
        Ok(Self { file, path, size: AtomicU64::new(0), full })
    }

    /// A new file that is as long as it should be.
    pub(super) fn prepared(dir: &Path, number: u64, full: u64) -> Result<Self> {
        let this = Self::create(dir, number, full)?;
        let zeros = vec![0; STEP.min(full) as usize];
        for offset in (0..full).step_by(zeros.len()) {
            this.write(offset, &zeros)?;
        }
        this.sync()?;
        Ok(this)
    }

    pub(super) fn open(path: &Path, full: u64) -> Result<Self> {
        let open = || {
            let file = OpenOptions::new().read(true).write(true).open(path)?;
            let size = AtomicU64::new(file.metadata()?.len());
            Ok(Self { file, path: path.to_owned(), size, full })
        };
        open().map_err(|e| failed("open a file of the log", path, &e))
    }

    /// The number in the name of a file; none if it is no file of the log.
    pub(super) fn number(path: &Path) -> Option<u64> {
        let is_ours = path.extension().is_some_and(|extension| extension == EXTENSION);
        path.file_stem().filter(|_| is_ours)?.to_str()?.parse().ok()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    /// Whether it had to hold a frame that is too large for it.
    pub(super) fn is_oversized(&self) -> bool {
        self.size() > self.full
    }

    pub(super) fn read(&self, offset: u64, bytes: u64) -> Result<Vec<u8>> {
        let mut buffer = vec![0; bytes as usize];
        let read = self.file.read_exact_at(&mut buffer, offset);
        read.map_err(|e| failed("read the log", &self.path, &e))?;
        Ok(buffer)
    }

    /// Writes durably what is in `buffer`. If that makes the file longer, then by some more zeros, which the buffer
    /// gets too.
    pub(super) fn write_durably(&self, offset: u64, buffer: &mut Vec<u8>) -> Result<()> {
        let end = offset + buffer.len() as u64;
        if end > self.size() {
            let longer = end.next_multiple_of(STEP).min(self.full).max(end);
            buffer.resize((longer - offset) as usize, 0);
        }
        self.write(offset, buffer)?;
        self.sync()
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.file.write_all_at(bytes, offset).map_err(|e| failed("write the log", &self.path, &e))?;
        self.size.fetch_max(offset + bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| failed("sync the log", &self.path, &e))
    }

    pub(super) fn remove(&self) -> Result<()> {
        std::fs::remove_file(&self.path).map_err(|e| failed("remove a file of the log", &self.path, &e))
    }
}

pub(super) fn failed(action: &'static str, path: &Path, e: &std::io::Error) -> Error {
    Error::Io { action, reason: format!("{}: {e}", path.display()) }
}
