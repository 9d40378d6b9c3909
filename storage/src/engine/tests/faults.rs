//! Crashes, failing disks, damaged files, locks.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::harness::{TABLE, row_key, schema};
use crate::api::{CancelFlag, ReplayPosition, ScanRequest};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::ErrorKind;
use crate::file::{FaultPlan, FaultyStore, FileStore, MemoryStore};
use crate::pack::PackRows;
use crate::testing::{Model, ModelRow};
use crate::types::{KeyKind, RowKey, StoredType, TableId, TableSchema, Timestamp};

const TYPES: [StoredType; 2] = [StoredType::Int64, StoredType::Utf8];

fn rows(ts: u64, keys: impl IntoIterator<Item = u16>, seed: Option<i64>) -> Vec<ModelRow> {
    keys.into_iter()
        .map(|k| ModelRow { key: row_key(KeyKind::Int, k), commit_ts: ts, seed, columns_below: 2 })
        .collect()
}

fn visible(engine: &Engine, ts: Timestamp) -> crate::error::Result<Vec<RowKey>> {
    let mut keys = Vec::new();
    for next in engine.snapshot(TABLE, ts)?.scan_ordered(ScanRequest::all(vec![1]))? {
        let (k, _) = next?;
        keys.extend((0..k.len()).map(|row| k.get(row).to_owned()));
    }
    Ok(keys)
}

fn open(store: &impl FileStoreClone) -> Engine {
    Engine::open_with(store.shared(), Config::tiny()).unwrap()
}

trait FileStoreClone {
    fn shared(&self) -> Arc<dyn FileStore>;
}

impl FileStoreClone for MemoryStore {
    fn shared(&self) -> Arc<dyn FileStore> {
        Arc::new(self.clone())
    }
}

impl FileStoreClone for FaultyStore {
    fn shared(&self) -> Arc<dyn FileStore> {
        Arc::new(self.clone())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A disk that fails at random, then loses power: after opening again and feeding from the replay
    /// position, everything is there.
    #[test]
    fn crash_anywhere_then_reopen_equals_model(
        seed: u64,
        io_errors in 0u16..40,
        failed_syncs in 0u16..100,
        steps in prop::collection::vec((0u8..10, 0u16..200), 1..60),
    ) {
        let store = FaultyStore::new(seed, FaultPlan::default());
        let schema = schema(KeyKind::Int, &TYPES);
        let mut model = Model::default();
        let mut log: Vec<Vec<ModelRow>> = Vec::new();
        let mut engine = open(&store);
        engine.put_table(schema.clone()).unwrap();
        for (i, (what, key)) in steps.into_iter().enumerate() {
            store.set_plan(FaultPlan { io_errors, failed_syncs, short_writes: io_errors, ..FaultPlan::default() });
            match what {
                0..5 => {
                    let seed = (what > 0).then_some(i as i64);
                    let entry = rows(i as u64 + 1, (key..key + 30).step_by(what as usize + 1), seed);
                    entry.iter().for_each(|r| model.put(r));
                    log.push(entry);
                    // Reading packs may fail; the feeder then tries again.
                    while engine.apply(Model::batch(&schema, &log[log.len() - 1]).unwrap()).is_err() {}
                    engine.advance(ReplayPosition(log.len().to_string().into_bytes().into()));
                }
                5 => drop(engine.flush()),
                6 => drop(engine.compact(TABLE, &CancelFlag::default())),
                7 => drop(engine.maintain()),
                8 => engine.set_safe_point(Timestamp(i as u64)),
                _ => {
                    store.crash();
                    store.set_plan(FaultPlan::default());
                    engine = open(&store);
                    prop_assert!(engine.damaged_tables().is_empty());
                    engine.put_table(schema.clone()).unwrap();
                    let position = engine.replay_position();
                    let from: usize = position.map_or(0, |p| std::str::from_utf8(&p.0).unwrap().parse().unwrap());
                    for (at, entry) in log.iter().enumerate().skip(from) {
                        engine.apply(Model::batch(&schema, entry).unwrap()).unwrap();
                        engine.advance(ReplayPosition((at + 1).to_string().into_bytes().into()));
                    }
                }
            }
            store.set_plan(FaultPlan::default());
            let expected: Vec<RowKey> = model.visible(Timestamp::MAX).into_iter().map(|row| row.key.clone()).collect();
            prop_assert_eq!(visible(&engine, Timestamp::MAX).unwrap(), expected);
        }
    }
}

fn flushed(schema: &TableSchema) -> MemoryStore {
    let store = MemoryStore::new();
    let engine = open(&store);
    engine.put_table(schema.clone()).unwrap();
    let mut other = schema.clone();
    other.table = TableId(2);
    engine.put_table(other).unwrap();
    engine.apply(Model::batch(schema, &rows(1, 0..100, Some(7))).unwrap()).unwrap();
    engine.compact(TABLE, &CancelFlag::default()).unwrap();
    engine.apply(Model::batch(schema, &rows(2, 50..120, None)).unwrap()).unwrap();
    engine.flush().unwrap();
    store
}

/// Every file, damaged in every 13th byte: the damage is named or harmless, the other table opens,
/// and building the table anew mends it.
#[test]
fn damage_is_named_and_confined_to_its_table() {
    let schema = schema(KeyKind::Int, &TYPES);
    let expected = visible(&open(&flushed(&schema)), Timestamp::MAX).unwrap();
    assert_eq!(expected.len(), 50);
    for name in flushed(&schema).list().unwrap() {
        let bytes = flushed(&schema).open(&name).unwrap();
        for at in (0..bytes.len()).step_by(13) {
            let store = flushed(&schema);
            let mut bad = bytes.to_vec();
            bad[at] ^= 0x10;
            store.replace(&name, &bad).unwrap();
            if name == "MANIFEST" {
                let kind = Engine::open_with(store.shared(), Config::tiny()).unwrap_err().kind();
                assert!(matches!(kind, ErrorKind::Corrupt | ErrorKind::Locked | ErrorKind::Outdated));
                continue;
            }
            let engine = open(&store);
            match visible(&engine, Timestamp::MAX) {
                Ok(keys) => assert_eq!(keys, expected, "{name} at {at}"),
                Err(e) => {
                    assert_eq!(e.kind(), ErrorKind::Corrupt, "{e}");
                    assert!(e.to_string().contains(&name), "{e}");
                }
            }
            engine.snapshot(TableId(2), Timestamp::MAX).unwrap();
        }
    }
}

#[test]
fn a_missing_file_marks_its_table_until_it_is_built_anew() {
    let schema = schema(KeyKind::Int, &TYPES);
    let store = flushed(&schema);
    let pack = store.list().unwrap().into_iter().find(|n| n.ends_with(".pack")).unwrap();
    store.remove(&pack).unwrap();
    let engine = open(&store);
    assert_eq!(engine.damaged_tables().len(), 1);
    let batch = Model::batch(&schema, &rows(9, 0..1, Some(1))).unwrap();
    for error in [engine.apply(batch.clone()).unwrap_err(), visible(&engine, Timestamp::MAX).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(&pack), "{error}");
    }
    // Flushing other tables keeps what is known of this one.
    engine.flush().unwrap();
    drop(engine);
    let engine = open(&store);
    assert_eq!(engine.damaged_tables().len(), 1);

