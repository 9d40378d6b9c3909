//! Readers, one writer and maintenance at once.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use super::harness::{Rows, TABLE, check_predicate, check_range, check_rows, check_statistics, row_key, schema};
use crate::api::{CancelFlag, ReplayPosition, ScanRequest};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::Error;
use crate::file::MemoryStore;
use crate::scan::Snapshot;
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
    // A timestamp that is being opened must not fall behind the safe point meanwhile.
    let opening = std::sync::Mutex::new(());
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
                    let (ts, snapshot) = {
                        let _held = opening.lock().unwrap();
                        let ts = applied.load(Ordering::SeqCst);
                        (ts, engine.snapshot(TABLE, Timestamp(ts)).unwrap())
                    };
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
                {
                    let _held = opening.lock().unwrap();
                    engine.set_safe_point(Timestamp(applied.load(Ordering::SeqCst).saturating_sub(40)));
                }
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

/// Enough for several segments.
const MANY_KEYS: u64 = 600;

/// Some keys, each written or deleted.
fn random_transaction(ts: u64) -> Vec<ModelRow> {
    let number = |n: u64| (ts.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33;
    let keys: BTreeSet<u16> = (0..1 + number(0) % 12).map(|i| (number(i + 1) % MANY_KEYS) as u16).collect();
    let row = |key: u16| ModelRow {
        key: row_key(KeyKind::Int, key),
        commit_ts: ts,
        seed: (number(u64::from(key) + 99) % 4 > 0).then_some((ts * 31 + u64::from(key)) as i64),
        columns_below: 3,
    };
    keys.into_iter().map(row).collect()
}

/// Snapshots of the present and of the past show what the model says, and go on showing it, however
/// often the rows that they show are overwritten, flushed, merged, divided among segments and
/// collected meanwhile.
#[test]
fn snapshots_repeat_while_everything_moves() {
    const TRANSACTIONS: u64 = 1500;
    const HELD: usize = 4;
    let schema = schema(KeyKind::Int, &[StoredType::Int64, StoredType::Utf8, StoredType::Int64]);
    let mut model = Model::default();
    (1..=TRANSACTIONS).flat_map(random_transaction).for_each(|row| model.put(&row));
    let config = Config { background_threads: 2, ..Config::tiny() };
    let engine = Engine::open_with(Arc::new(MemoryStore::new()), config).unwrap();
    engine.put_table(schema.clone()).unwrap();

    let applied = AtomicU64::new(0);
    let safe_point = AtomicU64::new(0);
    let past_checks = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let (round_done, rounds) = channel();
    let read = |reader: u64| {
        let mut held: VecDeque<(Snapshot, Rows)> = VecDeque::new();
        for round in reader.. {
            let oldest = safe_point.load(Ordering::SeqCst);
            let newest = applied.load(Ordering::SeqCst);
            let ts = Timestamp(if round % 3 == 0 { oldest + (newest - oldest) / 2 } else { newest });
            match engine.snapshot(TABLE, ts) {
                Ok(snapshot) => {
                    let visible = model.visible(ts).into_iter();
                    held.push_back((snapshot, visible.map(|row| (row.key.clone(), row.cells(&schema))).collect()));
                }
                // The safe point may have moved beyond it meanwhile.
                Err(error) => assert!(matches!(error, Error::Invalid(_)), "{error}"),
            }
            for (snapshot, expected) in &held {
                check_rows(snapshot, expected);
                check_range(snapshot, expected);
                check_predicate(snapshot, expected);
                check_statistics(snapshot, expected);
                past_checks.fetch_add(u64::from(snapshot.timestamp().0 < newest), Ordering::Relaxed);
            }
            if held.len() == HELD {
                held.pop_front();
            }
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
    };
    thread::scope(|scope| {
        for reader in 0..2 {
            let read = &read;
            scope.spawn(move || read(reader));
        }
        let (engine, applied, safe_point, stop) = (&engine, &applied, &safe_point, &stop);
        scope.spawn(move || {
            for round in 0.. {
                let to = applied.load(Ordering::SeqCst).saturating_sub(60);
                safe_point.store(to, Ordering::SeqCst);
                engine.set_safe_point(Timestamp(to));
                while engine.maintain().unwrap().is_some() {}
                if round % 4 == 0 {
                    engine.compact(TABLE, &CancelFlag::default()).unwrap();
                }
                engine.flush().unwrap();
                if stop.load(Ordering::Relaxed) || round_done.send(()).is_err() {
                    return;
                }
            }
        });
        for ts in 1..=TRANSACTIONS {
            engine.apply(Model::batch(&schema, &random_transaction(ts)).unwrap()).unwrap();
            applied.store(ts, Ordering::SeqCst);
            engine.advance(ReplayPosition(ts.to_string().into_bytes().into()));
            if ts % 30 == 0 {
                // Not so fast that background work sees little of it. It fails if that has failed.
                let _ = rounds.recv();
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    let written = engine.write_stats();
    assert!(written.pack_rows > MANY_KEYS && written.chunk_rows > 0, "{written:?}");
    assert!(engine.stats(TABLE).unwrap().segments.len() > 1, "no segment was divided");
    assert!(past_checks.into_inner() > 0, "no snapshot was checked after its time");
}
