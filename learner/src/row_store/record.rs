//! How versions are encoded.
//!
//! A record is `flag (1) · commit timestamp (8, big-endian) · row`. The flag tells a row from a
//! tombstone. Overwritten records move, unchanged, from `key` in the rows space to
//! `key ++ !timestamp` in the history space, where the newest comes first.

use bytes::Bytes;
use deltatree_storage::types::Timestamp;
use fjall::Slice;

use crate::error::{Error, Result};

const ROW: u8 = 0;
const TOMBSTONE: u8 = 1;

/// Bytes before the row.
pub(crate) const HEADER: usize = 9;

/// A decoded record header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Whether the record is a row.
    pub(crate) live: bool,
    /// When it was committed.
    pub(crate) commit_ts: Timestamp,
}

/// Reads a record's header. Errors: [`crate::ErrorKind::Corrupt`].
pub(crate) fn header(record: &[u8]) -> Result<Header> {
    let damaged = |reason: String| Error::Corrupt { what: "row record", reason };
    let Some((head, _)) = record.split_first_chunk::<HEADER>() else {
        return Err(damaged(format!("{} bytes, expected at least {HEADER}", record.len())));
    };
    let live = match head[0] {
        ROW => true,
        TOMBSTONE => false,
        other => return Err(damaged(format!("flag {other}"))),
    };
    let mut ts = [0; 8];
    ts.copy_from_slice(&head[1..]);
    Ok(Header { live, commit_ts: Timestamp(u64::from_be_bytes(ts)) })
}

/// Appends a record to `out`.
pub(crate) fn encode(out: &mut Vec<u8>, commit_ts: Timestamp, row: Option<&[u8]>) {
    out.push(if row.is_some() { ROW } else { TOMBSTONE });
    out.extend_from_slice(&commit_ts.0.to_be_bytes());
    out.extend_from_slice(row.unwrap_or_default());
}

/// Key in the history space.
pub(crate) fn history_key(key: &[u8], ts: Timestamp) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + 8);
    out.extend_from_slice(key);
    out.extend_from_slice(&(!ts.0).to_be_bytes());
    out
}

/// What a versioned lookup found.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// No version, or a tombstone.
    Nothing,
    /// The record of a row, header included.
    Record(Slice),
}

impl Found {
    /// The row's bytes.
    pub(crate) fn into_row(self) -> Option<Bytes> {
        match self {
            Self::Nothing => None,
            Self::Record(record) => Some(Bytes::from_owner(record).slice(HEADER..)),
        }
    }
}

/// A key with its row. Holds on to the block that it was read from; nothing is copied.
#[derive(Clone, Debug)]
pub struct Row(Repr);

#[derive(Clone, Debug)]
enum Repr {
    Stored { key: Slice, record: Slice },
    Own { key: Bytes, value: Bytes },
}

impl Row {
    pub(crate) fn stored(key: Slice, record: Slice) -> Self {
        debug_assert!(record.len() >= HEADER);
        Self(Repr::Stored { key, record })
    }

    /// A row that is not in the row store, or was looked up by its key.
    pub fn own(key: Bytes, value: Bytes) -> Self {
        Self(Repr::Own { key, value })
    }

    /// The encoded key.
    pub fn key(&self) -> &[u8] {
        match &self.0 {
            Repr::Stored { key, .. } => key,
            Repr::Own { key, .. } => key,
        }
    }

    /// The encoded row.
    pub fn value(&self) -> &[u8] {
        match &self.0 {
            Repr::Stored { record, .. } => &record[HEADER..],
            Repr::Own { value, .. } => value,
        }
    }

    /// When a stored row was committed; zero for a transaction's own.
    pub(crate) fn commit_ts(&self) -> Result<Timestamp> {
        match &self.0 {
            Repr::Stored { record, .. } => Ok(header(record)?.commit_ts),
            Repr::Own { .. } => Ok(Timestamp::ZERO),
        }
    }

    /// The encoded key, to keep.
    pub fn key_bytes(&self) -> Bytes {
        match &self.0 {
            Repr::Stored { key, .. } => Bytes::from_owner(key.clone()),
            Repr::Own { key, .. } => key.clone(),
        }
    }

    /// The encoded row, to keep.
    pub fn value_bytes(&self) -> Bytes {
        match &self.0 {
            Repr::Stored { record, .. } => Bytes::from_owner(record.clone()).slice(HEADER..),
            Repr::Own { value, .. } => value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_inverts_encode() {
        for row in [None, Some(b"abc".as_slice())] {
            let mut record = Vec::new();
            encode(&mut record, Timestamp(77), row);
            assert_eq!(header(&record).unwrap(), Header { live: row.is_some(), commit_ts: Timestamp(77) });
        }
    }

    #[test]
    fn short_or_strange_records_are_errors() {
        assert!(header(&[0; 8]).is_err());
        assert!(header(&[7; 9]).is_err());
    }

    #[test]
    fn newer_versions_sort_first_in_history() {
        assert!(history_key(b"k", Timestamp(9)) < history_key(b"k", Timestamp(8)));
    }
}
