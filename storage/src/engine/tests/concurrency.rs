//! Readers, one writer and maintenance at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::harness::{TABLE, row_key, schema};
use crate::api::{CancelFlag, ScanRequest};
use crate::config::Config;
use crate::engine::Engine;
use crate::file::MemoryStore;
use crate::testing::{Model, ModelRow, cell_at};
use crate::types::{KeyKind, StoredType, Timestamp, Value};

const KEYS: u16 = 200;

/// Each transaction rewrites some keys with its own number, all in a way that keeps the sum of the
/// second column the same: a reader that saw part of one would see another sum.
fn transaction(ts: u64) -> Vec<ModelRow> {
    let first = (ts * 37 % u64::from(KEYS)) as u16;
    let second = (ts * 37 + 1 + ts % 98) as u16 % KEYS;
    let row = |key: u16, seed: i64| ModelRow {
        key: row_key(KeyKind::Int, key),
        commit_ts: ts,
        seed: Some(seed),
        columns_below: 2,
    };
    let amount = (ts % 1000) as i64 * 7;
    if first == second { vec![] } else { vec![row(first, amount), row(second, -amount)] }
}

#[test]
fn no_partial_transaction_visible() {
    let schema = schema(KeyKind::Int, &[StoredType::Int64, StoredType::Int64]);
    let engine = Engine::open_with(Arc::new(MemoryStore::new()), Config::tiny()).unwrap();
    engine.put_table(schema.clone()).unwrap();
    let mut pairs = std::collections::BTreeMap::new();
    let start: Vec<ModelRow> = (0..KEYS)
        .map(|k| ModelRow { key: row_key(KeyKind::Int, k), commit_ts: 1, seed: Some(0), columns_below: 2 })
        .collect();
    pairs.extend(start.iter().map(|row| (row.key.clone(), 0i64)));
    engine.apply(Model::batch(&schema, &start).unwrap()).unwrap();

    let applied = AtomicU64::new(1);
    let stop = AtomicBool::new(false);
    // The expected sum after each transaction, from replaying them in order.
    let mut sums = vec![0, i64::from(KEYS)];
    for ts in 2..3000u64 {
        for row in transaction(ts) {
            pairs.insert(row.key, row.seed.unwrap());
        }
        sums.push(pairs.values().filter(|s| (*s + 1).rem_euclid(7) != 6).map(|s| s + 1).sum());
    }
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let ts = applied.load(Ordering::SeqCst);
                    let snapshot = engine.snapshot(TABLE, Timestamp(ts)).unwrap();
                    let expected = sums[ts as usize];
                    for _ in 0..2 {
                        let mut sum = 0;
                        let mut rows = 0;
                        let mut worker = snapshot.scan(ScanRequest::all(vec![1])).unwrap().worker();
                        while let Some(batch) = worker.next_batch().unwrap() {
                            rows += batch.num_rows();
                            for row in 0..batch.num_rows() {
                                if let Value::Int(v) = cell_at(batch.column(0), row).unwrap() {
                                    sum += v;
                                }
                            }
                        }
                        assert_eq!((rows, sum), (usize::from(KEYS), expected), "at {ts}");
                    }
                }
            });
        }
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                engine.set_safe_point(Timestamp(applied.load(Ordering::SeqCst).saturating_sub(40)));
                assert_eq!(engine.stats(TABLE).unwrap().rows, u64::from(KEYS));
                engine.maintain().unwrap();
                engine.compact(TABLE, &CancelFlag::default()).unwrap();
                engine.flush().unwrap();
            }
        });
        for ts in 2..3000 {
            let rows = transaction(ts);
            if !rows.is_empty() {
                engine.apply(Model::batch(&schema, &rows).unwrap()).unwrap();
            }
            applied.store(ts, Ordering::SeqCst);
        }
        stop.store(true, Ordering::Relaxed);
    });
}
