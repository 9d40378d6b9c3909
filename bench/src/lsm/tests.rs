//! The baseline against a map: it must be right before its speed means anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, StringViewArray, UInt64Array};
use arrow::datatypes::Int64Type;
use deltatree_storage::file::MemoryStore;
use deltatree_storage::pack::PackRows;
use deltatree_storage::types::{ColumnId, ColumnSchema, KeyArray, KeyKind, StoredType, TableId, TableSchema, Value};
use proptest::prelude::*;

use super::{LsmConfig, LsmStore};

fn schema() -> TableSchema {
    let column = |id: u32, data_type, default| ColumnSchema {
        id: ColumnId(id),
        name: format!("c{id}"),
        data_type,
        nullable: false,
        default,
    };
    TableSchema {
        table: TableId(1),
        version: 1,
        key: KeyKind::Int,
        key_column: Some(0),
        columns: vec![
            column(0, StoredType::Int64, Value::Int(0)),
            column(1, StoredType::Int64, Value::Int(0)),
            column(2, StoredType::Utf8, Value::Bytes(bytes::Bytes::new())),
        ],
    }
}

/// A key and its new value; `None` deletes it.
type Change = (i64, Option<i64>);

fn text_of(value: i64) -> String {
    format!("the text of the value {value}")
}

fn rows(changes: &[Change], ts: u64) -> PackRows {
    let keys = Int64Array::from_iter_values(changes.iter().map(|(key, _)| *key));
    let values = Int64Array::from_iter_values(changes.iter().map(|(_, value)| value.unwrap_or_default()));
    let texts = StringViewArray::from_iter_values(values.values().iter().map(|value| text_of(*value)));
    let deleted: BooleanArray = changes.iter().map(|(_, value)| Some(value.is_none())).collect();
    PackRows {
        keys: KeyArray::Int(keys.clone()),
        commit_ts: UInt64Array::from_value(ts, changes.len()),
        tombstones: (deleted.true_count() > 0).then_some(deleted),
        columns: vec![Arc::new(keys) as ArrayRef, Arc::new(values), Arc::new(texts)],
    }
}

fn store(memory_rows_limit: u64) -> LsmStore {
    LsmStore::new(Arc::new(MemoryStore::default()), schema(), LsmConfig { memory_rows_limit })
}

/// All rows that a scan shows. Fails if a key comes twice.
fn content(store: &LsmStore, threads: usize) -> BTreeMap<i64, i64> {
    let parts = store.scan(&[0, 1, 2], threads, |rows: &mut Vec<(i64, i64, String)>, columns| {
        let (keys, values) = (columns[0].as_primitive::<Int64Type>(), columns[1].as_primitive::<Int64Type>());
        let texts = columns[2].as_string_view();
        rows.extend((0..keys.len()).map(|row| (keys.value(row), values.value(row), texts.value(row).to_owned())));
    });
    let mut content = BTreeMap::new();
    for (key, value, text) in parts.unwrap().into_iter().flatten() {
        assert_eq!(text, text_of(value));
        assert_eq!(content.insert(key, value), None, "key {key} comes twice");
    }
    content
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Vec<Change>),
    Maintain,
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    let change = (0..200_i64, prop::option::weighted(0.8, 0..1_000_i64));
    prop_oneof![
        6 => prop::collection::vec(change, 1..40).prop_map(Step::Apply),
        2 => Just(Step::Maintain),
        1 => Just(Step::Flush),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_scan_shows_what_a_map_holds(built in 0..120_i64, steps in prop::collection::vec(step(), 1..40)) {
        let store = store(60);
        let first: Vec<Change> = (0..built).map(|i| (i * 2, Some(i))).collect();
        let mut model: BTreeMap<i64, i64> = first.iter().map(|(key, value)| (*key, value.unwrap())).collect();
        store.build(first.chunks(50).map(|part| rows(part, 1))).unwrap();
        for (step, ts) in steps.into_iter().zip(2..) {
            match step {
                Step::Apply(changes) => {
                    store.apply(&rows(&changes, ts)).unwrap();
                    for (key, value) in changes {
                        match value {
                            Some(value) => drop(model.insert(key, value)),
                            None => drop(model.remove(&key)),
                        }
                    }
                }
                Step::Maintain => drop(store.maintain().unwrap()),
                Step::Flush => store.flush().unwrap(),
            }
            prop_assert_eq!(&content(&store, 2), &model);
        }
        while store.maintain().unwrap() {}
        prop_assert_eq!(&content(&store, 1), &model);
    }
}

#[test]
fn runs_of_many_zones_are_merged_by_all_threads() {
    const ROWS: i64 = 300_000;
    let store = store(20_000);
    let built: Vec<Change> = (0..ROWS).map(|key| (key, Some(0))).collect();
    store.build(built.chunks(10_000).map(|part| rows(part, 1))).unwrap();
    let mut model: BTreeMap<i64, i64> = (0..ROWS).map(|key| (key, 0)).collect();
    for ts in 2..80_i64 {
        let changes: Vec<Change> =
            (0..500).map(|i| ((i * 7_919 + ts * 104_729) % ROWS, (i % 50 != 0).then_some(ts))).collect();
        store.apply(&rows(&changes, ts as u64)).unwrap();
        for (key, value) in &changes {
            match value {
                Some(value) => drop(model.insert(*key, *value)),
                None => drop(model.remove(key)),
            }
        }
        store.maintain().unwrap();
    }
    assert!(store.run_rows().len() > 2, "nothing to merge: {:?}", store.run_rows());
    assert_eq!(content(&store, 2), model);
}

#[test]
fn a_scan_goes_on_while_runs_are_written_and_merged() {
    let store = store(1_000);
    let built: Vec<Change> = (0..20_000).map(|key| (key, Some(0))).collect();
    store.build(std::iter::once(rows(&built, 1))).unwrap();
    std::thread::scope(|scope| {
        let store = &store;
        let writer = scope.spawn(move || {
            for ts in 2..200_u64 {
                let changes: Vec<Change> = (0..100).map(|i| (i * 199 % 20_000, Some(ts.cast_signed()))).collect();
                store.apply(&rows(&changes, ts)).unwrap();
            }
        });
        let maintainer = scope.spawn(move || {
            while !writer.is_finished() {
                store.maintain().unwrap();
            }
        });
        let mut newest = 0;
        while !maintainer.is_finished() {
            let content = content(store, 2);
            assert_eq!(content.len(), 20_000);
            let values: Vec<i64> = (0..100).map(|i| content[&(i * 199 % 20_000)]).collect();
            assert!(values.iter().all(|value| *value == values[0]), "part of a batch is visible");
            assert!(values[0] >= newest, "a batch was visible and is not any more");
            newest = values[0];
        }
    });
}
