use std::collections::BTreeMap;

use bytes::Bytes;
use deltatree_storage::types::{ColumnId, RowKey, Value};
use proptest::prelude::*;

use super::*;
use crate::catalog::testing::{column, index, table};
use crate::catalog::{PrimaryKey, SqlType, TableInfo};
use crate::codec::{decode_index_entry, decode_row, decode_row_key, handle_of, index_prefix, prefix_end, row_range};

type Store = BTreeMap<Bytes, Bytes>;

fn int() -> SqlType {
    SqlType::Int { unsigned: false }
}

/// `t(a INT, b VARCHAR, c INT, PRIMARY KEY(a, b), UNIQUE u(c), KEY k(b))`.
fn info() -> TableInfo {
    let columns = vec![
        column(1, "a", int(), false),
        column(2, "b", SqlType::VarChar { length: 9 }, false),
        column(3, "c", int(), true),
    ];
    let mut info = table("t", columns, PrimaryKey::Columns { columns: vec![ColumnId(1), ColumnId(2)] });
    info.indexes = vec![index(1, "u", &[3], true), index(2, "k", &[2], false)];
    info
}

fn row(a: i64, b: &str, c: Option<i64>) -> Vec<Value> {
    vec![Value::Int(a), Value::Bytes(Bytes::copy_from_slice(b.as_bytes())), c.map_or(Value::Null, Value::Int)]
}

/// What a transaction does with the operations: all of them, or none and the key in the way.
fn run(store: &mut Store, ops: &[KeyOp]) -> Result<(), Bytes> {
    let mut next = store.clone();
    for op in ops {
        match op {
            KeyOp::Insert { key, .. } if next.contains_key(key) => return Err(key.clone()),
            KeyOp::Put { key, value } | KeyOp::Insert { key, value } => {
                next.insert(key.clone(), value.clone());
            }
            KeyOp::Delete { key } => {
                next.remove(key);
            }
        }
    }
    *store = next;
    Ok(())
}

