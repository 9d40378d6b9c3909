//! The engine's files: ids, open packs, and what may be removed.
//!
//! A file is removed when neither the durable manifest nor anyone in this process names it: a pack
//! that a snapshot still reads stays until the snapshot is gone. Ids are never given out twice.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::delete_file::{delete_file_name, parse_delete_file_name, read_deletes, write_deletes};
use super::manifest::Manifest;
use super::written::Written;
use crate::delete_vector::StoredVector;
use crate::error::Result;
use crate::file::FileStore;
use crate::pack::{Pack, PackOptions, PackWriter, file_name, parse_file_name};
use crate::types::{FileId, TableSchema};

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct Files {
    store: Arc<dyn FileStore>,
    next: AtomicU64,
    packs: Mutex<HashMap<FileId, Weak<Pack>>>,
    delete_files: Mutex<HashSet<FileId>>,
    pub(crate) written: Written,
}

impl Files {
    /// Ids go on after those of the manifest and after every file that is there.
    pub(crate) fn open(store: Arc<dyn FileStore>, manifest: &Manifest) -> Result<Self> {
        let names = store.list()?;
        let present = names.iter().filter_map(|n| parse_file_name(n).or_else(|| parse_delete_file_name(n)));
        let next = present.map(|id| id.0.saturating_add(1)).fold(manifest.next_file, u64::max);
        Ok(Self {
            store,
            next: next.into(),
            packs: Mutex::default(),
            delete_files: Mutex::default(),
            written: Written::from(manifest.written),
        })
    }

    /// Where the files are.
    pub(crate) fn store(&self) -> &dyn FileStore {
        self.store.as_ref()
    }

    /// The id that will be given out next.
    pub(crate) fn next(&self) -> u64 {
        self.next.load(Ordering::SeqCst)
    }

    fn allocate(&self) -> FileId {
        FileId(self.next.fetch_add(1, Ordering::SeqCst))
    }

    /// Starts a new pack.
    pub(crate) fn create_pack(&self, schema: &TableSchema, sorted: bool) -> Result<PackWriter> {
        PackWriter::create(self.store.clone(), self.allocate(), schema, PackOptions { sorted })
    }

    /// Ends a pack: it is durable, and removed once nobody names it.
    pub(crate) fn finish_pack(&self, writer: PackWriter) -> Result<Arc<Pack>> {
        let pack = writer.finish()?;
        self.written.count_pack(&pack);
        self.packs.lock().insert(pack.file(), Arc::downgrade(&pack));
        Ok(pack)
    }

    /// Opens a pack that the manifest names.
    pub(crate) fn open_pack(&self, file: FileId) -> Result<Arc<Pack>> {
        let pack = Pack::open(self.store.clone(), file)?;
        self.packs.lock().insert(file, Arc::downgrade(&pack));
        Ok(pack)
    }

    /// Writes a new delete vector file.
    pub(crate) fn write_deletes(&self, vectors: &[StoredVector]) -> Result<FileId> {
        let file = self.allocate();
        self.delete_files.lock().insert(file);
        let bytes = write_deletes(self.store(), file, vectors)?;
        self.written.count_deletes(bytes);
        Ok(file)
    }

    /// Reads a delete vector file that the manifest names.
    pub(crate) fn read_deletes(&self, file: FileId) -> Result<Vec<StoredVector>> {
        self.delete_files.lock().insert(file);
        read_deletes(self.store(), file)
    }

    /// Removes files that are neither in `named` nor held by anyone. The caller holds off manifest
    /// commits meanwhile. Gives the number of files removed.
    pub(crate) fn remove_unnamed(&self, named: &HashSet<FileId>) -> Result<usize> {
        let mut gone = Vec::new();
        self.packs.lock().retain(|id, pack| {
            let keep = named.contains(id) || pack.strong_count() > 0;
            if !keep {
                gone.push(file_name(*id));
            }
            keep
        });
        self.delete_files.lock().retain(|id| {
            let keep = named.contains(id);
            if !keep {
                gone.push(delete_file_name(*id));
            }
            keep
        });
        gone.iter().try_for_each(|name| self.store.remove(name))?;
        Ok(gone.len())
    }

    /// Removes files that a manifest just loaded does not name: what a crash left behind.
    pub(crate) fn remove_orphans(&self, named: &HashSet<FileId>) -> Result<usize> {
        let mut removed = 0;
        for name in self.store.list()? {
            let id = parse_file_name(&name).or_else(|| parse_delete_file_name(&name));
            if id.is_some_and(|id| !named.contains(&id)) {
                self.store.remove(&name)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
