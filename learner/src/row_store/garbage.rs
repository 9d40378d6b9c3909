//! What nobody can read any more, and how it goes.
//!
//! Every overwrite and every deletion leaves a note in the garbage space, keyed by the timestamp at
//! which it happened. Once the safe point has reached that timestamp the noted record is invisible to
//! all readers. So collection is a short walk over due notes: it never looks for garbage.
//!
//! ```text
//! H · overwritten at (8) · history key     drop that history entry
//! T · deleted at (8) · key                 drop the key if that tombstone is still its newest version
//! D · table id (8)                         drop all keys of the table
//! ```

use deltatree_storage::types::{TableId, Timestamp};

use super::RowStore;
use super::backend::Space;
use super::record;
use crate::codec::table_range;
use crate::error::{Error, Result};

const HISTORY: u8 = b'H';
const TOMBSTONE: u8 = b'T';
const TABLE: u8 = b'D';

pub(super) fn history_note(overwritten_at: Timestamp, history_key: &[u8]) -> Vec<u8> {
    note(HISTORY, overwritten_at.0, history_key)
}

pub(super) fn tombstone_note(deleted_at: Timestamp, key: &[u8]) -> Vec<u8> {
    note(TOMBSTONE, deleted_at.0, key)
}

pub(super) fn table_note(table: TableId) -> Vec<u8> {
    note(TABLE, table.0, &[])
}

fn note(kind: u8, number: u64, subject: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(9 + subject.len());
    out.push(kind);
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(subject);
    out
}

/// What one step of collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CollectProgress {
    /// Records removed.
    pub(crate) removed: usize,
    /// Whether due notes may be left.
    pub(crate) more: bool,
}

impl RowStore {
    /// Removes at most about `limit` records that are garbage at the safe point. Blocks on disk.
    ///
    /// Must not run beside an apply: the caller serialises the two, since a tombstone is looked at and
    /// then removed.
    pub(crate) fn collect(&self, limit: usize) -> Result<CollectProgress> {
        let mut progress = CollectProgress::default();
        let due = self.safe_point().0.saturating_add(1);
        let mut batch = self.backend.batch();
        for kind in [HISTORY, TOMBSTONE] {
            for pair in self.backend.range(Space::Garbage, &[kind], &note(kind, due, &[])) {
                if progress.removed >= limit {
                    progress.more = true;
                    break;
                }
                let note = pair.key().map_err(Error::io("read the row store"))?;
                let (at, subject) = parse(&note)?;
                match kind {
                    HISTORY => batch.remove(Space::History, subject),
                    _ => {
                        if self.hot.load().newest(subject).is_some() {
                            // To be collected when it is settled.
                            continue;
                        }
                        if let Some(newest) = self.backend.get(Space::Rows, subject)?
                            && record::header(&newest)? == (record::Header { live: false, commit_ts: Timestamp(at) })
                        {
                            batch.remove(Space::Rows, subject);
                        }
                    }
                }
                batch.remove(Space::Garbage, note);
                progress.removed += 1;
            }
        }
        if !progress.more {
            self.collect_table(limit, &mut batch, &mut progress)?;
        }
        batch.commit()?;
        Ok(progress)
    }

    /// Removes keys of the first dropped table, and its note when none is left.
    fn collect_table(
        &self,
        limit: usize,
        batch: &mut super::backend::Batch,
        progress: &mut CollectProgress,
    ) -> Result<()> {
        let Some(pair) = self.backend.range(Space::Garbage, &[TABLE], &[TABLE + 1]).next() else { return Ok(()) };
        let note = pair.key().map_err(Error::io("read the row store"))?;
        let (table, _) = parse(&note)?;
        // None of its rows may come back.
        self.settle()?;
        let before = progress.removed;
        let (start, end) = table_range(TableId(table));
        for space in [Space::Rows, Space::History] {
            for pair in self.backend.range(space, &start, &end) {
                if progress.removed >= limit {
                    progress.more = true;
                    return Ok(());
                }
                batch.remove(space, pair.key().map_err(Error::io("read the row store"))?);
                progress.removed += 1;
            }
        }
        batch.remove(Space::Garbage, note);
        progress.more = progress.removed > before;
        Ok(())
    }
}

impl RowStore {
    /// Notes that tables may go which `is_gone` says nobody knows any more: those whose drop was cut off, and
    /// what an import left whose process died.
    pub(crate) fn drop_gone_tables(&self, is_gone: impl Fn(TableId) -> bool) -> Result<()> {
        let mut batch = self.backend.batch();
        let (mut start, end) = (table_range(TableId(0)).0, table_range(TableId(u64::MAX)).1);
        while let Some(pair) = self.backend.range(Space::Rows, &start, &end).next() {
            let key = pair.key().map_err(Error::io("read the row store"))?;
            let Some(id) = key.get(1..).and_then(|k| k.first_chunk::<8>()) else { break };
            let table = TableId(u64::from_be_bytes(*id));
            if is_gone(table) {
                batch.put(Space::Garbage, table_note(table), []);
            }
            start = table_range(table).1;
        }
        batch.commit()
    }
}

fn parse(note: &[u8]) -> Result<(u64, &[u8])> {
    let damaged = || Error::Corrupt { what: "garbage note", reason: format!("{} bytes", note.len()) };
    let (number, subject) = note.get(1..).and_then(|n| n.split_first_chunk::<8>()).ok_or_else(damaged)?;
    Ok((u64::from_be_bytes(*number), subject))
}
