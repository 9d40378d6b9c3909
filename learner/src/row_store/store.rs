//! Versions of rows, and how they are found.
//!
//! Most reads want the newest version, and most keys have only one. So the newest version of each key
//! lives under the plain key in its own space, where a point read is one lookup and a scan meets
//! nothing else ([`super::hot`] is in front of it). When a key is written again the old version moves to the *history* space, and a note
//! in the *garbage* space says from which safe point on nobody can ask for it:
//!
//! ```text
//!            write k=a@10          write k=b@20                    safe point reaches 20
//! rows       k → @10 a             k → @20 b                       k → @20 b
//! history                          k!10 → @10 a
//! garbage                          20·k!10
//! ```
//!
//! A read at T looks at the plain key first. If that version is newer than T it looks for the newest
//! one at or below T in the history. The two lookups need no snapshot: a version leaves the rows
//! space in the same batch that puts it into the history, and garbage goes only below the safe point.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use bytes::Bytes;
use deltatree_storage::types::Timestamp;
use fjall::Slice;
use parking_lot::Mutex;

use super::backend::{Backend, Batch, Space};
use super::hot::{HotRows, Recent};
use super::record::{self, Found, Header, Row};
use super::scan::StoreScan;
use super::shadowed::Shadowed;
use crate::error::{Error, Result};

/// The row store of one voter. Clones share it.
#[derive(Clone)]
pub(crate) struct RowStore {
    pub(super) backend: Backend,
    /// Versions that only readers below this could see may be gone.
    safe_point: Arc<AtomicU64>,
    /// What scans step over.
    pub(super) shadowed: Arc<Shadowed>,
    /// Rows that change all the time. To be taken hold of before the key spaces are read.
    pub(super) hot: Arc<ArcSwap<HotRows>>,
    /// The applied position that is to be written with them, if it is not yet. Held by whoever writes or settles.
    pub(super) unsettled: Arc<Mutex<Option<Position>>>,
    /// Log index after the last entry applied in this life; 0 before the first.
    applied: Arc<AtomicU64>,
    /// That after the last one known to be durable.
    durable: Arc<AtomicU64>,
}

