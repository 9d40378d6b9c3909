//! Packs as their users see them: what is written is what is read, found and refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::*;
use arrow::compute::take;
use proptest::prelude::*;

use super::*;
use crate::error::{Error, ErrorKind};
use crate::file::{FaultPlan, FaultyStore, FileStore, MemoryStore};
use crate::types::*;

fn schema(key: KeyKind, key_type: StoredType) -> TableSchema {
    let column = |id: u32, name: &str, data_type, default| ColumnSchema {
        id: ColumnId(id),
        name: name.into(),
        data_type,
        nullable: true,
        default,
    };
    TableSchema {
        table: TableId(7),
        version: 1,
        key,
        key_column: (key == KeyKind::Int).then_some(0),
        columns: vec![
            column(1, "id", key_type, Value::Null),
            column(2, "text", StoredType::Utf8, Value::Null),
            column(3, "price", StoredType::Decimal128(12, 2), Value::Decimal(125)),
        ],
    }
}

/// A row: key number, and whether it is a tombstone. Everything else follows from the number.
fn rows(ids: &[(i64, bool)], key: KeyKind) -> PackRows {
    let keys = match key {
        KeyKind::Int => KeyArray::Int(ids.iter().map(|(i, _)| *i).collect()),
        KeyKind::Bytes => {
            KeyArray::Bytes(ids.iter().map(|(i, _)| Some(format!("{i:08}{}", "k".repeat(*i as usize % 2)))).collect())
        }
    };
    let price: Decimal128Array = ids.iter().map(|(i, _)| Some(i128::from(i * 7 % 1000))).collect();
    PackRows {
        keys,
        commit_ts: ids.iter().map(|(i, _)| 1000 + i.rem_euclid(50) as u64).collect(),
        tombstones: ids.iter().any(|(_, t)| *t).then(|| ids.iter().map(|(_, t)| Some(*t)).collect()),
        columns: vec![
            Arc::new(ids.iter().map(|(i, t)| (!t).then_some(*i)).collect::<Int64Array>()),
            Arc::new(
                ids.iter().map(|(i, _)| (i % 5 != 0).then(|| format!("row number {i}"))).collect::<StringViewArray>(),
            ),
            Arc::new(price.with_precision_and_scale(12, 2).unwrap()),
        ],
    }
}

fn alive(ids: impl IntoIterator<Item = i64>) -> Vec<(i64, bool)> {
    ids.into_iter().map(|i| (i, false)).collect()
}

fn write(schema: &TableSchema, sorted: bool, pieces: impl IntoIterator<Item = PackRows>) -> (MemoryStore, Arc<Pack>) {
    let store = MemoryStore::new();
    let mut writer = PackWriter::create(Arc::new(store.clone()), FileId(1), schema, PackOptions { sorted }).unwrap();
    pieces.into_iter().for_each(|p| writer.write(p).unwrap());
    (store, writer.finish().unwrap())
}

/// Reads a whole pack back and compares it with the rows that went in.
fn assert_holds(pack: &Pack, schema: &TableSchema, all: &PackRows) {
    pack.verify().unwrap();
    assert_eq!(pack.rows() as usize, all.len());
    for zone in 0..pack.zone_count() {
        let range = pack.zone_rows(zone);
        let expected = all.slice(range.start as usize, range.len());
        assert_eq!(pack.read_keys(zone).unwrap().as_array(), expected.keys.as_array());
        assert_eq!(pack.read_commit_ts(zone).unwrap(), expected.commit_ts);
        let tombstones = pack.read_tombstones(zone).unwrap();
        let expected_tombstones = expected.tombstones.unwrap_or_else(|| vec![false; range.len()].into());
        assert_eq!(tombstones, expected_tombstones);
        assert_eq!(pack.zone_tombstones(zone) as usize, tombstones.true_count());
        let some: Vec<u32> = (0..range.len() as u32).filter(|r| r % 11 == 3).collect();
        for (column, array) in schema.columns.iter().zip(&expected.columns) {
            let read = pack.read_column(column, zone).unwrap();
            for row in (0..range.len()).filter(|row| !tombstones.value(*row)) {
                assert_eq!(read.slice(row, 1).as_ref(), array.slice(row, 1).as_ref(), "{} of row {row}", column.name);
            }
            let picked = pack.read_column_rows(column, zone, &some).unwrap();
            assert_eq!(picked.as_ref(), take(&read, &UInt32Array::from(some.clone()), None).unwrap().as_ref());
        }
    }
}

#[test]
fn rows_come_back_by_zone() {
    for key in [KeyKind::Int, KeyKind::Bytes] {
        let schema = schema(key, StoredType::Int64);
        let pieces = [0..5000, 5000..5001, 5001..20_000].map(|r| rows(&alive(r), key));
        let (store, pack) = write(&schema, true, pieces);
        assert_eq!(pack.zone_count(), 3);
        let all = rows(&alive(0..20_000), key);
        assert_holds(&pack, &schema, &all);
        assert_holds(&Pack::open(Arc::new(store), FileId(1)).unwrap(), &schema, &all);
    }
}

