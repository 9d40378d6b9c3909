//! Files in a directory of the local disk, read through memory maps.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use memmap2::Mmap;

use super::{FileStore, FileWriter};
use crate::error::{Error, Result};

/// A directory on disk.
///
/// Reads go through memory maps. If a foreign process cuts a mapped file short, reading the lost
/// part ends this process (SIGBUS), and if it changes bytes, checks made earlier no longer hold: the
/// directory belongs to the engine alone while it is open.
#[derive(Debug)]
pub struct LocalStore {
    root: PathBuf,
}

/// Suffix of the file that [`FileStore::replace`] renames into place. Leftovers are not listed.
const STAGING: &str = ".staging";

impl LocalStore {
    /// Uses `root`, which is created if missing.
    pub fn new(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref().to_path_buf();
        fs::create_dir_all(&root).map_err(Error::io("create directory", &root))?;
        Ok(Self { root })
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

impl FileStore for LocalStore {
    fn create(&self, name: &str) -> Result<Box<dyn FileWriter>> {
        let path = self.path(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(Error::io("create", &path))?;
        Ok(Box::new(LocalWriter { file, path, len: 0 }))
    }

    fn open(&self, name: &str) -> Result<Bytes> {
        let path = self.path(name);
        let file = File::open(&path).map_err(Error::io("open", &path))?;
        let len = file.metadata().map_err(Error::io("read the size of", &path))?.len();
        if len == 0 {
            return Ok(Bytes::new());
        }
        // SAFETY: the engine never writes to a file after it was opened here, and holds the
        // directory's lock against other processes (see the type's documentation).
        let map = unsafe { Mmap::map(&file) }.map_err(Error::io("map", &path))?;
        Ok(Bytes::from_owner(map))
    }

    fn replace(&self, name: &str, contents: &[u8]) -> Result<()> {
        let path = self.path(name);
        let staging = self.path(&format!("{name}{STAGING}"));
        let mut file = File::create(&staging).map_err(Error::io("create", &staging))?;
        file.write_all(contents).map_err(Error::io("write", &staging))?;
        file.sync_data().map_err(Error::io("sync", &staging))?;
        fs::rename(&staging, &path).map_err(Error::io("replace", &path))?;
        self.sync_dir()
    }

    fn list(&self) -> Result<Vec<String>> {
        let failed = || Error::io("list", &self.root);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            if !entry.file_type().map_err(failed())?.is_file() {
                continue;
            }
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry.file_name().into_string()
                && !name.ends_with(STAGING)
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io("remove", path)(e)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn sync_dir(&self) -> Result<()> {
        File::open(&self.root).and_then(|dir| dir.sync_all()).map_err(Error::io("sync directory", &self.root))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

#[derive(Debug)]
struct LocalWriter {
    file: File,
    path: PathBuf,
    len: u64,
}

impl FileWriter for LocalWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(Error::io("write", &self.path))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        self.file.sync_data().map_err(Error::io("sync", &self.path))
    }

    fn len(&self) -> u64 {
        self.len
    }
}
