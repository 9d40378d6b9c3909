//! The contract between the engine and whatever keeps its files.
//!
//! A store is one flat directory of named files. The engine writes a file once, from front to back,
//! syncs it, and from then on only reads it; the exception are small files that are replaced whole
//! ([`FileStore::replace`]).
//!
//! # Durability
//!
//! Two things must reach the disk before a file survives a power cut: its contents
//! ([`FileWriter::sync`]) and its name ([`FileStore::sync_dir`]). Neither implies the other. What
//! was not synced may be there after a crash in whole, in part, or not at all, and in any mixture:
//! a later write may survive where an earlier one did not. [`FileStore::replace`] alone does both,
//! and is atomic: after a crash the file holds the old contents or the new, never a mixture.
//!
//! After a failed sync the state of the file is unknown (the kernel may have dropped the dirty
//! pages and marked them clean), so a writer must throw the file away rather than sync it again.

use std::fmt::Debug;
use std::path::PathBuf;

use bytes::Bytes;

use crate::error::Result;

/// A directory of files. Names are plain file names without a path separator.
///
/// All operations block. Errors are [`crate::error::Error::Io`] and name the file.
pub trait FileStore: Send + Sync + Debug {
    /// Starts a new file. Fails if one of that name exists: file ids are never reused, so a leftover
    /// is a sign of a bug or of foreign hands, and overwriting it would destroy the evidence.
    fn create(&self, name: &str) -> Result<Box<dyn FileWriter>>;

    /// The contents of a file, mapped where the store can. The bytes stay readable after the file is
    /// removed. They must not be asked of a file that is still being written: what is written
    /// afterwards may or may not be seen.
    fn open(&self, name: &str) -> Result<Bytes>;

    /// Sets the contents of a small file, atomically and durably: when this returns, a crash leaves
    /// the new contents; before, the old ones (or no file) or the new.
    fn replace(&self, name: &str, contents: &[u8]) -> Result<()>;

    /// Names of all files, in no particular order.
    fn list(&self) -> Result<Vec<String>>;

    /// Removes a file. Its bytes stay readable through what [`FileStore::open`] gave out. Not
    /// durable until [`FileStore::sync_dir`]. A file that does not exist is no error.
    fn remove(&self, name: &str) -> Result<()>;

    /// Makes creations and removals durable.
    fn sync_dir(&self) -> Result<()>;

    /// How messages should name the file.
    fn path(&self, name: &str) -> PathBuf;
}

/// A file being written. Dropping it leaves the file as it is, in part and not durable.
pub trait FileWriter: Send + Debug {
    /// Writes all of `bytes` at the end. After an error the file's tail is undefined.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;

    /// Makes everything written so far durable (contents and length, not the name).
    fn sync(&mut self) -> Result<()>;

    /// Bytes in the file.
    fn len(&self) -> u64;

    /// Whether the file holds no byte.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