#[test]
fn chunks_keep_arrival_order_versions_and_tombstones() {
    let schema = schema(KeyKind::Int, StoredType::Int64);
    let ids: Vec<(i64, bool)> = (0..9000).map(|i| (i * 37 % 500, i % 9 == 4)).collect();
    let (_, pack) = write(&schema, false, [rows(&ids, KeyKind::Int)]);
    assert_holds(&pack, &schema, &rows(&ids, KeyKind::Int));
    assert_eq!((pack.first_key(), pack.last_key()), (Some(KeyRef::Int(0)), Some(KeyRef::Int(499))));
    assert_eq!((pack.min_commit_ts(), pack.max_commit_ts()), (Timestamp(1000), Timestamp(1049)));
    assert_eq!(pack.find(KeyRef::Int(3)).unwrap_err().kind(), ErrorKind::Internal);
    // Zone maps leave tombstones out.
    let map = pack.column_zone_map(ColumnId(1)).unwrap();
    assert_eq!((map.null_count, map.rows), (0, 8000));
    assert!((480..=520).contains(&pack.ndv_sketch(ColumnId(1)).unwrap().estimate()));
}

#[test]
fn a_column_that_the_pack_lacks_reads_as_its_default() {
    let old = schema(KeyKind::Int, StoredType::Int64);
    let (_, pack) = write(&old, true, [rows(&alive(0..100), KeyKind::Int)]);
    let added = ColumnSchema { id: ColumnId(9), default: Value::Decimal(5), ..old.columns[2].clone() };
    assert!(!pack.has_column(ColumnId(9)) && pack.zone_map(ColumnId(9), 0).is_none());
    let read = pack.read_column(&added, 0).unwrap();
    assert_eq!(read.as_primitive::<arrow::datatypes::Decimal128Type>().values().to_vec(), vec![5; 100]);
    assert_eq!(pack.read_column_rows(&added, 0, &[3, 9]).unwrap().len(), 2);
    let retyped = ColumnSchema { data_type: StoredType::Int64, ..old.columns[2].clone() };
    assert!(pack.read_column(&retyped, 0).is_err());
}

#[test]
fn an_unsigned_key_is_stored_once_with_its_top_bit_flipped() {
    let schema = schema(KeyKind::Int, StoredType::UInt64);
    let values = [0, 5, u64::MAX / 2 + 7, u64::MAX];
    let keys: Int64Array = values.iter().map(|v| (v ^ (1 << 63)) as i64).collect();
    let mut piece = rows(&alive(0..4), KeyKind::Int);
    piece.keys = KeyArray::Int(keys);
    piece.columns[0] = Arc::new(UInt64Array::from(values.to_vec()));
    let (_, pack) = write(&schema, true, [piece.clone()]);
    assert_holds(&pack, &schema, &piece);
    assert_eq!(pack.zone_map(ColumnId(1), 0).unwrap().max, Some(Value::UInt(u64::MAX)));
}

#[test]
fn rows_that_break_the_contract_are_refused() {
    let schema = schema(KeyKind::Int, StoredType::Int64);
    let store: Arc<dyn FileStore> = Arc::new(MemoryStore::new());
    let refused = |piece: PackRows| {
        let mut writer = PackWriter::create(store.clone(), FileId(3), &schema, PackOptions { sorted: true }).unwrap();
        let error = writer.write(piece).and_then(|()| writer.finish().map(drop)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
        assert!(store.list().unwrap().is_empty(), "an unfinished pack leaves its file");
    };
    refused(rows(&alive([1, 3, 2]), KeyKind::Int));
    refused(rows(&alive([1, 2, 2]), KeyKind::Int));
    refused(PackRows { keys: KeyArray::Int(vec![1, 2, 9].into()), ..rows(&alive(1..4), KeyKind::Int) });
    refused(rows(&alive(0..3), KeyKind::Bytes));
}

#[test]
fn an_empty_pack_is_a_pack() {
    let (_, pack) = write(&schema(KeyKind::Int, StoredType::Int64), true, []);
    assert_eq!((pack.rows(), pack.zone_count(), pack.first_key()), (0, 0, None));
    assert_eq!(pack.find(KeyRef::Int(1)).unwrap(), None);
    assert_eq!(pack.lower_bound(KeyRef::Int(1)).unwrap(), 0);
}

#[test]
fn long_text_closes_zones_early() {
    let mut piece = rows(&alive(0..100), KeyKind::Int);
    let long = "0123456789".repeat(100_000);
    piece.columns[1] = Arc::new((0..100).map(|_| Some(&long)).collect::<StringViewArray>());
    let schema = schema(KeyKind::Int, StoredType::Int64);
    let (_, pack) = write(&schema, true, [piece.clone()]);
    assert_eq!(pack.zone_count(), 3);
    assert_holds(&pack, &schema, &piece);
}

#[test]
fn a_failing_disk_gives_an_error_and_no_pack() {
    let schema = schema(KeyKind::Int, StoredType::Int64);
    let mut outcomes = BTreeMap::new();
    for seed in 0..60 {
        let disk_bytes = (seed % 3 == 0).then_some(30_000);
        let plan = FaultPlan { short_writes: 50, failed_syncs: 150, io_errors: 50, disk_bytes };
        let store = FaultyStore::new(seed, plan);
        let written = PackWriter::create(Arc::new(store.clone()), FileId(1), &schema, PackOptions { sorted: true })
            .and_then(|mut writer| {
                writer.write(rows(&alive(0..9000), KeyKind::Int))?;
                writer.finish()
            });
        store.set_plan(FaultPlan::default());
        store.crash();
        *outcomes.entry(written.is_ok()).or_insert(0) += 1;
        match written {
            Ok(_) => Pack::open(Arc::new(store), FileId(1)).unwrap().verify().unwrap(),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Io, "{error}"),
        }
    }
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
}

