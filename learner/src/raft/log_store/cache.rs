//! The newest entries of the log, as they were proposed.
//!
//! Every entry is read right after it was appended: to be applied here, and to be sent to other
//! replicas. Serving those reads from memory avoids decoding what was just encoded, and lets all
//! readers share one copy of the rows.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};

use openraft::{EntryPayload, RaftLogId};

use crate::raft::Entry;

/// Entries by index.
///
/// Invariants: indexes are consecutive; the last entry of the log is here unless the cache is empty.
#[derive(Default)]
pub(super) struct EntryCache {
    entries: BTreeMap<u64, Entry>,
    bytes: usize,
}

impl EntryCache {
    pub(super) fn push(&mut self, entry: Entry) {
        let index = entry.get_log_id().index;
        if self.entries.last_key_value().is_some_and(|(&last, _)| last + 1 != index) {
            self.clear();
        }
        self.bytes += entry_bytes(&entry);
        self.entries.insert(index, entry);
    }

    /// Forgets the oldest entries up to `durable` until at most `limit` bytes are left.
    pub(super) fn shrink(&mut self, durable: u64, limit: usize) {
        while self.bytes > limit
            && let Some(first) = self.entries.first_entry()
            && *first.key() <= durable
        {
            self.bytes -= entry_bytes(first.get());
            first.remove();
        }
    }

    pub(super) fn truncate(&mut self, from: u64) {
        let removed = self.entries.split_off(&from);
        self.bytes -= removed.values().map(entry_bytes).sum::<usize>();
    }

    pub(super) fn purge(&mut self, upto: u64) {
        let kept = self.entries.split_off(&(upto + 1));
        let removed = std::mem::replace(&mut self.entries, kept);
        self.bytes -= removed.values().map(entry_bytes).sum::<usize>();
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Entries in `range`; none if it is inverted.
    pub(super) fn range(&self, range: impl RangeBounds<u64>) -> impl Iterator<Item = &Entry> {
        let start = match range.start_bound() {
            Bound::Included(&i) => i,
            Bound::Excluded(&i) => i + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&i) => i.saturating_add(1),
            Bound::Excluded(&i) => i,
            Bound::Unbounded => u64::MAX,
        };
        self.entries.range(start..end.max(start)).map(|(_, e)| e)
    }

    pub(super) fn first(&self) -> Option<u64> {
        self.entries.first_key_value().map(|(&i, _)| i)
    }

    pub(super) fn last(&self) -> Option<&Entry> {
        self.entries.last_key_value().map(|(_, e)| e)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The first of `items` that have no more than `limit` bytes together; at least one, if there is one.
pub(super) fn up_to_bytes<T>(
    items: impl Iterator<Item = T>,
    limit: usize,
    bytes: impl Fn(&T) -> usize,
) -> impl Iterator<Item = T> {
    let mut total = 0;
    items.take_while(move |item| {
        let is_first = total == 0;
        total += bytes(item);
        is_first || total <= limit
    })
}

/// Roughly the bytes of an entry.
pub(super) fn entry_bytes(entry: &Entry) -> usize {
    match &entry.payload {
        EntryPayload::Normal(command) => command.size() + 64,
        EntryPayload::Blank | EntryPayload::Membership(_) => 128,
    }
}
