//! `AUTO_INCREMENT` values and hidden row ids.
//!
//! Ids are reserved in ranges by a commit on the table's counter, and handed out from memory. What a
//! crash leaves unused of a range is lost, never used twice.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use deltatree_storage::types::{TableId, Timestamp};
use parking_lot::Mutex;

use super::Leader;
use crate::catalog::{CatalogError, auto_increment_key, raise, reserve};
use crate::error::{Error, ErrorKind, Result};
use crate::txn::{CheckedMutation, CommitRequest};

/// Ids reserved at once, at least.
const RANGE: u64 = 4_000;
/// Attempts to win the counter against other writers of it.
const ATTEMPTS: usize = 20;

/// Reserved and not yet handed out, by table.
#[derive(Default)]
pub(super) struct IdRanges {
    tables: Mutex<HashMap<TableId, Arc<tokio::sync::Mutex<Range>>>>,
}

/// Ids from `next` to below `end` are this leader's.
#[derive(Default)]
struct Range {
    next: u64,
    end: u64,
}

impl Range {
    /// The first of `n` ids at or above `at_least`, if the range has them.
    fn take(&mut self, n: u64, at_least: u64) -> Option<u64> {
        let first = self.next.max(at_least);
        let end = first.checked_add(n)?;
        if self.end == 0 || end > self.end {
            return None;
        }
        self.next = end;
        Some(first)
    }

    /// Goes on with ids that were reserved after these. What is left of these is used if nobody else has come between:
    /// rows that are inserted many at a time have ids without gaps, as users of MySQL are used to.
    fn extend(&mut self, reserved: Self) {
        if self.end == reserved.next {
            self.end = reserved.end;
        } else {
            *self = reserved;
        }
    }
}

impl IdRanges {
    fn of(&self, table: TableId) -> Arc<tokio::sync::Mutex<Range>> {
        self.tables.lock().entry(table).or_default().clone()
    }

    /// The table is gone.
    pub(super) fn forget(&self, table: TableId) {
        self.tables.lock().remove(&table);
    }

    /// Somebody else may hand out ids now.
    pub(super) fn clear(&self) {
        self.tables.lock().clear();
    }
}

impl Leader {
    /// See [`crate::LeaderGroup::allocate_ids`].
    pub(crate) async fn allocate_ids(self: &Arc<Self>, table: TableId, n: u64, at_least: Option<u64>) -> Result<u64> {
        let at_least = at_least.unwrap_or(0);
        let range = self.ids.of(table);
        let mut range = range.lock().await;
        if let Some(first) = range.take(n, at_least) {
            return Ok(first);
        }
        range.extend(self.reserve_ids(table, n, at_least).await?);
        range.take(n, at_least).ok_or_else(|| Error::Internal("a reserved id range is too short".into()))
    }

    async fn reserve_ids(self: &Arc<Self>, table: TableId, n: u64, at_least: u64) -> Result<Range> {
        let start = self.voter.catalog().table_by_id(table).map_or(1, |t| t.auto_increment_start.max(1));
        let key = auto_increment_key(table);
        let mut last = Error::Internal("no attempt was made".into());
        for _ in 0..ATTEMPTS {
            let ts = self.read_ts().await?;
            let stored = self.reader().get(&key, ts)?;
            let (range, value) = next_range(stored.as_deref(), start, n, at_least)?;
            match self.commit_counter(key.clone(), value, ts).await {
                Ok(()) => return Ok(range),
                Err(e) if e.kind() == ErrorKind::WriteConflict => last = e,
                Err(e) => return Err(e),
            }
        }
        Err(last)
    }

    async fn commit_counter(self: &Arc<Self>, key: Bytes, value: Bytes, ts: Timestamp) -> Result<()> {
        let mutation = CheckedMutation::new(key, Some(value), ts, false);
        let request = CommitRequest::new(self.new_txn_id(), ts, vec![mutation], Vec::new());
        self.commit(request).await.map(drop)
    }
}

/// The range to reserve for `n` ids at or above `at_least`, and what the counter holds then.
fn next_range(stored: Option<&[u8]>, start: u64, n: u64, at_least: u64) -> Result<(Range, Bytes)> {
    let raised = match at_least.checked_sub(1) {
        Some(used) => raise(stored, start, used).map_err(invalid)?,
        None => None,
    };
    let stored = raised.as_deref().or(stored);
    let (ids, value) = reserve(stored, start, n.max(RANGE)).or_else(|_| reserve(stored, start, n)).map_err(invalid)?;
    Ok((Range { next: ids.start, end: ids.end }, value))
}

fn invalid(e: CatalogError) -> Error {
    Error::Invalid(e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_on_where_the_range_before_ended() {
        let mut range = Range { next: 3, end: 5 };
        range.extend(Range { next: 5, end: 9 });
        assert_eq!((range.take(4, 0), range.take(2, 0), range.take(3, 0)), (Some(3), Some(7), None));
        // Another leader has handed out some.
        range.extend(Range { next: 20, end: 30 });
        assert_eq!(range.take(3, 0), Some(20));
    }

    #[test]
    fn a_range_hands_out_each_id_once() {
        let mut r = Range { next: 5, end: 10 };
        assert_eq!(r.take(2, 0), Some(5));
        assert_eq!(r.take(1, 9), Some(9));
        assert_eq!(r.take(1, 0), None);
    }

    #[test]
    fn an_explicit_value_moves_the_next_range_past_it() {
        let (first, value) = next_range(None, 1, 1, 0).unwrap();
        assert_eq!(first.next, 1);
        let (second, _) = next_range(Some(&value), 1, 1, 1_000_000).unwrap();
        assert_eq!(second.next, 1_000_000);
    }

    #[test]
    fn an_empty_range_gives_nothing() {
        assert_eq!(Range::default().take(0, 0), None);
    }
}