fn sample() -> (Vec<u8>, TableSchema) {
    let schema = schema(KeyKind::Bytes, StoredType::Int64);
    let (store, _) = write(&schema, true, [rows(&alive(0..9000), KeyKind::Bytes)]);
    (store.open(&file_name(FileId(1))).unwrap().to_vec(), schema)
}

fn open_and_verify(bytes: &[u8]) -> Result<(), Error> {
    let store = MemoryStore::new();
    store.replace(&file_name(FileId(1)), bytes)?;
    let pack = Pack::open(Arc::new(store), FileId(1))?;
    pack.verify()
}

#[test]
fn every_damaged_byte_is_noticed() {
    let (bytes, _) = sample();
    open_and_verify(&bytes).unwrap();
    // Every byte near the ends, where the structure is, and some of the rest.
    let n = bytes.len();
    for at in (0..n).filter(|at| *at < 200 || at % 101 == 0 || *at + 100 > n) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        let error = open_and_verify(&damaged).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
    }
    for len in (0..n).step_by(997) {
        assert_eq!(open_and_verify(&bytes[..len]).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn damage_is_named() {
    let (bytes, _) = sample();
    let store = MemoryStore::new();
    let name = file_name(FileId(1));
    store.replace(&name, &bytes).unwrap();
    let pack = Pack::open(Arc::new(store.clone()), FileId(1)).unwrap();
    let place = match &pack.footer.columns[1].storage {
        super::footer::Storage::Blocks(blocks) => blocks[1],
        super::footer::Storage::Keys => unreachable!(),
    };
    let mut damaged = bytes;
    damaged[place.offset as usize + 20] ^= 4;
    store.replace(&name, &damaged).unwrap();
    let error = Pack::open(Arc::new(store), FileId(1)).unwrap().verify().unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&name) && text.contains("column text, zone 1"), "{text}");
    assert!(text.contains(&format!("at byte {}", place.offset)), "{text}");
}

#[test]
fn another_files_bytes_and_a_newer_format_are_refused() {
    let (mut bytes, _) = sample();
    let store = MemoryStore::new();
    store.replace(&file_name(FileId(2)), &bytes).unwrap();
    assert_eq!(Pack::open(Arc::new(store), FileId(2)).unwrap_err().kind(), ErrorKind::Corrupt);
    bytes[8] = 99;
    assert!(open_and_verify(&bytes).unwrap_err().to_string().contains("format 99"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn keys_are_found_where_they_are(mut ids in prop::collection::btree_set(0..40_000i64, 1..12_000),
                                     probes in prop::collection::btree_set(-9..40_009i64, 0..300),
                                     dense in any::<bool>(), bytes in any::<bool>()) {
        if dense {
            ids = (*ids.first().unwrap()..*ids.last().unwrap() + 1).collect();
        }
        let kind = if bytes { KeyKind::Bytes } else { KeyKind::Int };
        let ids: Vec<i64> = ids.into_iter().collect();
        let piece = rows(&alive(ids.iter().copied()), kind);
        let (_, pack) = write(&schema(kind, StoredType::Int64), true, [piece]);
        let probes: Vec<i64> = probes.into_iter().filter(|p| *p >= 0 || !bytes).collect();
        let keys = rows(&alive(probes.iter().copied()), kind).keys;
        // The first round reads blocks for the first time, the second searches in place.
        for _ in 0..2 {
            let found = pack.find_sorted(&keys).unwrap();
            prop_assert_eq!(found.len(), probes.len());
            for (i, row) in found.into_iter().enumerate() {
                prop_assert_eq!(row, ids.binary_search(&probes[i]).ok().map(|r| r as u32));
                prop_assert_eq!(row, pack.find(keys.get(i)).unwrap());
                let at = ids.partition_point(|id| *id < probes[i]) as u32;
                prop_assert_eq!(pack.lower_bound(keys.get(i)).unwrap(), at);
            }
        }
    }

    #[test]
    fn any_bytes_are_refused(noise in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(open_and_verify(&noise).is_err());
    }
}
