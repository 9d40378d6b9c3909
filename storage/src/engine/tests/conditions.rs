//! Conditions of every kind, together: in whatever order the scan takes them, over packs with
//! dictionaries and over the delta, it keeps the rows that each keeps by itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringViewArray, UInt64Array};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;

use super::harness::{TABLE, schema};
use crate::api::{CancelFlag, ScanRequest, TableBatch};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::Result;
use crate::file::MemoryStore;
use crate::predicate::{CompareOp, Predicate, RowFilter};
use crate::types::{KeyArray, KeyKind, KeyRange, RowKey, StoredType, Timestamp, Value};

const ROWS: i64 = 40_000;

/// Keeps text with this ending; NULL stays NULL.
#[derive(Debug)]
struct EndsWith(&'static str);

impl RowFilter for EndsWith {
    fn columns(&self) -> &[usize] {
        &[1]
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        Ok(batch.column(0).as_string_view().iter().map(|v| v.map(|v| v.ends_with(self.0))).collect())
    }
}

/// Keeps rows whose text is NULL, or whose number is odd.
#[derive(Debug)]
struct NullOrOdd;

impl RowFilter for NullOrOdd {
    fn columns(&self) -> &[usize] {
        &[1, 3]
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        let (text, number) = (batch.column(0), batch.column(1).as_primitive::<Int64Type>());
        Ok((0..batch.num_rows()).map(|i| Some(text.is_null(i) || number.value(i) % 2 == 1)).collect())
    }
}

/// Must never be asked.
#[derive(Debug)]
struct Idle;

impl RowFilter for Idle {
    fn columns(&self) -> &[usize] {
        &[2]
    }

    fn evaluate(&self, _: &RecordBatch) -> Result<BooleanArray> {
        panic!("an idle filter was evaluated")
    }

    fn is_active(&self) -> bool {
        false
    }
}

/// Few different texts, some NULL; texts of their own; numbers.
fn batch(keys: impl Iterator<Item = i64>, ts: u64) -> TableBatch {
    let keys: Vec<i64> = keys.collect();
    let few = keys.iter().map(|k| (k % 11 != 3).then(|| format!("a text of kind {}", (k + ts as i64) % 7)));
    let own = keys.iter().map(|k| Some(format!("{k:>20}")));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(keys.clone())),
        Arc::new(few.collect::<StringViewArray>()),
        Arc::new(own.collect::<StringViewArray>()),
        Arc::new(keys.iter().map(|k| Some(k * 7919 % 1000)).collect::<Int64Array>()),
    ];
    TableBatch {
        table: TABLE,
        schema_version: 1,
        commit_ts: UInt64Array::from_value(ts, keys.len()),
        deleted: BooleanArray::from(keys.iter().map(|k| ts > 1 && k % 29 == 0).collect::<Vec<_>>()),
        columns,
        keys: KeyArray::Int(keys.into()),
    }
}

fn engine() -> Engine {
    let types = [StoredType::Int64, StoredType::Utf8, StoredType::Utf8, StoredType::Int64];
    let engine = Engine::open_with(Arc::new(MemoryStore::new()), Config::default()).unwrap();
    engine.put_table(schema(KeyKind::Int, &types)).unwrap();
    engine.apply(batch(0..ROWS, 1)).unwrap();
    engine.compact(TABLE, &CancelFlag::default()).unwrap();
    engine.apply(batch((0..ROWS).step_by(13), 2)).unwrap();
    engine
}

/// Keys of the rows that the scan returns, each with its columns as they should be.
fn keys_of(engine: &Engine, request: ScanRequest) -> BTreeSet<i64> {
    let request = ScanRequest { projection: vec![3, 0, 2], ..request };
    let mut worker = engine.snapshot(TABLE, Timestamp::MAX).unwrap().scan(request).unwrap().worker();
    let mut keys = BTreeSet::new();
    while let Some(batch) = worker.next_batch().unwrap() {
        let number = batch.column(0).as_primitive::<Int64Type>();
        let key = batch.column(1).as_primitive::<Int64Type>();
        let own = batch.column(2).as_string_view();
        for i in 0..batch.num_rows() {
            let k = key.value(i);
            assert_eq!((number.value(i), own.value(i)), (k * 7919 % 1000, format!("{k:>20}").as_str()));
            assert!(keys.insert(k), "key {k} twice");
        }
    }
    keys
}

#[test]
fn conditions_together_keep_what_each_keeps_alone() {
    let engine = engine();
    let text = |i: i64| Value::Bytes(format!("a text of kind {i}").into_bytes().into());
    let predicates = [
        Predicate::In { column: 1, values: vec![text(1), text(4)] },
        Predicate::Compare { column: 1, op: CompareOp::NotEq, value: text(1) },
        Predicate::IsNull { column: 1 },
        Predicate::Not(Box::new(Predicate::IsNull { column: 1 })),
        Predicate::Compare { column: 3, op: CompareOp::Lt, value: Value::Int(20) },
        Predicate::Compare { column: 3, op: CompareOp::Lt, value: Value::Int(900) },
    ];
    let filters: [Arc<dyn RowFilter>; 2] = [Arc::new(EndsWith(" 4")), Arc::new(NullOrOdd)];
    let ranges = [KeyRange::ALL, KeyRange { start: Some(RowKey::Int(5000)), end: Some(RowKey::Int(20_123)) }];
    for key_range in ranges {
        let request = || ScanRequest { key_range: key_range.clone(), ..ScanRequest::all(Vec::new()) };
        let alone: Vec<BTreeSet<i64>> = predicates
            .iter()
            .map(|p| keys_of(&engine, ScanRequest { predicates: vec![p.clone()], ..request() }))
            .chain(filters.iter().map(|f| keys_of(&engine, ScanRequest { filters: vec![f.clone()], ..request() })))
            .collect();
        let all = keys_of(&engine, request());
        assert!(alone.iter().all(|some| !some.is_empty() && some.len() < all.len()));
        for mask in 1_usize..1 << alone.len() {
            let chosen = |i: usize| mask >> i & 1 == 1;
            let mut filters: Vec<_> =
                (0..filters.len()).filter(|i| chosen(predicates.len() + i)).map(|i| filters[i].clone()).collect();
            filters.push(Arc::new(Idle));
            let predicates = (0..predicates.len()).filter(|i| chosen(*i)).map(|i| predicates[i].clone()).collect();
            let expected = (0..alone.len())
                .filter(|i| chosen(*i))
                .fold(all.clone(), |kept, i| kept.intersection(&alone[i]).copied().collect());
            assert_eq!(keys_of(&engine, ScanRequest { predicates, filters, ..request() }), expected, "{mask:b}");
        }
    }
}
