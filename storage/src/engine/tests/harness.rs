//! An engine, a model, and the log that feeds both.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::api::{ReplayPosition, ScanRequest};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::Result;
use crate::file::{FileStore, FileWriter, MemoryStore};
use crate::predicate::{CompareOp, Predicate};
use crate::scan::Snapshot;
pub(super) use crate::testing::schema;
use crate::testing::{Model, ModelRow, cell_at, column, key_array};
use crate::types::{KeyKind, KeyRange, RowKey, StoredType, TableId, TableSchema, Timestamp, Value};

pub(super) const TABLE: TableId = TableId(1);

pub(super) const ALL_TYPES: [StoredType; 18] = [
    StoredType::Int64,
    StoredType::Utf8,
    StoredType::Int8,
    StoredType::Int16,
    StoredType::Int32,
    StoredType::UInt8,
    StoredType::UInt16,
    StoredType::UInt32,
    StoredType::UInt64,
    StoredType::Float32,
    StoredType::Float64,
    StoredType::Decimal128(12, 2),
    StoredType::Decimal256(40, 3),
    StoredType::Date32,
    StoredType::TimestampMicros,
    StoredType::TimestampMicrosUtc,
    StoredType::DurationMicros,
    StoredType::Binary,
];

pub(super) fn row_key(kind: KeyKind, n: u16) -> RowKey {
    match kind {
        KeyKind::Int => RowKey::Int(i64::from(n) - 100),
        KeyKind::Bytes => RowKey::Bytes(format!("{}k{n}", n % 3).into_bytes().into()),
    }
}

/// Visible rows, sorted by key.
pub(super) type Rows = Vec<(RowKey, Vec<Value>)>;

/// A store in memory that calls back when a file is begun: in the middle of a flush or a merge.
#[derive(Clone, Default)]
pub(super) struct Store {
    files: MemoryStore,
    hook: Arc<Mutex<Option<Hook>>>,
}

type Hook = Box<dyn FnOnce() + Send>;

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.files.fmt(f)
    }
}

impl FileStore for Store {
    fn create(&self, name: &str) -> Result<Box<dyn FileWriter>> {
        let hook = self.hook.lock().take();
        hook.into_iter().for_each(|hook| hook());
        self.files.create(name)
    }
    fn open(&self, name: &str) -> Result<Bytes> {
        self.files.open(name)
    }
    fn replace(&self, name: &str, contents: &[u8]) -> Result<()> {
        self.files.replace(name, contents)
    }
    fn list(&self) -> Result<Vec<String>> {
        self.files.list()
    }
    fn remove(&self, name: &str) -> Result<()> {
        self.files.remove(name)
    }
    fn sync_dir(&self) -> Result<()> {
        self.files.sync_dir()
    }
    fn path(&self, name: &str) -> PathBuf {
        self.files.path(name)
    }
}

pub(super) struct Harness {
    pub(super) store: Store,
    config: Config,
    pub(super) engine: Engine,
    pub(super) model: Model,
    pub(super) schema: TableSchema,
    /// What the feeder holds: entry i is position i + 1.
    log: Vec<Vec<ModelRow>>,
    pub(super) now: u64,
    pub(super) safe_point: u64,
    /// Columns up to here have existed.
    next_column: u32,
    held: Vec<(Snapshot, Rows)>,
}

impl Harness {
    pub(super) fn new(schema: TableSchema) -> Self {
        Self::with_config(schema, Config::tiny())
    }

    pub(super) fn with_config(schema: TableSchema, config: Config) -> Self {
        let store = Store::default();
        let engine = Engine::open_with(Arc::new(store.clone()), config.clone()).unwrap();
        engine.put_table(schema.clone()).unwrap();
        let model = Model::default();
        let next_column = schema.columns.len() as u32;
        Self {
            store,
            config,
            engine,
            model,
            schema,
            log: Vec::new(),
            now: 0,
            safe_point: 0,
            next_column,
            held: Vec::new(),
        }
    }

