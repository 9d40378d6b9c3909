//! Packs whose checksums are right and whose contents are not: they are refused, or read as something.

use std::sync::{Arc, LazyLock};

use arrow::array::Array;
use proptest::prelude::*;
use proptest::sample::Index;
use xxhash_rust::xxh3::xxh3_64;

use super::footer::{BlockPlace, Footer, Storage};
use super::format::{ALIGNMENT, TRAILER_BYTES, file_name, trailer};
use super::{Pack, PackOptions, PackRows, PackWriter};
use crate::error::{ErrorKind, Result};
use crate::file::{FileStore, MemoryStore};
use crate::testing::{Damage, Model, ModelRow, damage, damaged, key_array, peak_bytes, schema};
use crate::types::*;

const FILE: FileId = FileId(1);

/// A pack and the schema that it was written with.
struct Sample {
    schema: TableSchema,
    bytes: Vec<u8>,
}

const TYPES: [StoredType; 8] = [
    StoredType::Int64,
    StoredType::Utf8,
    StoredType::Int8,
    StoredType::Float64,
    StoredType::Decimal128(12, 2),
    StoredType::Decimal256(40, 3),
    StoredType::Date32,
    StoredType::Binary,
];

/// Sorted, with keys of either kind, of several zones or of many types; and in order of arrival, with
/// tombstones.
static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    vec![
        sample(KeyKind::Int, true, 8192 + 512, &TYPES[..1]),
        sample(KeyKind::Bytes, true, 8192 + 512, &TYPES[..2]),
        sample(KeyKind::Bytes, true, 768, &TYPES),
        sample(KeyKind::Int, false, 768, &TYPES),
    ]
});

fn sample(key: KeyKind, sorted: bool, rows: u32, types: &[StoredType]) -> Sample {
    let schema = schema(key, types);
    let rows: Vec<ModelRow> = (0..rows)
        .map(|i| ModelRow {
            key: row_key(key, if sorted { i * 3 } else { i * 37 % 500 }),
            commit_ts: 1000 + u64::from(i % 50),
            seed: (sorted || i % 9 != 4).then_some(i64::from(i / 3)),
            columns_below: u32::MAX,
        })
        .collect();
    let batch = Model::batch(&schema, &rows).unwrap();
    let rows = PackRows {
        keys: batch.keys,
        commit_ts: batch.commit_ts,
        tombstones: Some(batch.deleted),
        columns: batch.columns,
    };
    let store = MemoryStore::new();
    let mut writer = PackWriter::create(Arc::new(store.clone()), FILE, &schema, PackOptions { sorted }).unwrap();
    writer.write(rows).unwrap();
    writer.finish().unwrap();
    Sample { schema, bytes: store.open(&file_name(FILE)).unwrap().to_vec() }
}

fn row_key(kind: KeyKind, n: u32) -> RowKey {
    match kind {
        KeyKind::Int => RowKey::Int(n.into()),
        KeyKind::Bytes => RowKey::Bytes(format!("{n:06}").into_bytes().into()),
    }
}

/// A pack with damage in a block, the footer, or both, and with checksums that say that all is well.
pub(crate) fn forge(pack: &[u8], block: Option<&(Index, Vec<Damage>)>, footer: &[Damage]) -> Vec<u8> {
    let end = pack.len() - TRAILER_BYTES;
    let start = u64::from_le_bytes(pack[end..end + 8].try_into().unwrap()) as usize;
    let mut bytes = pack[..start].to_vec();
    let mut directory = Footer::decode(&pack[start..end], start).unwrap();
    if let Some((index, damage)) = block {
        let mut places = places(&mut directory);
        let at = index.index(places.len());
        let place = &mut *places[at];
        let mut block = damaged(&pack[place.offset as usize..][..place.len as usize], damage);
        (place.offset, place.len) = (start as u64, block.len() as u32);
        block.resize(block.len().next_multiple_of(ALIGNMENT), 0);
        place.checksum = xxh3_64(&block);
        bytes.extend_from_slice(&block);
    }
    let directory = damaged(&postcard::to_stdvec(&directory).unwrap(), footer);
    let trailer = trailer(bytes.len() as u64, &directory);
    bytes.extend_from_slice(&directory);
    bytes.extend_from_slice(&trailer);
    bytes
}

fn places(footer: &mut Footer) -> Vec<&mut BlockPlace> {
    let columns = footer.columns.iter_mut().filter_map(|column| match &mut column.storage {
        Storage::Blocks(places) => Some(places),
        Storage::Keys => None,
    });
    [&mut footer.keys, &mut footer.commit_ts, &mut footer.tombstones].into_iter().chain(columns).flatten().collect()
}

/// Reads a pack in every way, all blocks twice: they are checked when they are first read.
fn read_in_every_way(bytes: &[u8], schema: &TableSchema) -> Result<()> {
    let store = MemoryStore::new();
    store.replace(&file_name(FILE), bytes)?;
    let pack = Pack::open(Arc::new(store), FILE)?;
    pack.describe_columns()?;
    for zone in (0..pack.zone_count()).chain(0..pack.zone_count()) {
        let rows = pack.zone_rows(zone).len();
        assert_eq!(pack.read_keys(zone)?.len(), rows);
        assert_eq!(pack.read_commit_ts(zone)?.len(), rows);
        assert_eq!(pack.read_tombstones(zone)?.len(), rows);
        let wanted: Vec<u32> = (0..rows as u32).step_by(9).collect();
        for column in &schema.columns {
            if pack.column(column.id).is_some_and(|stored| stored.data_type != column.data_type) {
                continue;
            }
            let array = pack.read_column(column, zone)?;
            assert_eq!(array.len(), rows);
            assert_eq!(array.to_data().validate_full().map_err(|e| e.to_string()), Ok(()));
            assert_eq!(pack.read_column_rows(column, zone, &wanted)?.len(), wanted.len());
            pack.read_coded(column, zone)?;
            pack.zone_map(column.id, zone);
        }
    }
    for column in &schema.columns {
        pack.column_zone_map(column.id);
        pack.ndv_sketch(column.id).map(|sketch| sketch.estimate());
    }
    if pack.sorted() {
        let all: Vec<RowKey> = (0..26_500).map(|n| row_key(schema.key, n)).collect();
        for keys in [&all[..], &all[..40], &all[26_000..]] {
            let found = pack.find_sorted(&key_array(schema.key, keys))?;
            assert_eq!(found.len(), keys.len());
            assert!(found.iter().flatten().all(|row| *row < pack.rows()));
        }
        for key in all.iter().step_by(100) {
            assert!(pack.lower_bound(key.as_ref())? <= pack.rows());
            pack.find(key.as_ref())?;
        }
    }
    pack.verify()
}

#[test]
fn forging_nothing_changes_nothing() {
    for sample in SAMPLES.iter() {
        assert_eq!(forge(&sample.bytes, None, &[]), sample.bytes);
        read_in_every_way(&sample.bytes, &sample.schema).unwrap();
    }
}

proptest! {
    #[test]
    fn forged_packs_are_refused_or_read(sample in any::<Index>(),
                                        block in prop::option::of((any::<Index>(), damage())),
                                        footer in prop::option::of(damage())) {
        let Sample { schema, bytes } = sample.get(&SAMPLES);
        let forged = forge(bytes, block.as_ref(), footer.as_deref().unwrap_or_default());
        let (read, peak) = peak_bytes(|| read_in_every_way(&forged, schema));
        prop_assert!(peak < (4 << 20) + forged.len() * 64, "{peak} bytes for a file of {}", forged.len());
        if let Err(error) = read {
            prop_assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error);
        }
    }
}
