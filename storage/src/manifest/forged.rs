//! Manifests and delete vector files whose checksums are right and whose contents are not.

use proptest::prelude::*;

use super::delete_file::{delete_file_name, read_deletes, write_deletes};
use super::envelope::{HEADER_BYTES, checksum};
use super::manifest::{MANIFEST, Manifest};
use super::tests::manifest;
use crate::delete_vector::{DeleteVector, Deletion, StoredVector};
use crate::error::{Error, ErrorKind};
use crate::file::{FileStore, MemoryStore};
use crate::testing::{Damage, damage, damaged, peak_bytes};
use crate::types::{FileId, Timestamp};

/// A file with damage in its payload, and with a header that says that all is well.
pub(crate) fn forge(file: &[u8], damage: &[Damage]) -> Vec<u8> {
    let payload = damaged(&file[HEADER_BYTES..], damage);
    let mut out = file[..16].to_vec();
    out.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    out.extend_from_slice(&checksum(&out, &payload).to_le_bytes());
    out.extend_from_slice(&payload);
    out
}

/// Replaces the file by its forgery and reads that.
fn read_forged<T>(
    store: &MemoryStore,
    name: &str,
    damage: &[Damage],
    read: impl FnOnce() -> Result<T, Error>,
) -> Option<T> {
    let forged = forge(&store.open(name).unwrap(), damage);
    store.replace(name, &forged).unwrap();
    let (read, peak) = peak_bytes(read);
    assert!(peak < (1 << 20) + forged.len() * 64, "{peak} bytes for a file of {}", forged.len());
    read.map_err(|error| assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}")).ok()
}

proptest! {
    #[test]
    fn forged_manifests_are_refused_or_could_be(damage in damage()) {
        let store = MemoryStore::new();
        manifest().commit(&store).unwrap();
        if let Some(read) = read_forged(&store, MANIFEST, &damage, || Manifest::load(&store)) {
            read.unwrap().commit(&store).unwrap();
        }
    }

    #[test]
    fn forged_delete_vectors_are_refused_or_could_be(damage in damage()) {
        let store = MemoryStore::new();
        let file = FileId(8);
        let mut vector = DeleteVector::new(20_000);
        vector.hide([1, 40, 9000]);
        vector.append(&[7, 9001].map(|row| Deletion { commit_ts: Timestamp(u64::from(row)), row }));
        let vectors = [StoredVector::from(&vector), StoredVector::from(&DeleteVector::new(5))];
        write_deletes(&store, file, &vectors).unwrap();
        let name = delete_file_name(file);
        let read = read_forged(&store, &name, &damage, || {
            Ok(read_deletes(&store, file)?.iter().filter_map(|stored| stored.restore(20_000)).collect::<Vec<_>>())
        });
        for vector in read.iter().flatten() {
            vector.validate();
            prop_assert_eq!(vector.rows(), 20_000);
        }
    }
}