    let built = Model::batch(&schema, &rows(5, 10..90, Some(3))).unwrap();
    let rows = PackRows { keys: built.keys, commit_ts: built.commit_ts, tombstones: None, columns: built.columns };
    engine.bulk_build(schema.clone(), Timestamp(8), [Ok(rows)].into_iter()).unwrap();
    assert!(engine.damaged_tables().is_empty());
    assert_eq!(visible(&engine, Timestamp::MAX).unwrap().len(), 80);
    assert_eq!(engine.snapshot(TABLE, Timestamp(7)).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(engine.apply(batch).unwrap().applied, 1);
    let old = Model::batch(&schema, &self::rows(8, 0..10, Some(1))).unwrap();
    assert_eq!(engine.apply(old).unwrap().replayed, 10);
    engine.flush().unwrap();
    drop(engine);
    assert_eq!(visible(&open(&store), Timestamp::MAX).unwrap().len(), 81);
}

#[test]
fn a_second_opener_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = Engine::open(dir.path(), Config::tiny()).unwrap();
    let refused = |path: &Path| Engine::open(path, Config::tiny()).unwrap_err();
    assert_eq!(refused(dir.path()).kind(), ErrorKind::Locked);
    drop(first);
    Engine::open(dir.path(), Config::tiny()).unwrap();
}

#[test]
fn bad_batches_are_refused_and_change_nothing() {
    let schema = schema(KeyKind::Int, &TYPES);
    let engine = open(&MemoryStore::new());
    let good = Model::batch(&schema, &rows(1, 0..5, Some(1))).unwrap();
    assert_eq!(engine.apply(good.clone()).unwrap_err().kind(), ErrorKind::Invalid);
    engine.put_table(schema).unwrap();
    let mut bad = vec![good.clone(), good.clone(), good.clone(), good.clone()];
    bad[0].schema_version = 2;
    bad[1].columns.pop();
    bad[2].columns.swap(0, 1);
    bad[3].commit_ts = bad[3].commit_ts.slice(1, 4);
    for batch in bad {
        assert_eq!(engine.apply(batch).unwrap_err().kind(), ErrorKind::Invalid);
    }
    assert_eq!(visible(&engine, Timestamp::MAX).unwrap().len(), 0);
}

#[test]
fn files_are_removed_when_nobody_names_them() {
    let schema = schema(KeyKind::Int, &TYPES);
    let store = MemoryStore::new();
    let engine = open(&store);
    engine.put_table(schema.clone()).unwrap();
    for ts in 1..30 {
        engine.apply(Model::batch(&schema, &rows(ts, 0..100, Some(ts as i64))).unwrap()).unwrap();
        engine.set_safe_point(Timestamp(ts));
        engine.compact(TABLE, &CancelFlag::default()).unwrap();
        engine.flush().unwrap();
    }
    let stats = engine.stats(TABLE).unwrap();
    let live: usize = stats.segments.iter().map(|s| s.packs.len() + s.chunks.len()).sum();
    assert_eq!(stats.rows, 100);
    assert!(store.list().unwrap().len() <= 2 * live + 4, "{:?}", store.list().unwrap());
}
