//! Bytes written, counted where they leave the engine: whatever it says of itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use deltatree_storage::error::Result;
use deltatree_storage::file::{FileStore, FileWriter, LocalStore};

/// A directory on disk that counts the bytes written to its files. Clones count together.
#[derive(Clone, Debug)]
pub struct CountingStore {
    directory: Arc<LocalStore>,
    written: Arc<AtomicU64>,
}

impl CountingStore {
    /// Uses `root`, which is created if missing.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn new(root: &Path) -> Result<Self> {
        Ok(Self { directory: Arc::new(LocalStore::new(root)?), written: Arc::default() })
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Bytes of the files that are there now.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn bytes_on_disk(&self) -> anyhow::Result<u64> {
        let mut bytes = 0;
        for name in self.directory.list()? {
            bytes += std::fs::metadata(self.directory.path(&name))?.len();
        }
        Ok(bytes)
    }
}

impl FileStore for CountingStore {
    fn create(&self, name: &str) -> Result<Box<dyn FileWriter>> {
        let inner = self.directory.create(name)?;
        Ok(Box::new(CountingWriter { inner, written: self.written.clone() }))
    }

    fn open(&self, name: &str) -> Result<Bytes> {
        self.directory.open(name)
    }

    fn replace(&self, name: &str, contents: &[u8]) -> Result<()> {
        self.written.fetch_add(contents.len() as u64, Ordering::Relaxed);
        self.directory.replace(name, contents)
    }

    fn list(&self) -> Result<Vec<String>> {
        self.directory.list()
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.directory.remove(name)
    }

    fn sync_dir(&self) -> Result<()> {
        self.directory.sync_dir()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path(name)
    }
}

#[derive(Debug)]
struct CountingWriter {
    inner: Box<dyn FileWriter>,
    written: Arc<AtomicU64>,
}

impl FileWriter for CountingWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.inner.write(bytes)
    }

    fn sync(&mut self) -> Result<()> {
        self.inner.sync()
    }

    fn len(&self) -> u64 {
        self.inner.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        let store = CountingStore::new(directory.path()).unwrap();
        let clone = store.clone();
        store.create("a").unwrap().write(&[0; 10]).unwrap();
        clone.create("c").unwrap().write(&[0; 3]).unwrap();
        clone.replace("b", &[0; 5]).unwrap();
        assert_eq!(store.written(), 18);
        assert_eq!(store.bytes_on_disk().unwrap(), 18);
    }
}
