//! The log in files of its own.
//!
//! One frame after the other goes to the end of the newest file, each synced before the next is written. Files whose
//! entries are all purged are written over: not before a later frame says durably that they are purged, since until
//! then a restart looks for them.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use deltatree_storage::file::{LocalStore, lock_directory};
use parking_lot::Mutex;

use super::extents::{Extent, Extents, read};
use super::frame::Frame;
use super::log_disk::{LogDisk, LogState, last_of};
use super::log_file::{LogFile, PAGE};
use super::recovery::{Recovered, recover};
use crate::error::{Error, Result};
use crate::raft::{Entry, LogId, NodeId};
use crate::runtime::Favour;

/// Bytes of a file, unless a single frame has more.
const FILE_BYTES: u64 = 16 << 20;

/// Files kept to be written over, at most.
const SPARES: usize = 8;

/// Bytes of a buffer that is kept for the next frame, at most.
const BUFFER_BYTES: usize = 1 << 20;

/// See the module.
pub(super) struct LogFiles {
    dir: PathBuf,
    file_bytes: u64,
    /// Which log it is.
    log: u64,
    /// Whoever writes has it, also while it syncs.
    tail: Mutex<Tail>,
    index: Arc<Mutex<Index>>,
    /// Held as long as the files are open.
    _lock: File,
}

/// Where the next frame goes.
struct Tail {
    file: Arc<LogFile>,
    end: u64,
    /// What the file's last page has before `end`.
    page: Vec<u8>,
    /// Of the next frame.
    number: u64,
    /// A write failed: what is in the file from `end` on is not known, and nothing is written any more.
    failed: bool,
    /// Makes a spare file.
    preparing: Option<JoinHandle<()>>,
}

/// What is in the files. Its lock is never held while something waits for the disk.
struct Index {
    state: LogState,
    extents: Extents,
    /// In the order of their frames.
    files: VecDeque<Arc<LogFile>>,
    /// Files whose entries are purged, but perhaps not durably.
    retired: Vec<Arc<LogFile>>,
    /// Files to be written over. Readers may still have one.
    spares: Vec<Arc<LogFile>>,
    /// Number of the next new file.
    file_number: u64,
}

impl LogFiles {
    /// Opens or creates the log in `dir`. Blocks on disk. Errors: `Locked`, `Io`, `Corrupt`.
    pub(super) fn open(dir: &Path) -> Result<Self> {
        Self::with_file_bytes(dir, FILE_BYTES)
    }

    pub(super) fn with_file_bytes(dir: &Path, file_bytes: u64) -> Result<Self> {
        // Makes the directory as well.
        LocalStore::new(dir)?;
        let lock = lock_directory(dir)?;
        let Recovered { log, number, file_number, state, extents, files, end, page, spares } =
            recover(dir, file_bytes)?;
        let file = files.back().cloned().ok_or_else(|| Error::Internal("a log has no file".into()))?;
        let index = Index { state, extents, files, retired: Vec::new(), spares, file_number };
        Ok(Self {
            dir: dir.to_owned(),
            file_bytes,
            log,
            tail: Mutex::new(Tail { file, end, page, number, failed: false, preparing: None }),
            index: Arc::new(Mutex::new(index)),
            _lock: lock,
        })
    }

    /// Writes a frame durably. Entries from `first` on are void, but for those in it.
    fn write(
        &self,
        first: impl FnOnce(&LogState) -> u64,
        vote: Option<openraft::Vote<NodeId>>,
        entries: &[Entry],
    ) -> Result<()> {
        let tail = &mut *self.tail.lock();
        if tail.failed {
            let reason = format!("an earlier write to {} failed", tail.file.path().display());
            return Err(Error::Io { action: "write the log", reason });
        }
        let (state, first, retired) = {
            let index = self.index.lock();
            let mut state = index.state.clone();
            state.vote = vote.or(state.vote);
            let first = first(&state);
            (state, first, index.retired.len())
        };
        let last = match entries.last() {
            Some(entry) => Some(entry.log_id),
            None if first < state.next() => self.log_id_before(first)?,
            None => state.last,
        };
        // A failure from here on leaves it open what is on the disk.
        tail.failed = true;
        let mut buffer = std::mem::take(&mut tail.page);
        let frame = state.in_frame(first, u32::try_from(entries.len()).unwrap_or(u32::MAX));
        let before = buffer.len();
        Frame::encode(self.log, tail.number, &frame, entries, &mut buffer)?;
        let bytes = (buffer.len() - before) as u64;
        if tail.end > 0 && tail.end + bytes > self.file_bytes {
            buffer.drain(..before);
            tail.file = self.next_file()?;
            tail.end = 0;
        }
        tail.append(buffer, bytes)?;
        tail.number += 1;
        tail.failed = false;

        let index = &mut *self.index.lock();
        index.extents.cut(first);
        if !entries.is_empty() {
            let last = first + entries.len() as u64 - 1;
            index.extents.push(Extent { first, last, file: tail.file.clone(), offset: tail.end - bytes, bytes });
        }
        index.state.vote = state.vote;
        index.state.last = last_of(last, index.state.purged);
        index.spares.extend(index.retired.drain(..retired));
        if tail.end > self.file_bytes / 2 && index.spares.is_empty() {
            self.prepare_file(tail, index);
        }
        Ok(())
    }