/// How far the log is applied: the name and the value under which the replica's own state has it.
pub(super) type Position = (&'static [u8], Vec<u8>);

pub(super) const SAFE_POINT: &[u8] = b"safe_point";

/// The safe point as it is kept; zero if it never was.
pub(super) fn decode_safe_point(kept: Option<&[u8]>) -> Result<Timestamp> {
    let Some(bytes) = kept else { return Ok(Timestamp::ZERO) };
    let bytes: [u8; 8] = bytes
        .try_into()
        .map_err(|_| Error::Corrupt { what: "safe point", reason: format!("{} bytes, expected 8", bytes.len()) })?;
    Ok(Timestamp(u64::from_be_bytes(bytes)))
}

impl RowStore {
    /// Opens or creates the store in `path`. Blocks on disk. Errors: `Locked`, `Io`, `Corrupt`.
    pub(crate) fn open(path: &Path, cache_bytes: u64) -> Result<Self> {
        Self::over(Backend::open(path, cache_bytes)?)
    }

    /// The store on a simulated disk. Errors: `Corrupt`.
    #[cfg(test)]
    pub(crate) fn simulated(disk: crate::sim::SimDisk) -> Result<Self> {
        Self::over(Backend::simulated(disk))
    }

    fn over(backend: Backend) -> Result<Self> {
        let store = Self {
            backend,
            safe_point: Arc::default(),
            shadowed: Arc::default(),
            hot: Arc::default(),
            unsettled: Arc::default(),
            applied: Arc::default(),
            durable: Arc::default(),
        };
        store.raise_safe_point(decode_safe_point(store.meta(SAFE_POINT)?.as_deref())?);
        Ok(store)
    }

    /// A handle for reading versions.
    pub(crate) fn reader(&self) -> StoreReader {
        StoreReader { store: self.clone() }
    }

    /// A value of the replica's own state.
    pub(crate) fn meta(&self, name: &[u8]) -> Result<Option<Bytes>> {
        if let Some((position, value)) = &*self.unsettled.lock()
            && *position == name
        {
            return Ok(Some(value.clone().into()));
        }
        Ok(self.backend.get(Space::Meta, name)?.map(Bytes::from_owner))
    }

    /// The oldest timestamp that can still be read.
    pub(crate) fn safe_point(&self) -> Timestamp {
        Timestamp(self.safe_point.load(Ordering::Acquire))
    }

    /// Moves the safe point forward for new readers. Nothing may be collected by it before
    /// [`RowStore::keep_safe_point`] has returned.
    pub(crate) fn raise_safe_point(&self, ts: Timestamp) {
        self.safe_point.fetch_max(ts.0, Ordering::AcqRel);
    }

    /// Writes the safe point down, so that it does not go back in the next life, when what it allowed to
    /// go is gone. Durable with the next batch that is. The hot rows are settled with it, so that the next life
    /// does not begin before it.
    pub(crate) fn keep_safe_point(&self) -> Result<()> {
        self.settle_most()?;
        let mut unsettled = self.unsettled.lock();
        let mut batch = self.backend.batch();
        batch.put(Space::Meta, SAFE_POINT, self.safe_point().0.to_be_bytes());
        self.settle_with(&mut unsettled, batch, Vec::new())
    }

    /// Makes everything applied so far durable. Blocks on disk.
    pub(crate) fn persist(&self) -> Result<()> {
        let applied = self.applied.load(Ordering::Acquire);
        self.settle()?;
        self.backend.persist()?;
        self.durable.fetch_max(applied, Ordering::AcqRel);
        Ok(())
    }

    /// The same, unless the entries up to a log index are known to be durable.
    pub(crate) fn persist_upto(&self, index: u64) -> Result<()> {
        if self.durable.load(Ordering::Acquire) > index { Ok(()) } else { self.persist() }
    }

    /// An entry of the log was applied.
    pub(crate) fn note_applied(&self, index: u64) {
        self.applied.store(index + 1, Ordering::Release);
    }

    /// Notes what was written, and closes the memory table if that is due: see [`Shadowed`].
    pub(super) fn note_written(&self, bytes: u64) -> Result<()> {
        if self.shadowed.written(bytes) { self.backend.rotate(Space::Rows) } else { Ok(()) }
    }

    /// Closes the memory table if scans waste their time on it.
    pub(crate) fn spare_scans(&self) -> Result<()> {
        self.note_written(0)
    }

    /// Writes the hot rows where the others are, and the applied position with them.
    pub(crate) fn settle(&self) -> Result<()> {
        self.settle_most()?;
        self.settle_with(&mut self.unsettled.lock(), self.backend.batch(), Vec::new())
    }

    /// Writes most of the hot rows, some at a time, so that nothing waits for long: what is settled afterwards are those
    /// that have changed meanwhile.
    pub(super) fn settle_most(&self) -> Result<()> {
        const STEP: usize = 256;
        let hot = self.hot.load_full();
        let keys: Vec<_> = hot.unwritten().into_keys().collect();
        for some in keys.chunks(STEP) {
            let _nobody_writes = self.unsettled.lock();
            if !Arc::ptr_eq(&hot, &self.hot.load()) {
                // They have been settled, and newer ones may be in their place.
                return Ok(());
            }
            let mut batch = self.backend.batch();
            let mut bytes = 0;
            for key in some {
                let Some(version) = hot.newest(key) else { continue };
                self.shadowed.overwritten(key);
                bytes += (key.len() + version.len()) as u64;
                batch.put(Space::Rows, key.clone(), version);
            }
            batch.commit()?;
            hot.mark_written(some);
            self.note_written(bytes)?;
        }
        Ok(())
    }

    /// Settles together with a batch and with newer versions of hot rows.
    pub(super) fn settle_with(
        &self,
        unsettled: &mut Option<Position>,
        mut batch: Batch,
        newer: Vec<(Slice, Slice)>,
    ) -> Result<()> {
        let mut rows = self.hot.load().unwritten();
        rows.extend(newer);
        let mut bytes = 0;
        for (key, version) in rows {
            self.shadowed.overwritten(&key);
            bytes += (key.len() + version.len()) as u64;
            batch.put(Space::Rows, key, version);
        }
        if let Some((name, value)) = &*unsettled {
            batch.put(Space::Meta, *name, value.as_slice());
        }
        batch.commit()?;
        *unsettled = None;
        if !self.hot.load().is_empty() {
            self.hot.store(Arc::default());
        }
        self.note_written(bytes)
    }

    /// The newest record of a key.
    pub(super) fn newest(&self, key: &[u8]) -> Result<Option<Slice>> {
        match self.hot.load().newest(key) {
            Some(hot) => Ok(Some(hot)),
            None => self.backend.get(Space::Rows, key),
        }
    }

    /// Bytes on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.backend.disk_bytes()
    }

    /// Calls `visit` with each of `keys` and its newest record. Fastest if they ascend.
    ///
    /// Bulk loads write long ascending runs beyond or between existing keys; one range lookup then
    /// stands for many point lookups.
    pub(crate) fn newest_of<'k>(
        &self,
        keys: impl Iterator<Item = &'k [u8]>,
        mut visit: impl FnMut(usize, Option<Slice>) -> Result<()>,
    ) -> Result<()> {
        const RUN: usize = 64;
        const WORTH_A_RANGE_LOOKUP: usize = 8;
        let mut keys = keys.enumerate().peekable();
        let mut run: Vec<(usize, &[u8])> = Vec::with_capacity(RUN);
        while keys.peek().is_some() {
            run.clear();
            run.extend(keys.by_ref().take(RUN));
            let first_existing = match run.as_slice() {
                [(_, first), .., (_, last)]
                    if run.len() >= WORTH_A_RANGE_LOOKUP && run.is_sorted_by_key(|&(_, key)| key) =>
                {
                    Some(self.first_key(first, last)?)
                }
                _ => None,
            };
            for &(i, key) in &run {
                let absent = match &first_existing {
                    Some(None) => true,
                    Some(Some(existing)) => key < existing.as_ref(),
                    None => false,
                };
                visit(i, if absent { None } else { self.newest(key)? })?;
            }
        }
        Ok(())
    }

    /// Like [`RowStore::newest_of`] with decoded headers.
    pub(crate) fn newest_headers<'k>(
        &self,
        keys: impl Iterator<Item = &'k [u8]>,
        mut visit: impl FnMut(usize, Option<Header>) -> Result<()>,
    ) -> Result<()> {
        self.newest_of(keys, |i, record| visit(i, record.map(|r| record::header(&r)).transpose()?))
    }

    /// The smallest key in `first..=last`.
    fn first_key(&self, first: &[u8], last: &[u8]) -> Result<Option<Slice>> {
        let mut end = last.to_vec();
        end.push(0);
        let found = self.backend.range(Space::Rows, first, &end).next();
        found.map(|pair| pair.key().map_err(Error::io("read the row store"))).transpose()
    }

    /// The newest rows with keys in `start..end`.
    pub(crate) fn newest_rows(&self, start: &[u8], end: &[u8]) -> StoreScan {
        StoreScan::new(self.clone(), start, end, Timestamp::MAX, false, None)
    }

    /// Rows with keys in `start..end` at `ts`, and when they were committed.
    pub(crate) fn versions_at(
        &self,
        start: &[u8],
        end: &[u8],
        ts: Timestamp,
    ) -> Result<impl Iterator<Item = Result<(Row, Timestamp)>> + use<>> {
        let scan = self.reader().scan(Bytes::copy_from_slice(start), Bytes::copy_from_slice(end), ts, false);
        Ok(scan.map(|row| {
            let row = row?;
            let commit_ts = row.commit_ts()?;
            Ok((row, commit_ts))
        }))
    }

    /// The version of `key` at `ts`.
    pub(crate) fn find(&self, key: &[u8], ts: Timestamp) -> Result<Found> {
        match self.hot.load().at(key, ts)? {
            Recent::Version(version) => found(version),
            Recent::Older => self.find_in_history(key, ts),
            Recent::Unknown => match self.backend.get(Space::Rows, key)? {
                Some(newest) => self.version_at(key, newest, ts),
                None => Ok(Found::Nothing),
            },
        }
    }

    /// The version of `key` at `ts`, where `newest` is its newest one.
    pub(super) fn version_at(&self, key: &[u8], newest: Slice, ts: Timestamp) -> Result<Found> {
        if record::header(&newest)?.commit_ts <= ts { found(newest) } else { self.find_in_history(key, ts) }
    }

    /// The newest overwritten version of `key` at or below `ts`.
    pub(super) fn find_in_history(&self, key: &[u8], ts: Timestamp) -> Result<Found> {
        let from = record::history_key(key, ts);
        let mut upto = record::history_key(key, Timestamp::ZERO);
        upto.push(0);
        for pair in self.backend.range(Space::History, &from, &upto) {
            let (found_key, version) = pair.into_inner().map_err(Error::io("read the row store"))?;
            // A longer key that starts with this one can lie between two of its versions.
            if found_key.len() != from.len() {
                continue;
            }
            return found(version);
        }
        Ok(Found::Nothing)
    }
}