    /// Does `work`, and applies the transactions when it begins to write its first file (or after it,
    /// if it writes none).
    pub(super) fn apply_during(&mut self, transactions: &[Vec<(u16, Option<i64>)>], work: impl FnOnce(&Engine)) {
        let rows = self.commit(transactions);
        let (engine, batch) = (self.engine.clone(), Model::batch(&self.schema, &rows).unwrap());
        let hook = move || assert_eq!(engine.apply(batch).unwrap().replayed, 0);
        *self.store.hook.lock() = Some(Box::new(hook));
        work(&self.engine);
        let hook = self.store.hook.lock().take();
        hook.into_iter().for_each(|hook| hook());
        self.log.push(rows);
        self.advance(self.log.len());
    }

    fn commit(&mut self, transactions: &[Vec<(u16, Option<i64>)>]) -> Vec<ModelRow> {
        let mut rows = Vec::new();
        for transaction in transactions {
            self.now += 1;
            let changes: BTreeMap<u16, Option<i64>> = transaction.iter().copied().collect();
            rows.extend(changes.into_iter().map(|(key, seed)| ModelRow {
                key: row_key(self.schema.key, key),
                commit_ts: self.now,
                seed,
                columns_below: self.next_column,
            }));
        }
        rows.iter().for_each(|row| self.model.put(row));
        rows
    }

    /// Commits transactions, each a list of (key, seed), as one batch and one log entry.
    pub(super) fn apply(&mut self, transactions: &[Vec<(u16, Option<i64>)>]) {
        let rows = self.commit(transactions);
        let stats = self.engine.apply(Model::batch(&self.schema, &rows).unwrap()).unwrap();
        assert_eq!((stats.applied, stats.replayed), (rows.len(), 0));
        self.log.push(rows);
        self.advance(self.log.len());
    }

    fn advance(&self, position: usize) {
        self.engine.advance(ReplayPosition(position.to_string().into_bytes().into()));
    }

    pub(super) fn set_safe_point(&mut self, ts: u64) {
        self.safe_point = self.safe_point.max(ts.min(self.now));
        self.engine.set_safe_point(Timestamp(self.safe_point));
    }

    /// Closes without a flush, opens again, and feeds the log from the replay position on; `extra`
    /// entries before it are fed once more.
    pub(super) fn reopen(&mut self, extra: usize) {
        self.held.clear();
        self.engine = Engine::open_with(Arc::new(self.store.clone()), self.config.clone()).unwrap();
        self.feed(extra);
    }

    pub(super) fn feed(&mut self, extra: usize) {
        assert!(self.engine.damaged_tables().is_empty());
        self.engine.put_table(self.schema.clone()).unwrap();
        self.engine.set_safe_point(Timestamp(self.safe_point));
        let position = self.engine.replay_position();
        let from: usize = position.map_or(0, |p| std::str::from_utf8(&p.0).unwrap().parse().unwrap());
        for at in from..self.log.len() {
            self.engine.apply(Model::batch(&self.schema, &self.log[at]).unwrap()).unwrap();
            self.advance(at + 1);
        }
        // Whatever is fed once more from after the position changes nothing.
        for at in from..self.log.len().min(from + extra) {
            let stats = self.engine.apply(Model::batch(&self.schema, &self.log[at]).unwrap()).unwrap();
            assert_eq!(stats.applied, 0, "a replayed entry was applied twice");
        }
    }

    pub(super) fn hold(&mut self, ts: u64) {
        let ts = Timestamp(ts.max(self.safe_point));
        let expected = self.expected(&self.schema, ts);
        self.held.push((self.engine.snapshot(TABLE, ts).unwrap(), expected));
    }

    /// Does all background work that is due.
    pub(super) fn settle(&self) {
        for _ in 0..100 {
            if self.engine.maintain().unwrap().is_none() {
                return;
            }
        }
        panic!("background work does not come to an end");
    }

    pub(super) fn release(&mut self) {
        if !self.held.is_empty() {
            self.held.remove(0);
        }
    }

