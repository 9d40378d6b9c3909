//! How much has been written, by kind of file.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::pack::Pack;

/// Counters since the engine was opened.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) pack_rows: AtomicU64,
    pub(crate) pack_bytes: AtomicU64,
    pub(crate) chunk_rows: AtomicU64,
    pub(crate) chunk_bytes: AtomicU64,
    pub(crate) delete_bytes: AtomicU64,
    pub(crate) manifest_bytes: AtomicU64,
}

impl Written {
    /// Counts a file of rows.
    pub(super) fn count_pack(&self, pack: &Pack) {
        let (rows, bytes) = match pack.sorted() {
            true => (&self.pack_rows, &self.pack_bytes),
            false => (&self.chunk_rows, &self.chunk_bytes),
        };
        rows.fetch_add(u64::from(pack.rows()), Ordering::Relaxed);
        bytes.fetch_add(pack.bytes_on_disk(), Ordering::Relaxed);
    }
}
