//! Where in which file the entries of the log are.

use std::collections::VecDeque;
use std::sync::Arc;

use super::cache::up_to_bytes;
use super::frame::Frame;
use super::log_disk::purge_candidate;
use super::log_file::LogFile;
use crate::error::{Error, Result};
use crate::raft::Entry;

/// Entries that were appended at once, in one frame. Some of the first and last of them may be void.
#[derive(Clone, Debug)]
pub(super) struct Extent {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) file: Arc<LogFile>,
    /// Of the frame.
    pub(super) offset: u64,
    /// Of the frame.
    pub(super) bytes: u64,
}

/// Extents in the order of their entries.
///
/// Invariant: each starts with the index after the last of the one before.
#[derive(Debug, Default)]
pub(super) struct Extents(VecDeque<Extent>);

impl Extents {
    pub(super) fn push(&mut self, extent: Extent) {
        self.0.push_back(extent);
    }

    /// The first entry's index.
    pub(super) fn first(&self) -> Option<u64> {
        self.0.front().map(|e| e.first)
    }

    /// The last entry's index.
    pub(super) fn last(&self) -> Option<u64> {
        self.0.back().map(|e| e.last)
    }

    /// Removes the entries from `first` on.
    pub(super) fn cut(&mut self, first: u64) {
        while self.0.back().is_some_and(|e| e.first >= first) {
            self.0.pop_back();
        }
        if let Some(extent) = self.0.back_mut() {
            extent.last = extent.last.min(first.saturating_sub(1));
        }
    }

    /// Removes the entries up to `last`.
    pub(super) fn purge(&mut self, last: u64) {
        while self.0.front().is_some_and(|e| e.last <= last) {
            self.0.pop_front();
        }
        if let Some(extent) = self.0.front_mut() {
            extent.first = extent.first.max(last + 1);
        }
    }

    /// Those with entries from `start` to before `end`, from the first on until they have more than `limit` bytes; at
    /// least one, if there is one.
    pub(super) fn range(&self, start: u64, end: u64, limit: usize) -> Vec<Extent> {
        let from = self.0.partition_point(|e| e.last < start);
        let within = self.0.range(from..).take_while(|e| e.first < end);
        up_to_bytes(within, limit, |e| e.bytes as usize).cloned().collect()
    }

    /// Their entries, as of [`Self::range`]. Blocks on disk.
    pub(super) fn read(&self, start: u64, end: u64, limit: usize) -> Result<Vec<Entry>> {
        read(&self.range(start, end, limit), start, end)
    }

    /// Bytes of those with entries after `index`.
    pub(super) fn bytes_after(&self, index: u64) -> u64 {
        self.0.iter().rev().take_while(|e| e.last > index).map(|e| e.bytes).sum()
    }

    /// See [`super::log_disk::LogDisk::purge_candidate`].
    pub(super) fn purge_candidate(&self, keep: u64) -> Option<u64> {
        purge_candidate(self.0.iter().rev().map(|e| (e.first, e.bytes)), keep)
    }

    /// Whether the first entry is in `file`.
    pub(super) fn starts_in(&self, file: &Arc<LogFile>) -> bool {
        self.0.front().is_some_and(|e| Arc::ptr_eq(&e.file, file))
    }
}

/// The entries of `extents` from `start` to before `end`. Blocks on disk.
pub(super) fn read(extents: &[Extent], start: u64, end: u64) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for extent in extents {
        let wanted = start.max(extent.first)..end.min(extent.last + 1);
        let bytes = extent.file.read(extent.offset, extent.bytes)?;
        let Some(frame) = Frame::parse(&bytes) else {
            let reason = format!("no whole frame: {}, at byte {}", extent.file.path().display(), extent.offset);
            return Err(Error::Corrupt { what: "log", reason });
        };
        entries.extend(frame.entries()?.into_iter().filter(|entry| wanted.contains(&entry.log_id.index)));
    }
    Ok(entries)
}