    /// Adds a column with a default.
    pub(super) fn add_column(&mut self, data_type: StoredType, default: Value) {
        let mut added = column(self.next_column, data_type);
        added.default = default;
        self.next_column += 1;
        self.schema.columns.push(added);
        self.put_schema();
    }

    /// Drops the last column but keeps two.
    pub(super) fn drop_column(&mut self) {
        if self.schema.columns.len() > 2 {
            self.schema.columns.pop();
        }
        self.put_schema();
    }

    fn put_schema(&mut self) {
        self.schema.version += 1;
        self.engine.put_table(self.schema.clone()).unwrap();
    }

    pub(super) fn expected(&self, schema: &TableSchema, ts: Timestamp) -> Rows {
        self.model.visible(ts).into_iter().map(|row| (row.key.clone(), row.cells(schema))).collect()
    }

    /// Compares every way of reading with the model.
    pub(super) fn check(&self) {
        for (snapshot, expected) in &self.held {
            check_rows(snapshot, expected);
        }
        let mut times = vec![self.safe_point, (self.safe_point + self.now) / 2, self.now, u64::MAX];
        times.dedup();
        for ts in times {
            let snapshot = self.engine.snapshot(TABLE, Timestamp(ts)).unwrap();
            let expected = self.expected(&self.schema, Timestamp(ts));
            check_rows(&snapshot, &expected);
            check_range(&snapshot, &expected);
            check_predicate(&snapshot, &expected);
            check_excluded(&snapshot, &expected, self.schema.key);
            check_statistics(&snapshot, &expected);
            for key in (0..250).step_by(7).map(|n| row_key(self.schema.key, n)) {
                let found = expected.iter().find(|(k, _)| *k == key).map(|(_, cells)| cells.clone());
                let projection: Vec<usize> = (0..self.schema.columns.len()).collect();
                let got = snapshot.get(&key, &projection).unwrap();
                assert_eq!(got.map(|b| cells(&b, 0)), found, "get {key:?} at {ts}");
            }
        }
    }
}

fn cells(batch: &RecordBatch, row: usize) -> Vec<Value> {
    batch.columns().iter().map(|c| cell_at(c, row).unwrap()).collect()
}

fn read_ordered(snapshot: &Snapshot, request: ScanRequest) -> Rows {
    let mut rows = Vec::new();
    for next in snapshot.scan_ordered(request).unwrap() {
        let (keys, batch) = next.unwrap();
        assert_eq!(keys.len(), batch.num_rows());
        rows.extend((0..keys.len()).map(|row| (keys.get(row).to_owned(), cells(&batch, row))));
    }
    rows
}

/// Read by three workers in turn.
fn read(snapshot: &Snapshot, request: ScanRequest) -> Vec<Vec<Value>> {
    let limit = request.batch_rows;
    let scan = snapshot.scan(request).unwrap();
    let mut workers: Vec<_> = (0..3).map(|_| scan.worker()).collect();
    let mut rows = Vec::new();
    while !workers.is_empty() {
        workers.retain_mut(|worker| match worker.next_batch().unwrap() {
            Some(batch) => {
                assert!(batch.num_rows() > 0 && batch.num_rows() <= limit);
                rows.extend((0..batch.num_rows()).map(|row| cells(&batch, row)));
                true
            }
            None => false,
        });
    }
    assert_eq!(scan.metrics().rows_returned, rows.len() as u64);
    sorted(rows)
}

