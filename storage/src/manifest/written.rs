//! How much has been put in and written, by kind of file.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::pack::Pack;

/// What was put into the engine and what it has written, since its directory was new. Files that a
/// failure cut short are not counted; rows that are fed again after a crash may be counted twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteStats {
    /// Row versions put in, by batches and bulk builds.
    pub rows_applied: u64,
    /// Their bytes, not encoded.
    pub bytes_applied: u64,
    /// Rows written to packs, in merges and bulk builds.
    pub pack_rows: u64,
    /// Bytes of these packs.
    pub pack_bytes: u64,
    /// Rows written to delta chunks and history.
    pub chunk_rows: u64,
    /// Bytes of these files.
    pub chunk_bytes: u64,
    /// Bytes of delete vector files.
    pub delete_bytes: u64,
    /// Bytes of manifests.
    pub manifest_bytes: u64,
}

impl WriteStats {
    /// What has come since `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            rows_applied: self.rows_applied - earlier.rows_applied,
            bytes_applied: self.bytes_applied - earlier.bytes_applied,
            pack_rows: self.pack_rows - earlier.pack_rows,
            pack_bytes: self.pack_bytes - earlier.pack_bytes,
            chunk_rows: self.chunk_rows - earlier.chunk_rows,
            chunk_bytes: self.chunk_bytes - earlier.chunk_bytes,
            delete_bytes: self.delete_bytes - earlier.delete_bytes,
            manifest_bytes: self.manifest_bytes - earlier.manifest_bytes,
        }
    }

    /// Bytes written, to whatever file.
    pub fn bytes_written(&self) -> u64 {
        self.pack_bytes + self.chunk_bytes + self.delete_bytes + self.manifest_bytes
    }

    /// How often each row was written. Encoding does not flatter this figure.
    pub fn row_amplification(&self) -> f64 {
        (self.pack_rows + self.chunk_rows) as f64 / self.rows_applied.max(1) as f64
    }

    /// Bytes written for each byte put in.
    pub fn byte_amplification(&self) -> f64 {
        self.bytes_written() as f64 / self.bytes_applied.max(1) as f64
    }
}

/// The counters behind [`WriteStats`]. They go on where the manifest has them.
#[derive(Debug)]
pub(crate) struct Written {
    rows_applied: AtomicU64,
    bytes_applied: AtomicU64,
    pack_rows: AtomicU64,
    pack_bytes: AtomicU64,
    chunk_rows: AtomicU64,
    chunk_bytes: AtomicU64,
    delete_bytes: AtomicU64,
    manifest_bytes: AtomicU64,
}

impl Written {
    /// Counters that go on from there.
    pub(super) fn from(stats: WriteStats) -> Self {
        Self {
            rows_applied: stats.rows_applied.into(),
            bytes_applied: stats.bytes_applied.into(),
            pack_rows: stats.pack_rows.into(),
            pack_bytes: stats.pack_bytes.into(),
            chunk_rows: stats.chunk_rows.into(),
            chunk_bytes: stats.chunk_bytes.into(),
            delete_bytes: stats.delete_bytes.into(),
            manifest_bytes: stats.manifest_bytes.into(),
        }
    }

    /// What they say now.
    pub(crate) fn stats(&self) -> WriteStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WriteStats {
            rows_applied: read(&self.rows_applied),
            bytes_applied: read(&self.bytes_applied),
            pack_rows: read(&self.pack_rows),
            pack_bytes: read(&self.pack_bytes),
            chunk_rows: read(&self.chunk_rows),
            chunk_bytes: read(&self.chunk_bytes),
            delete_bytes: read(&self.delete_bytes),
            manifest_bytes: read(&self.manifest_bytes),
        }
    }

    /// Counts rows that were put in.
    pub(crate) fn count_applied(&self, rows: usize, bytes: usize) {
        self.rows_applied.fetch_add(rows as u64, Ordering::Relaxed);
        self.bytes_applied.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts a file of rows.
    pub(super) fn count_pack(&self, pack: &Pack) {
        let (rows, bytes) = match pack.sorted() {
            true => (&self.pack_rows, &self.pack_bytes),
            false => (&self.chunk_rows, &self.chunk_bytes),
        };
        rows.fetch_add(u64::from(pack.rows()), Ordering::Relaxed);
        bytes.fetch_add(pack.bytes_on_disk(), Ordering::Relaxed);
    }

    /// Counts a delete vector file.
    pub(super) fn count_deletes(&self, bytes: u64) {
        self.delete_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts a manifest.
    pub(crate) fn count_manifest(&self, bytes: u64) {
        self.manifest_bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}
