//! A manifest is read back whole, or refused.

use super::delete_file::{delete_file_name, parse_delete_file_name, read_deletes, write_deletes};
use super::manifest::MANIFEST;
use super::*;
use crate::delete_vector::{DeleteVector, StoredVector};
use crate::error::ErrorKind;
use crate::file::{FileStore, MemoryStore};
use crate::types::{FileId, KeyKind, KeyRange, SegmentId, TableId, TableSchema, Timestamp};

pub(super) fn manifest() -> Manifest {
    let schema = TableSchema { table: TableId(7), version: 1, key: KeyKind::Int, key_column: None, columns: vec![] };
    let segment = SegmentRecord {
        id: SegmentId(1),
        range: KeyRange::ALL,
        next_ordinal: 12,
        stable: vec![FileId(3)],
        delta: vec![ChunkRecord { file: FileId(4), start: 2 }],
        history: vec![],
        deletes: Some(FileId(5)),
    };
    let table = TableRecord {
        schema,
        floor: Timestamp(1),
        collected: Timestamp(2),
        max_commit_ts: Timestamp(9),
        segments: vec![segment],
    };
    Manifest { next_file: 6, next_segment: 2, tables: vec![table], ..Manifest::default() }
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let store = MemoryStore::new();
    assert!(Manifest::load(&store).unwrap().is_none());
    manifest().commit(&store).unwrap();
    assert_eq!(Manifest::load(&store).unwrap().unwrap().files().len(), 3);
    let good = store.open(MANIFEST).unwrap();
    for byte in 0..good.len() {
        let mut bad = good.to_vec();
        bad[byte] ^= 1 << (byte % 8);
        store.replace(MANIFEST, &bad).unwrap();
        let kind = Manifest::load(&store).unwrap_err().kind();
        // The format's number is the one thing that says what the checksum is.
        let refused = matches!(kind, ErrorKind::Corrupt | ErrorKind::Locked | ErrorKind::Outdated);
        assert!(refused, "byte {byte}: {kind:?}");
        store.replace(MANIFEST, &good[..byte]).unwrap();
        assert_eq!(Manifest::load(&store).unwrap_err().kind(), ErrorKind::Corrupt, "cut at {byte}");
    }
}

#[test]
fn segments_with_a_gap_are_refused() {
    let mut gap = manifest();
    gap.tables[0].segments[0].range.end = Some(crate::types::RowKey::Int(5));
    assert_eq!(gap.commit(&MemoryStore::new()).unwrap_err().kind(), ErrorKind::Internal);
}

#[test]
fn delete_files_are_read_back_or_refused() {
    let store = MemoryStore::new();
    let mut vector = DeleteVector::new(50);
    vector.hide([1, 40]);
    write_deletes(&store, FileId(8), &[StoredVector::from(&vector)]).unwrap();
    let back = read_deletes(&store, FileId(8)).unwrap();
    assert!(back[0].restore(50).unwrap().is_deleted(40));
    let name = delete_file_name(FileId(8));
    assert_eq!(parse_delete_file_name(&name), Some(FileId(8)));
    let bytes = store.open(&name).unwrap();
    store.replace(&name, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(read_deletes(&store, FileId(8)).unwrap_err().kind(), ErrorKind::Corrupt);
}
