//! Row filters, their bounds, and cancelling.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{AsArray, BooleanArray};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;

use super::harness::{TABLE, row_key, schema};
use crate::api::{CancelFlag, ScanRequest};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::{ErrorKind, Result};
use crate::file::MemoryStore;
use crate::predicate::{CompareOp, Predicate, RowFilter};
use crate::testing::{Model, ModelRow};
use crate::types::{KeyKind, StoredType, Timestamp, Value};

/// Keeps keys below a limit that others may lower.
#[derive(Debug)]
struct Below(AtomicI64);

impl RowFilter for Below {
    fn columns(&self) -> &[usize] {
        &[0]
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        let limit = self.0.load(Ordering::Relaxed);
        let keys = batch.column(0).as_primitive::<Int64Type>();
        Ok(keys.iter().map(|k| k.map(|k| k < limit)).collect())
    }

    fn bounds(&self) -> Option<Predicate> {
        let value = Value::Int(self.0.load(Ordering::Relaxed));
        Some(Predicate::Compare { column: 0, op: CompareOp::Lt, value })
    }
}

fn engine() -> Engine {
    let schema = schema(KeyKind::Int, &[StoredType::Int64, StoredType::Utf8]);
    let engine = Engine::open_with(Arc::new(MemoryStore::new()), Config::tiny()).unwrap();
    engine.put_table(schema.clone()).unwrap();
    let row = |k: u16| ModelRow { key: row_key(KeyKind::Int, k), commit_ts: 1, seed: Some(k.into()), columns_below: 2 };
    let rows: Vec<ModelRow> = (0..1000).map(row).collect();
    engine.apply(Model::batch(&schema, &rows).unwrap()).unwrap();
    engine.compact(TABLE, &CancelFlag::default()).unwrap();
    engine
}

#[test]
fn a_filter_that_grows_sharper_prunes_what_is_left() {
    let engine = engine();
    let filter = Arc::new(Below(AtomicI64::new(500)));
    let request = ScanRequest { filters: vec![filter.clone()], batch_rows: 10, ..ScanRequest::all(vec![1]) };
    let scan = engine.snapshot(TABLE, Timestamp::MAX).unwrap().scan(request).unwrap();
    let total = scan.metrics().zones_total;
    let pruned = scan.metrics().zones_pruned;
    assert!(0 < pruned && pruned < total, "keys reach from -100 to 899");
    let mut worker = scan.worker();
    let mut rows = worker.next_batch().unwrap().unwrap().num_rows();
    filter.0.store(-1000, Ordering::Relaxed);
    while let Some(batch) = worker.next_batch().unwrap() {
        rows += batch.num_rows();
    }
    assert!(rows <= 40, "only the first zone was read: {rows}");
    assert_eq!(scan.metrics().zones_pruned, total - 1);
}

#[test]
fn a_cancelled_scan_stops() {
    let engine = engine();
    let request = ScanRequest { batch_rows: 10, ..ScanRequest::all(vec![1]) };
    let cancel = request.cancel.clone();
    let snapshot = engine.snapshot(TABLE, Timestamp::MAX).unwrap();
    let mut ordered = snapshot.scan_ordered(request.clone()).unwrap();
    let mut worker = snapshot.scan(request).unwrap().worker();
    assert!(worker.next_batch().unwrap().is_some() && ordered.next().is_some());
    cancel.cancel();
    let error = loop {
        match worker.next_batch() {
            Ok(batch) => assert!(batch.is_some(), "the scan came to its end"),
            Err(e) => break e,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(ordered.next().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(ordered.next().is_none());
}

#[test]
fn columns_that_are_not_there_are_refused() {
    let snapshot = engine().snapshot(TABLE, Timestamp::MAX).unwrap();
    assert_eq!(snapshot.scan(ScanRequest::all(vec![2])).unwrap_err().kind(), ErrorKind::Invalid);
    let wrong = Predicate::Compare { column: 0, op: CompareOp::Eq, value: Value::Float(1.0) };
    let request = ScanRequest { predicates: vec![wrong], ..ScanRequest::all(vec![0]) };
    assert_eq!(snapshot.scan(request).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(snapshot.get(&row_key(KeyKind::Bytes, 1), &[0]).unwrap_err().kind(), ErrorKind::Invalid);
}
