//! What a directory with files of the log holds.
//!
//! Each file starts with a *run* of frames with consecutive numbers; behind it are zeros, or frames of earlier uses
//! of the file, whose numbers are lower. Frames are written one after the other, each once the one before is
//! durable. So if a frame is whole then all before it were, and the last one may be torn: nobody was told that it
//! is durable. Whatever else is missing is damage.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltatree_storage::file::{FileStore, LocalStore};

use super::extents::{Extent, Extents};
use super::frame::{ALIGNMENT, Frame, FrameState};
use super::log_disk::{LogState, last_of};
use super::log_file::{LogFile, PAGE, failed};
use crate::error::{Error, Result};

/// A log as it was found.
pub(super) struct Recovered {
    /// Which log it is.
    pub(super) log: u64,
    /// Number of the next frame.
    pub(super) number: u64,
    /// Number of the next file.
    pub(super) file_number: u64,
    pub(super) state: LogState,
    pub(super) extents: Extents,
    /// In the order of their frames. The next one goes to the last of them.
    pub(super) files: VecDeque<Arc<LogFile>>,
    /// Where the last file's frames end.
    pub(super) end: u64,
    /// What its last page has before that.
    pub(super) page: Vec<u8>,
    /// Files with nothing that is needed.
    pub(super) spares: Vec<Arc<LogFile>>,
}

/// Reads all files, which should have `file_bytes`, and makes durable what the last process may have left unsynced.
pub(super) fn recover(dir: &Path, file_bytes: u64) -> Result<Recovered> {
    let mut runs = Vec::new();
    let mut file_number = 1;
    for (number, path) in files_in(dir)? {
        file_number = file_number.max(number + 1);
        runs.push(Run::read(Arc::new(LogFile::open(&path, file_bytes)?))?);
    }
    let Some(log) = runs.iter().find_map(|run| run.log) else {
        let file = Arc::new(LogFile::create(dir, file_number, file_bytes)?);
        return Ok(Recovered {
            log: RandomState::new().hash_one(dir),
            number: 1,
            file_number: file_number + 1,
            state: LogState::default(),
            extents: Extents::default(),
            files: [file].into(),
            end: 0,
            page: Vec::new(),
            spares: runs.into_iter().map(|run| run.file).collect(),
        });
    };
    if let Some(other) = runs.iter().find(|run| run.log.is_some_and(|other| other != log)) {
        let reason = format!("{} belongs to another log than the files beside it", other.file.path().display());
        return Err(Error::Corrupt { what: "log", reason });
    }

    runs.sort_unstable_by_key(|run| run.first);
    let highest = runs.iter().map(|run| run.highest).max().unwrap_or(0);
    let (chain, stale) = chain(runs);
    let Some(newest) = chain.back().filter(|newest| newest.last() == highest) else {
        return Err(damaged(&chain, &stale, "a frame is not whole, and a later one is"));
    };
    let end = newest.end;
    newest.file.sync()?;
    LocalStore::new(dir)?.sync_dir()?;
    let page_start = end - end % PAGE;
    let page = newest.file.read(page_start, end - page_start)?;
    let (state, extents) = replay(&chain, &stale)?;
    let spares = stale.into_iter().map(|run| run.file).collect();
    let files = chain.into_iter().map(|run| run.file).collect();
    Ok(Recovered { log, number: highest + 1, file_number, state, extents, files, end, page, spares })
}

/// Files of the log by number.
fn files_in(dir: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let unreadable = |e| failed("list the directory of the log", dir, &e);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if let Some(number) = LogFile::number(&path) {
            files.push((number, path));
        } else if path.extension().is_some_and(|extension| extension == "jnl") {
            let reason = format!(
                "{} was written by an earlier version of DeltaTree; dump the data with that version and load it with this one",
                path.display()
            );
            return Err(Error::Corrupt { what: "log", reason });
        }
    }
    Ok(files)
}

