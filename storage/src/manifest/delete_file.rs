//! Delete vector files: the vectors of all arrays of one segment, as of one manifest.

use super::envelope::{Kind, open, seal};
use crate::delete_vector::StoredVector;
use crate::error::Result;
use crate::file::FileStore;
use crate::types::FileId;

const KIND: Kind = Kind { magic: *b"DTDELETE", format: 1 };
const SUFFIX: &str = ".deletes";

/// The file's name.
pub(crate) fn delete_file_name(file: FileId) -> String {
    format!("{:016}{SUFFIX}", file.0)
}

/// The id in the name of a delete vector file.
pub(crate) fn parse_delete_file_name(name: &str) -> Option<FileId> {
    let digits = name.strip_suffix(SUFFIX).filter(|d| d.len() >= 16)?;
    digits.parse().ok().map(FileId)
}

/// Writes and syncs a new file. Its name is not durable before the directory is synced.
pub(crate) fn write_deletes(store: &dyn FileStore, file: FileId, vectors: &[StoredVector]) -> Result<u64> {
    let bytes = seal(KIND, &(file, vectors))?;
    let mut out = store.create(&delete_file_name(file))?;
    out.write(&bytes)?;
    out.sync()?;
    Ok(bytes.len() as u64)
}

/// Reads a file back.
pub(crate) fn read_deletes(store: &dyn FileStore, file: FileId) -> Result<Vec<StoredVector>> {
    let name = delete_file_name(file);
    let path = store.path(&name);
    let (id, vectors): (FileId, Vec<StoredVector>) = open(KIND, &path, &store.open(&name)?)?;
    if id != file {
        let reason = format!("the file calls itself {id}");
        return Err(crate::error::Error::corrupt(path, None, reason));
    }
    Ok(vectors)
}
