//! The lock on a data directory: one engine, or any number of onlookers.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use crate::error::{Error, Result};

const NAME: &str = "LOCK";

/// The lock of whoever changes the directory, which must exist. It is kept until it is dropped. Fails
/// with [`Error::Locked`] if somebody has it, at once.
pub fn lock_directory(dir: &Path) -> Result<File> {
    let path = dir.join(NAME);
    let lock =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(Error::io("open", &path))?;
    taken(dir, lock.try_lock())?;
    Ok(lock)
}

/// The lock of those who only look; none if the directory has never been locked. Creates nothing.
pub(crate) fn share_directory(dir: &Path) -> Result<Option<File>> {
    let path = dir.join(NAME);
    let lock = match File::open(&path) {
        Ok(lock) => lock,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("open", path)(e)),
    };
    taken(dir, lock.try_lock_shared())?;
    Ok(Some(lock))
}

fn taken(dir: &Path, result: Result<(), TryLockError>) -> Result<()> {
    match result {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(Error::Locked(format!("the data directory {} is in use by another process", dir.display())))
        }
        Err(TryLockError::Error(e)) => Err(Error::io("lock", dir.join(NAME))(e)),
    }
}