fn in_range(store: &Store, (start, end): (Bytes, Bytes)) -> Vec<(Bytes, Bytes)> {
    store.range(start..end).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// Every index holds exactly one entry a row, which names it.
fn check_indexes(info: &TableInfo, store: &Store) -> usize {
    let rows: BTreeMap<RowKey, Vec<Value>> = in_range(store, row_range(info.id, &Default::default()))
        .into_iter()
        .map(|(key, value)| {
            let (_, key) = decode_row_key(&key, info.key_kind()).unwrap();
            let row = decode_row(info, &key, &value).unwrap();
            assert_eq!(handle_of(info, &row).unwrap(), key);
            (key, row)
        })
        .collect();
    for index in &info.indexes {
        let prefix = index_prefix(info.id, index.id);
        let entries = in_range(store, (prefix.clone(), prefix_end(&prefix)));
        assert_eq!(entries.len(), rows.len(), "index {}", index.name);
        for (key, value) in entries {
            let entry = decode_index_entry(info, index, &key, &value).unwrap();
            let row = &rows[&entry.handle];
            let expected: Vec<_> = index.columns.iter().map(|c| row[info.position_of(*c).unwrap()].clone()).collect();
            assert_eq!(entry.values, expected);
        }
    }
    rows.len()
}

#[derive(Clone, Debug)]
enum Change {
    Insert(Vec<Value>),
    Update(prop::sample::Index, Vec<Value>),
    Delete(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let row = || (0i64..4, "[ab]{0,2}", prop::option::of(0i64..6)).prop_map(|(a, b, c)| row(a, &b, c));
    prop_oneof![
        3 => row().prop_map(Change::Insert),
        3 => (any::<prop::sample::Index>(), row()).prop_map(|(i, r)| Change::Update(i, r)),
        1 => any::<prop::sample::Index>().prop_map(Change::Delete),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Against a list of rows with the two constraints checked by hand.
    #[test]
    fn indexes_follow_every_change_and_duplicates_are_found(changes in prop::collection::vec(change(), 1..40)) {
        let info = info();
        let writer = RowWriter::new(&info);
        let mut store = Store::new();
        let mut model: Vec<Vec<Value>> = Vec::new();
        let clashes = |model: &[Vec<Value>], new: &[Value], except: Option<usize>| {
            model.iter().enumerate().any(|(i, row)| {
                Some(i) != except && (row[..2] == new[..2] || (row[2] == new[2] && !new[2].is_null()))
            })
        };
        for change in changes {
            let mut ops = Vec::new();
            let key = |row: &[Value]| writer.key(row, None).unwrap();
            let (expected, next) = match change {
                Change::Insert(new) => {
                    writer.insert(&key(&new), &new, &mut ops).unwrap();
                    let mut next = model.clone();
                    let clash = clashes(&model, &new, None);
                    next.push(new);
                    (!clash, next)
                }
                Change::Update(at, _) | Change::Delete(at) if model.is_empty() => { let _ = at; continue }
                Change::Update(at, new) => {
                    let at = at.index(model.len());
                    writer.update(&key(&model[at]), &model[at], &key(&new), &new, &mut ops).unwrap();
                    let mut next = model.clone();
                    let clash = clashes(&model, &new, Some(at));
                    next[at] = new;
                    (!clash, next)
                }
                Change::Delete(at) => {
                    let at = at.index(model.len());
                    writer.delete(&key(&model[at]), &model[at], &mut ops).unwrap();
                    let mut next = model.clone();
                    next.remove(at);
                    (true, next)
                }
            };
            prop_assert_eq!(run(&mut store, &ops).is_ok(), expected);
            if expected {
                model = next;
            }
            prop_assert_eq!(check_indexes(&info, &store), model.len());
        }
    }
}

#[test]
fn an_update_touches_only_what_changes() {
    let info = info();
    let writer = RowWriter::new(&info);
    let (old, new) = (row(1, "x", Some(5)), row(1, "x", Some(6)));
    let key = writer.key(&old, None).unwrap();
    let mut ops = Vec::new();
    writer.update(&key, &old, &key, &old, &mut ops).unwrap();
    assert!(ops.is_empty());
    writer.update(&key, &old, &key, &new, &mut ops).unwrap();
    assert!(matches!(ops[..], [KeyOp::Delete { .. }, KeyOp::Put { .. }, KeyOp::Insert { .. }]), "{ops:?}");
}

#[test]
fn duplicates_are_told_as_mysql_tells_them() {
    let mut info = info();
    info.indexes.push(index(3, "d", &[4, 5, 6], true));
    info.columns.push(column(4, "d", SqlType::Decimal { precision: 9, scale: 2 }, true));
    info.columns.push(column(5, "e", SqlType::Date, true));
    info.columns.push(column(6, "f", SqlType::Time { fsp: 0 }, true));
    let writer = RowWriter::new(&info);
    let mut values = row(1, "a", Some(-7));
    values.extend([Value::Decimal(-5), Value::Int(19_000), Value::Int(-3_723_000_000)]);
    let mut ops = Vec::new();
    writer.insert(&writer.key(&values, None).unwrap(), &values, &mut ops).unwrap();
    let messages: Vec<_> = ops.iter().map(|op| duplicate_message(&info, op.key())).collect();
    assert_eq!(messages[0], "Duplicate entry '1-a' for key 't.PRIMARY'");
    assert_eq!(messages[1], "Duplicate entry '-7' for key 't.u'");
    assert_eq!(messages[3], "Duplicate entry '-0.05-2022-01-08--01:02:03' for key 't.d'");
    assert_eq!(duplicate_message(&info, b"noise"), "Duplicate entry '' for key 't.PRIMARY'");
}

#[test]
fn hidden_keys_are_the_callers() {
    let info = table("h", vec![column(1, "a", int(), true)], PrimaryKey::Hidden);
    let writer = RowWriter::new(&info);
    assert_eq!(writer.key(&[Value::Null], Some(9)).unwrap(), RowKey::Int(9));
    assert_eq!(writer.key(&[Value::Null], None).unwrap_err().to_string(), "the row has no key of table h");
    let keyed = table("k", vec![column(1, "a", int(), false)], PrimaryKey::Integer { column: ColumnId(1) });
    assert!(RowWriter::new(&keyed).key(&[Value::Null], Some(9)).is_err());
}

#[test]
fn batches_are_written_as_rows_are() {
    let mut info = info();
    info.indexes.remove(0);
    let writer = RowWriter::new(&info);
    let rows = [row(1, "x", None), row(2, "", Some(3))];
    let (mut one_by_one, mut arrow) = (Vec::new(), crate::codec::RowsToArrow::new(&info, &[0, 1, 2], 2));
    for row in &rows {
        writer.insert(&writer.key(row, None).unwrap(), row, &mut one_by_one).unwrap();
        let mut bytes = Vec::new();
        crate::codec::encode_row(&info, row, &mut bytes).unwrap();
        arrow.push(&bytes).unwrap();
    }
    let mut at_once = Vec::new();
    writer.insert_batch(&arrow.finish().unwrap(), 1, &mut at_once).unwrap();
    assert_eq!(at_once, one_by_one);
}