    fn log_id_before(&self, index: u64) -> Result<Option<LogId>> {
        let Some(before) = index.checked_sub(1) else { return Ok(None) };
        Ok(self.entries(before, index, usize::MAX)?.last().map(|entry| entry.log_id))
    }

    /// A file that nobody reads any more, or a new one.
    fn next_file(&self) -> Result<Arc<LogFile>> {
        let mut index = self.index.lock();
        if let Some(unread) = index.spares.iter().position(|file| Arc::strong_count(file) == 1) {
            let file = index.spares.swap_remove(unread);
            index.files.push_back(file.clone());
            return Ok(file);
        }
        let number = index.next_file_number();
        drop(index);
        let file = Arc::new(LogFile::create(&self.dir, number, self.file_bytes)?);
        self.index.lock().files.push_back(file.clone());
        Ok(file)
    }

    /// Begins to make a spare file. If it is not there when it is needed, one is used that grows.
    fn prepare_file(&self, tail: &mut Tail, index: &mut Index) {
        if tail.preparing.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let number = index.next_file_number();
        let (dir, bytes, index) = (self.dir.clone(), self.file_bytes, self.index.clone());
        let prepare = move || {
            Favour::BACKGROUND.apply();
            match LogFile::prepared(&dir, number, bytes) {
                Ok(file) => index.lock().spares.push(Arc::new(file)),
                Err(e) => tracing::warn!("{e}"),
            }
        };
        tail.preparing = std::thread::Builder::new().name("log-preparer".into()).spawn(prepare).ok();
    }
}

impl Tail {
    /// Writes the end of `buffer`, which begins with what the last page has already.
    fn append(&mut self, mut buffer: Vec<u8>, bytes: u64) -> Result<()> {
        let start = self.end - self.end % PAGE;
        buffer.resize(buffer.len().next_multiple_of(PAGE as usize), 0);
        self.file.write_durably(start, &mut buffer)?;
        self.end += bytes;
        let page = (self.end - self.end % PAGE - start) as usize;
        buffer.copy_within(page..page + (self.end % PAGE) as usize, 0);
        buffer.truncate((self.end % PAGE) as usize);
        if buffer.capacity() > BUFFER_BYTES {
            buffer.shrink_to(PAGE as usize);
        }
        self.page = buffer;
        Ok(())
    }
}

impl Index {
    fn next_file_number(&mut self) -> u64 {
        self.file_number += 1;
        self.file_number - 1
    }
}

impl LogDisk for LogFiles {
    fn state(&self) -> LogState {
        self.index.lock().state.clone()
    }

    fn entries(&self, start: u64, end: u64, limit: usize) -> Result<Vec<Entry>> {
        let extents = self.index.lock().extents.range(start, end, limit);
        read(&extents, start, end)
    }

    fn append(&self, entries: &[Entry]) -> Result<()> {
        let Some(entry) = entries.first() else { return Ok(()) };
        self.write(|_| entry.log_id.index, None, entries)
    }

    fn save_vote(&self, vote: openraft::Vote<NodeId>) -> Result<()> {
        self.write(LogState::next, Some(vote), &[])
    }

    fn save_committed(&self, committed: Option<LogId>) -> Result<()> {
        self.index.lock().state.committed = committed;
        Ok(())
    }

    fn truncate(&self, first: u64) -> Result<()> {
        self.write(|_| first, None, &[])
    }

    fn purge(&self, upto: LogId) -> Result<()> {
        let surplus = {
            let index = &mut *self.index.lock();
            index.extents.purge(upto.index);
            index.state.purged = last_of(Some(upto), index.state.purged);
            index.state.last = last_of(index.state.last, index.state.purged);
            while index.files.len() > 1
                && let Some(file) = index.files.pop_front_if(|file| !index.extents.starts_in(file))
            {
                index.retired.push(file);
            }
            let spares = &mut index.spares;
            let too_many = spares.len() > SPARES;
            let surplus = spares.iter().position(|file| too_many || file.is_oversized());
            surplus.map(|at| spares.swap_remove(at))
        };
        surplus.map_or(Ok(()), |file| file.remove())
    }

    fn first_index(&self) -> Option<u64> {
        self.index.lock().extents.first()
    }

    fn bytes_after(&self, index: u64) -> u64 {
        self.index.lock().extents.bytes_after(index)
    }

    fn purge_candidate(&self, keep: u64) -> Option<u64> {
        self.index.lock().extents.purge_candidate(keep)
    }
}

impl Drop for LogFiles {
    fn drop(&mut self) {
        if let Some(thread) = self.tail.get_mut().preparing.take() {
            // Whether it panicked does not matter any more.
            let _ = thread.join();
        }
    }
}
