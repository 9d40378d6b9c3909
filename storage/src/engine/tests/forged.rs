//! A directory of which one file is forged: the engine refuses it, or reads something, and works on.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use proptest::sample::Index;

use super::harness::{TABLE, row_key, schema};
use crate::api::{CancelFlag, ReplayPosition, ScanRequest};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::{ErrorKind, Result};
use crate::file::{FileStore, MemoryStore};
use crate::predicate::{CompareOp, Predicate};
use crate::testing::{Damage, Model, ModelRow, damage};
use crate::types::{KeyKind, StoredType, Timestamp, Value};
use crate::{manifest, pack};

const NOW: Timestamp = Timestamp(40);

/// The files of an engine with packs, chunks, tombstones, history and delete vectors.
static FILES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let schema = schema(KeyKind::Int, &[StoredType::Int64, StoredType::Utf8]);
    let store = MemoryStore::new();
    let engine = Engine::open_with(Arc::new(store.clone()), Config::tiny()).unwrap();
    engine.put_table(schema.clone()).unwrap();
    let apply = |ts: u64, keys: std::ops::Range<u16>, step: usize, alive: bool| {
        let row = |key| ModelRow {
            key: row_key(KeyKind::Int, key),
            commit_ts: ts,
            seed: alive.then_some(ts as i64),
            columns_below: 2,
        };
        let rows: Vec<ModelRow> = keys.step_by(step).map(row).collect();
        engine.apply(Model::batch(&schema, &rows).unwrap()).unwrap();
    };
    apply(10, 0..250, 1, true);
    engine.compact(TABLE, &CancelFlag::default()).unwrap();
    let _history = engine.snapshot(TABLE, Timestamp(10)).unwrap();
    apply(20, 0..250, 7, true);
    engine.compact(TABLE, &CancelFlag::default()).unwrap();
    apply(30, 3..300, 11, true);
    apply(40, 5..300, 13, false);
    engine.advance(ReplayPosition(bytes::Bytes::from_static(b"40")));
    engine.flush().unwrap();
    let names = store.list().unwrap();
    names.into_iter().map(|name| (name.clone(), store.open(&name).unwrap().to_vec())).collect()
});

fn forge(name: &str, bytes: &[u8], block: Option<&(Index, Vec<Damage>)>, damage: &[Damage]) -> Vec<u8> {
    match pack::parse_file_name(name) {
        Some(_) => pack::forged::forge(bytes, block, damage),
        None => manifest::forged::forge(bytes, damage),
    }
}

/// Opens the directory and does with it what servers do.
fn live_with(store: &MemoryStore) -> Result<()> {
    let engine = Engine::open_with(Arc::new(store.clone()), Config::tiny())?;
    for table in engine.tables() {
        engine.stats(table.table)?;
        let snapshot = engine.snapshot(table.table, NOW)?;
        snapshot.statistics()?;
        let all: Vec<usize> = (0..table.columns.len()).collect();
        let below = |value: i64| Predicate::Compare { column: 0, op: CompareOp::Lt, value: Value::Int(value) };
        for request in [ScanRequest::all(vec![]), ScanRequest::all(all.clone())] {
            let mut worker = snapshot.scan(request.clone())?.worker();
            while worker.next_batch()?.is_some() {}
            for next in snapshot.scan_ordered(request)? {
                next?;
            }
        }
        if table.columns.first().is_some_and(|column| column.data_type == StoredType::Int64) {
            let mut request = ScanRequest::all(all.clone());
            request.predicates.push(below(0));
            let mut worker = snapshot.scan(request)?.worker();
            while worker.next_batch()?.is_some() {}
        }
        for key in (0..300).step_by(17) {
            snapshot.get(&row_key(table.key, key), &all)?;
        }
    }
    engine.flush()
}

#[test]
fn what_is_forged_was_sound() {
    let store = MemoryStore::new();
    FILES.iter().for_each(|(name, bytes)| store.replace(name, bytes).unwrap());
    live_with(&store).unwrap();
    assert!(FILES.iter().filter(|(name, _)| pack::parse_file_name(name).is_some()).count() > 3);
    assert!(FILES.iter().any(|(name, _)| name.ends_with(".deletes")));
}

proptest! {
    #[test]
    fn forged_files_do_not_bring_the_engine_down(file in any::<Index>(),
                                                 block in prop::option::of((any::<Index>(), damage())),
                                                 damage in prop::option::of(damage())) {
        let store = MemoryStore::new();
        let forged = file.index(FILES.len());
        for (i, (name, bytes)) in FILES.iter().enumerate() {
            let damage = damage.as_deref().unwrap_or_default();
            let bytes = if i == forged { forge(name, bytes, block.as_ref(), damage) } else { bytes.clone() };
            store.replace(name, &bytes).unwrap();
        }
        if let Err(error) = live_with(&store) {
            // A forged timestamp may say that what the snapshot needs is gone.
            prop_assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Invalid), "{}", error);
        }
    }
}
