//! The log on a simulated disk.

use std::ops::Bound;

use openraft::RaftLogId;

use super::cache::up_to_bytes;
use super::codec::encode_into;
use super::log_disk::{LogDisk, LogState, last_of, purge_candidate};
use crate::error::Result;
use crate::raft::{Entry, LogId, NodeId};
use crate::sim::{Change, SimDisk};

/// Key spaces: entries by index (8 bytes, big-endian), and Raft's own state by name.
pub(crate) const LOG: u8 = 0;
const STATE: u8 = 1;

const VOTE: &[u8] = b"vote";
const COMMITTED: &[u8] = b"committed";
const PURGED: &[u8] = b"purged";

/// See the module.
pub(super) struct SimulatedLog(pub(super) SimDisk);

impl SimulatedLog {
    fn get<T: serde::de::DeserializeOwned>(&self, name: &[u8]) -> Option<T> {
        decode(&self.0.get(STATE, name)?).ok()
    }

    /// Indexes and encoded entries.
    fn pairs(&self, start: u64, end: u64) -> Vec<(u64, fjall::Slice)> {
        let (start, end) = (start.to_be_bytes(), end.to_be_bytes());
        let pairs = self.0.range(LOG, Bound::Included(&start), Bound::Excluded(&end)).into_iter();
        pairs.filter_map(|(key, value)| Some((u64::from_be_bytes(key.as_ref().try_into().ok()?), value))).collect()
    }

    fn remove(&self, start: u64, end: u64) -> Vec<Change> {
        self.pairs(start, end).into_iter().map(|(index, _)| (key(index), None)).collect()
    }
}

fn key(index: u64) -> (u8, Vec<u8>) {
    (LOG, index.to_be_bytes().to_vec())
}

fn value<T: serde::Serialize>(value: &T) -> Result<Option<fjall::Slice>> {
    Ok(Some(encode_into(value, Vec::new())?.into()))
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(|e| crate::Error::Corrupt { what: "log", reason: e.to_string() })
}

impl LogDisk for SimulatedLog {
    fn state(&self) -> LogState {
        let purged = self.get(PURGED);
        let last = self.pairs(0, u64::MAX).pop().and_then(|(_, value)| decode::<Entry>(&value).ok());
        let last = last_of(last.map(|entry| *entry.get_log_id()), purged);
        LogState { vote: self.get(VOTE), committed: self.get::<Option<LogId>>(COMMITTED).flatten(), purged, last }
    }

    fn entries(&self, start: u64, end: u64, limit: usize) -> Result<Vec<Entry>> {
        let pairs = self.pairs(start, end).into_iter();
        up_to_bytes(pairs, limit, |(_, value)| value.len()).map(|(_, value)| decode(&value)).collect()
    }

    fn append(&self, entries: &[Entry]) -> Result<()> {
        let changes = entries.iter().map(|entry| Ok((key(entry.log_id.index), value(entry)?)));
        self.0.write(changes.collect::<Result<_>>()?, true);
        Ok(())
    }

    fn save_vote(&self, vote: openraft::Vote<NodeId>) -> Result<()> {
        self.0.write(vec![((STATE, VOTE.to_vec()), value(&vote)?)], true);
        Ok(())
    }

    fn save_committed(&self, committed: Option<LogId>) -> Result<()> {
        self.0.write(vec![((STATE, COMMITTED.to_vec()), value(&committed)?)], false);
        Ok(())
    }

    fn truncate(&self, first: u64) -> Result<()> {
        self.0.write(self.remove(first, u64::MAX), true);
        Ok(())
    }

    fn purge(&self, upto: LogId) -> Result<()> {
        let mut changes = self.remove(0, upto.index + 1);
        changes.push(((STATE, PURGED.to_vec()), value(&upto)?));
        self.0.write(changes, false);
        Ok(())
    }

    fn first_index(&self) -> Option<u64> {
        self.pairs(0, u64::MAX).first().map(|&(index, _)| index)
    }

    fn bytes_after(&self, index: u64) -> u64 {
        self.pairs(index + 1, u64::MAX).iter().map(|(_, value)| value.len() as u64).sum()
    }

    fn purge_candidate(&self, keep: u64) -> Option<u64> {
        let pairs = self.pairs(0, u64::MAX).into_iter().rev();
        purge_candidate(pairs.map(|(index, value)| (index, value.len() as u64)), keep)
    }
}