/// A version as the answer to a lookup.
pub(super) fn found(version: Slice) -> Result<Found> {
    Ok(if record::header(&version)?.live { Found::Record(version) } else { Found::Nothing })
}

/// Reads versions of one voter's rows; see [`crate::RowReader`]. Methods block on disk for what is not cached.
#[derive(Clone)]
pub(crate) struct StoreReader {
    store: RowStore,
}

impl StoreReader {
    /// The row of `key` at `ts`. Errors: `SnapshotTooOld`, `Io`, `Corrupt`.
    pub(crate) fn get(&self, key: &[u8], ts: Timestamp) -> Result<Option<Bytes>> {
        self.check(ts)?;
        Ok(self.store.find(key, ts)?.into_row())
    }

    /// The rows of `keys` at `ts`, in their order. Errors as [`StoreReader::get`].
    pub(crate) fn multi_get<K: AsRef<[u8]>>(&self, keys: &[K], ts: Timestamp) -> Result<Vec<Option<Bytes>>> {
        self.check(ts)?;
        keys.iter().map(|key| Ok(self.store.find(key.as_ref(), ts)?.into_row())).collect()
    }

    /// Rows with keys in `start..end` at `ts`, in key order, or in the opposite order if `reverse`.
    pub(crate) fn scan(&self, start: Bytes, end: Bytes, ts: Timestamp, reverse: bool) -> StoreScan {
        StoreScan::new(self.store.clone(), &start, &end, ts, reverse, self.check(ts).err())
    }

    fn check(&self, ts: Timestamp) -> Result<()> {
        let safe_point = self.store.safe_point();
        if ts < safe_point {
            return Err(Error::SnapshotTooOld { ts: ts.0, safe_point: safe_point.0 });
        }
        Ok(())
    }
}