/// The frames that a file starts with, if any.
struct Run {
    file: Arc<LogFile>,
    /// Which log the file belongs to, if there is a whole frame in it.
    log: Option<u64>,
    /// Number of the first frame.
    first: u64,
    /// Place, size and content of each.
    frames: Vec<(u64, u64, FrameState)>,
    /// Where they end.
    end: u64,
    /// The highest number of a whole frame, anywhere in the file. Numbers start at 1.
    highest: u64,
}

impl Run {
    fn read(file: Arc<LogFile>) -> Result<Self> {
        let bytes = file.read(0, file.size())?;
        let first = Frame::parse(&bytes).map_or(0, |frame| frame.number);
        let mut this = Self { file, log: None, first, frames: Vec::new(), end: 0, highest: 0 };
        let mut consecutive = true;
        let mut offset = 0;
        while offset < bytes.len() {
            let frame = Frame::parse(&bytes[offset..]);
            consecutive &= frame.is_some_and(|frame| frame.number == first + this.frames.len() as u64);
            if let Some(frame) = frame {
                this.log = Some(frame.log);
                this.highest = this.highest.max(frame.number);
            }
            if let Some(frame) = frame.filter(|_| consecutive) {
                this.frames.push((offset as u64, frame.size(), frame.state()?));
                this.end = offset as u64 + frame.size();
            }
            offset += frame.map_or(ALIGNMENT, |frame| frame.size() as usize);
        }
        Ok(this)
    }

    /// Number of the last frame.
    fn last(&self) -> u64 {
        (self.first + self.frames.len() as u64).saturating_sub(1)
    }
}

/// Of runs in order, those at the end that continue each other, and the others.
fn chain(mut runs: Vec<Run>) -> (VecDeque<Run>, Vec<Run>) {
    let mut chain = VecDeque::new();
    let continues = |run: &Run, chain: &VecDeque<Run>| {
        !run.frames.is_empty() && chain.front().is_none_or(|next| run.last() + 1 == next.first)
    };
    while let Some(run) = runs.pop_if(|run| continues(run, &chain)) {
        chain.push_front(run);
    }
    (chain, runs)
}

/// What the frames come to.
fn replay(chain: &VecDeque<Run>, stale: &[Run]) -> Result<(LogState, Extents)> {
    let mut extents = Extents::default();
    let mut newest = FrameState::default();
    for run in chain {
        for &(offset, bytes, ref state) in &run.frames {
            if let Some(purged) = state.purged {
                extents.purge(purged.index);
            }
            extents.cut(state.first);
            if state.entries > 0 {
                let last = state.first + u64::from(state.entries) - 1;
                extents.push(Extent { first: state.first, last, file: run.file.clone(), offset, bytes });
            }
            newest = state.clone();
        }
    }
    let FrameState { vote, committed, purged, first, entries } = newest;
    let (needed, next) = (purged.map_or(0, |id| id.index + 1), first + u64::from(entries));
    // Purging may have left more than it had to, and what is left ends with the newest frame.
    let found = extents.first().unwrap_or(needed)..extents.last().map_or(needed, |last| last + 1);
    if found.start > needed || found.end != next {
        let what = format!("entries {needed} to {next} are needed, and {} to {} are there", found.start, found.end);
        return Err(damaged(chain, stale, &what));
    }
    let last = match extents.last() {
        Some(index) => extents.read(index, index + 1, usize::MAX)?.last().map(|entry| entry.log_id),
        None => None,
    };
    Ok((LogState { vote, committed, purged, last: last_of(last, purged) }, extents))
}

fn damaged(chain: &VecDeque<Run>, stale: &[Run], what: &str) -> Error {
    let runs = || stale.iter().chain(chain);
    // A file that has whole frames of a later number than where its run ends.
    let reason = match runs().find(|run| run.highest > run.last()).or(runs().next()) {
        Some(run) => format!("{what}: {}, at byte {}", run.file.path().display(), run.end),
        None => what.to_owned(),
    };
    Error::Corrupt { what: "log", reason }
}
