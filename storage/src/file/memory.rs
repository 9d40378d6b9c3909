//! Files in memory: for tests, and for an engine that lives only as long as its process.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::{FileStore, FileWriter};
use crate::error::{Error, Result};

/// A directory in memory. Clones share it, so a "restarted" engine can be given the same files.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    files: Arc<Mutex<BTreeMap<String, Contents>>>,
}

type Contents = Arc<Mutex<Vec<u8>>>;

impl MemoryStore {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    fn file(&self, action: &'static str, name: &str) -> Result<Contents> {
        self.files.lock().get(name).cloned().ok_or_else(|| failed(action, name, io::ErrorKind::NotFound))
    }
}

impl FileStore for MemoryStore {
    fn create(&self, name: &str) -> Result<Box<dyn FileWriter>> {
        let mut files = self.files.lock();
        if files.contains_key(name) {
            return Err(failed("create", name, io::ErrorKind::AlreadyExists));
        }
        let contents = Contents::default();
        files.insert(name.to_owned(), contents.clone());
        Ok(Box::new(MemoryWriter { contents }))
    }

    fn open(&self, name: &str) -> Result<Bytes> {
        let contents = self.file("open", name)?;
        let copy = Bytes::copy_from_slice(&contents.lock());
        Ok(copy)
    }

    fn replace(&self, name: &str, contents: &[u8]) -> Result<()> {
        self.files.lock().insert(name.to_owned(), Arc::new(Mutex::new(contents.to_vec())));
        Ok(())
    }

    fn list(&self) -> Result<Vec<String>> {
        Ok(self.files.lock().keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.files.lock().remove(name);
        Ok(())
    }

    fn sync_dir(&self) -> Result<()> {
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("memory").join(name)
    }
}

fn failed(action: &'static str, name: &str, kind: io::ErrorKind) -> Error {
    Error::io(action, PathBuf::from("memory").join(name))(kind.into())
}

#[derive(Debug)]
struct MemoryWriter {
    contents: Contents,
}

impl FileWriter for MemoryWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.contents.lock().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        Ok(())
    }

    fn len(&self) -> u64 {
        self.contents.lock().len() as u64
    }
}
