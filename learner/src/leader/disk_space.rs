//! A part of the disk that writes do not get.
//!
//! A store whose disk is full in the middle of a write has to stop. So transactions are refused before
//! that, while everything else goes on: reads, and what frees space.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Leader;
use crate::error::{Error, Result};
use crate::txn::CommitRequest;

/// Pause between two looks at the disk: in it not even a fast client writes half of the reserve.
const PAUSE: Duration = Duration::from_millis(200);
/// What is kept back if nobody has said how much: 1 GiB, or of a small disk one part in so many.
const DEFAULT_RESERVE_BYTES: u64 = 1 << 30;
const PART_OF_SMALL_DISK: u64 = 4;

/// The disk under a directory, as it was at the last look.
pub(super) struct DiskSpace {
    dir: PathBuf,
    /// Bytes to keep back.
    reserve: u64,
    /// Bytes free.
    free: AtomicU64,
}

impl DiskSpace {
    /// `reserve_bytes` of the disk under `dir` are kept back; a gibibyte if `None`, or a quarter of the
    /// disk if that is less.
    pub(super) fn new(dir: &Path, reserve_bytes: Option<u64>) -> Self {
        let total = rustix::fs::statvfs(dir).map_or(u64::MAX, |disk| disk.f_blocks.saturating_mul(disk.f_frsize));
        let reserve = reserve_bytes.unwrap_or_else(|| DEFAULT_RESERVE_BYTES.min(total / PART_OF_SMALL_DISK));
        let space = Self { dir: dir.into(), reserve, free: AtomicU64::new(u64::MAX) };
        space.look();
        space
    }

    /// Asks the operating system. A disk of which it says nothing counts as large enough.
    fn look(&self) {
        let free = rustix::fs::statvfs(&self.dir).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        self.free.store(free, Ordering::Relaxed);
    }

    /// Fails with `DiskFull` if the reserve is touched, or, for a commit that frees space, half used.
    pub(super) fn admit(&self, frees_space: bool) -> Result<()> {
        let free_bytes = self.free.load(Ordering::Relaxed);
        let needed = if frees_space { self.reserve / 2 } else { self.reserve };
        if free_bytes >= needed {
            return Ok(());
        }
        Err(Error::DiskFull { dir: self.dir.clone(), free_bytes, reserve_bytes: self.reserve })
    }
}

/// Looks again and again until the leader stops.
pub(super) async fn watch(leader: Arc<Leader>) {
    while !leader.is_stopping() {
        crate::runtime::sleep(PAUSE).await;
        leader.disk.look();
    }
}

/// Whether a transaction only deletes rows or changes definitions, as `DROP` and `TRUNCATE` do.
pub(super) fn frees_space(request: &CommitRequest) -> bool {
    request.changes_schema || request.mutations.iter().all(|m| m.mutation.value.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_end_at_the_reserve_and_deletions_at_half_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let space = DiskSpace::new(dir.path(), Some(1000));
        let outcomes = |free: u64| {
            space.free.store(free, Ordering::Relaxed);
            (space.admit(false).is_ok(), space.admit(true).is_ok())
        };
        assert_eq!(outcomes(1000), (true, true));
        assert_eq!(outcomes(999), (false, true));
        assert_eq!(outcomes(499), (false, false));
        space.look();
        assert!(space.admit(false).is_ok(), "the machine's own disk has 1,000 bytes");
    }

    #[test]
    fn of_a_small_disk_a_quarter_is_kept_back_and_never_more_than_a_gibibyte() {
        let dir = tempfile::tempdir().unwrap();
        let disk = rustix::fs::statvfs(dir.path()).unwrap();
        let expected = (disk.f_blocks * disk.f_frsize / 4).min(1 << 30);
        assert_eq!(DiskSpace::new(dir.path(), None).reserve, expected);
    }
}
