//! What a commit must hold against the row store, checked before it queues.
//!
//! The proposer decides from memory alone. What memory cannot know is looked up here, by the committing
//! task, beside all others: whether a key that must be new has a row, and whether a key was changed
//! since a timestamp that memory no longer reaches back to. Each check says *as of when* it holds; the
//! proposer checks the time since.

use deltatree_storage::types::Timestamp;

use crate::error::{Error, Result};
use crate::row_store::RowStore;
use crate::txn::CommitRequest;

/// How much to look up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Keys that must be new.
    NewKeys,
    /// All keys.
    AllKeys,
}

/// Checks `request` against the store, in which everything up to `applied` is applied. Blocks on disk.
///
/// Errors: `DuplicateKey`, `WriteConflict`, `Io`, `Corrupt`.
pub(super) fn check(store: &RowStore, request: &mut CommitRequest, applied: Timestamp, depth: Depth) -> Result<()> {
    let wanted: Vec<usize> = request
        .mutations
        .iter()
        .enumerate()
        .filter(|(_, m)| m.must_be_new || depth == Depth::AllKeys && m.unchanged_since < applied)
        .map(|(i, _)| i)
        .collect();
    let mutations = &request.mutations;
    store.newest_headers(wanted.iter().map(|&i| mutations[i].key().as_ref()), |n, newest| {
        let m = &mutations[wanted[n]];
        match newest {
            Some(header) if m.must_be_new && header.live => Err(Error::DuplicateKey { key: m.key().clone() }),
            Some(header) if !m.must_be_new && header.commit_ts > m.unchanged_since => {
                Err(Error::WriteConflict { key: m.key().clone(), start_ts: m.unchanged_since.0 })
            }
            Some(_) | None => Ok(()),
        }
    })?;
    check_locked(store, request, applied, depth)?;
    for &i in &wanted {
        let m = &mut request.mutations[i];
        m.unchanged_since = m.unchanged_since.max(applied);
    }
    Ok(())
}

/// Keys that were locked and are not written. As a rule memory knows that nobody wrote them.
fn check_locked(store: &RowStore, request: &mut CommitRequest, applied: Timestamp, depth: Depth) -> Result<()> {
    if depth != Depth::AllKeys {
        return Ok(());
    }
    let locked = &request.locked;
    store.newest_headers(locked.iter().map(|l| l.key.as_ref()), |n, newest| match newest {
        Some(header) if header.commit_ts > locked[n].unchanged_since => {
            Err(Error::WriteConflict { key: locked[n].key.clone(), start_ts: locked[n].unchanged_since.0 })
        }
        Some(_) | None => Ok(()),
    })?;
    for locked in &mut request.locked {
        locked.unchanged_since = locked.unchanged_since.max(applied);
    }
    Ok(())
}
