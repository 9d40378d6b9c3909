//! The recent deletions, in the order in which they were applied.
//!
//! A list of immutable runs: appending makes a new run and joins runs of like size, so that a list
//! of n deletions has O(log n) runs, each deletion is copied O(log n) times, and every earlier list
//! stays as it was for whoever holds it. That is what makes a published version immutable without
//! any lock between readers and the writer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::types::Timestamp;

/// Row `row` is gone from `commit_ts` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deletion {
    pub(crate) commit_ts: Timestamp,
    pub(crate) row: u32,
}

/// See the module documentation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail {
    runs: Vec<Arc<[Deletion]>>,
    len: usize,
    newest: Timestamp,
}

impl Tail {
    /// Number of deletions.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Largest timestamp, or zero if empty.
    pub(crate) fn newest(&self) -> Timestamp {
        self.newest
    }

    /// All deletions, in the order in which they were appended.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Deletion> + '_ {
        self.runs.iter().flat_map(|r| r.iter().copied())
    }

    /// The deletions after the first `skip`.
    pub(crate) fn iter_from(&self, skip: usize) -> impl Iterator<Item = Deletion> + '_ {
        let mut start = 0;
        self.runs.iter().flat_map(move |run| {
            let from = skip.saturating_sub(start).min(run.len());
            start += run.len();
            run[from..].iter().copied()
        })
    }

    /// Adds deletions at the end.
    pub(crate) fn append(&mut self, entries: &[Deletion]) {
        if entries.is_empty() {
            return;
        }
        self.len += entries.len();
        self.newest = entries.iter().map(|e| e.commit_ts).fold(self.newest, Timestamp::max);
        let mut keep = self.runs.len();
        let mut joined = entries.len();
        while keep > 0 && self.runs[keep - 1].len() <= joined {
            keep -= 1;
            joined += self.runs[keep].len();
        }
        let run: Arc<[Deletion]> = if keep == self.runs.len() {
            entries.into()
        } else {
            let mut run = Vec::with_capacity(joined);
            self.runs.drain(keep..).for_each(|r| run.extend_from_slice(&r));
            run.extend_from_slice(entries);
            run.into()
        };
        self.runs.push(run);
    }

    /// Bytes held in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.len * size_of::<Deletion>()
    }

    /// Panics if counts or bounds are wrong.
    pub(crate) fn validate(&self) {
        assert_eq!(self.len, self.iter().count(), "tail length is wrong");
        assert_eq!(self.newest, self.iter().map(|e| e.commit_ts).max().unwrap_or_default(), "newest is wrong");
    }
}