fn sorted(mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    rows.sort_by(|a, b| {
        let order = a.iter().zip(b).map(|(x, y)| x.compare(y).unwrap());
        order.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    rows
}

pub(super) fn check_rows(snapshot: &Snapshot, expected: &Rows) {
    let all: Vec<usize> = (0..snapshot.schema().columns.len()).collect();
    assert_eq!(read_ordered(snapshot, ScanRequest::all(all.clone())), *expected, "ordered at {}", snapshot.timestamp());
    let request = ScanRequest { batch_rows: 64, ..ScanRequest::all(all) };
    assert_eq!(read(snapshot, request), sorted(expected.iter().map(|(_, c)| c.clone()).collect()));
    assert_eq!(read(snapshot, ScanRequest::all(vec![])).len(), expected.len(), "count");
}

pub(super) fn check_range(snapshot: &Snapshot, expected: &Rows) {
    let kind = snapshot.schema().key;
    let (mut start, mut end) = (row_key(kind, 60), row_key(kind, 130));
    if start > end {
        std::mem::swap(&mut start, &mut end);
    }
    let range = KeyRange { start: Some(start), end: Some(end) };
    let inside: Rows = expected.iter().filter(|(k, _)| range.contains(k.as_ref())).cloned().collect();
    let request = ScanRequest { key_range: range, ..ScanRequest::all((0..snapshot.schema().columns.len()).collect()) };
    assert_eq!(read_ordered(snapshot, request.clone()), inside);
    assert_eq!(read(snapshot, request), sorted(inside.into_iter().map(|(_, c)| c).collect()));
}

pub(super) fn check_predicate(snapshot: &Snapshot, expected: &Rows) {
    let last = snapshot.schema().columns.len() - 1;
    let column = snapshot.schema().columns.iter().position(|c| c.data_type == StoredType::Int64).unwrap_or(last);
    let Some(value) = expected.iter().map(|(_, c)| c[column].clone()).find(|v| !v.is_null()) else { return };
    let predicate = Predicate::Compare { column, op: CompareOp::Lt, value: value.clone() };
    let matches = |cells: &Vec<Value>| !cells[column].is_null() && cells[column].compare(&value).unwrap().is_lt();
    let rows: Vec<_> = expected.iter().map(|(_, c)| c).filter(|c| matches(c)).map(|c| vec![c[0].clone()]).collect();
    let request = ScanRequest { predicates: vec![predicate], ..ScanRequest::all(vec![0]) };
    let estimate = snapshot.estimate(&request).unwrap();
    assert!(estimate.rows_kept >= rows.len() as u64 && estimate.zones_kept <= estimate.zones_total);
    assert_eq!(read(snapshot, request), sorted(rows));
}

fn check_excluded(snapshot: &Snapshot, expected: &Rows, kind: KeyKind) {
    let excluded: Vec<RowKey> = expected.iter().map(|(k, _)| k.clone()).step_by(3).collect();
    let rest: Vec<_> =
        expected.iter().filter(|(k, _)| !excluded.contains(k)).map(|(_, c)| vec![c[0].clone()]).collect();
    let request = ScanRequest { exclude: Some(key_array(kind, &excluded)), ..ScanRequest::all(vec![0]) };
    assert_eq!(read(snapshot, request), sorted(rest));
}

pub(super) fn check_statistics(snapshot: &Snapshot, expected: &Rows) {
    let statistics = snapshot.statistics().unwrap();
    if statistics.exact_rows {
        assert_eq!(statistics.rows, expected.len() as u64);
    }
    for (i, column) in statistics.columns.iter().enumerate() {
        let values: Vec<&Value> = expected.iter().map(|(_, c)| &c[i]).collect();
        let nulls = values.iter().filter(|v| v.is_null()).count() as u64;
        assert!(nulls <= column.null_count && (!column.exact || nulls == column.null_count));
        let values = values.into_iter().filter(|v| !v.is_null());
        let min = values.clone().min_by(|a, b| a.compare(b).unwrap());
        let max = values.max_by(|a, b| a.compare(b).unwrap());
        if let (Some(bound), Some(min)) = (&column.min, min) {
            assert!(bound.compare(min).unwrap().is_le());
        }
        if let (Some(bound), Some(max)) = (&column.max, max) {
            assert!(bound.compare(max).unwrap().is_ge());
        }
        if column.exact {
            assert_eq!((column.min.as_ref(), column.max.as_ref()), (min, max));
        }
    }
}
