use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use deltatree_storage::api::{ReplayPosition, ScanRequest, TableBatch};
use deltatree_storage::config::Config;
use deltatree_storage::engine::Engine;
use deltatree_storage::error::{Error as StorageError, Result as StorageResult};
use deltatree_storage::file::MemoryStore;
use deltatree_storage::pack::PackRows;
use deltatree_storage::types::{ColumnId, RowKey, TableId, TableSchema, Timestamp, Value};
use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::catalog::testing::{column, index, table};
use crate::catalog::{
    CatalogSnapshot, PrimaryKey, SqlType, TableInfo, alter_table, create_database, create_table, drop_table,
};
use crate::codec::{arrow_row, decode_row, decode_row_key, handle_of, row_range};
use crate::table_write::{KeyOp, RowWriter};

/// Versions of one table by (key, commit timestamp); `None` is a tombstone.
type Versions = BTreeMap<(RowKey, u64), Option<Vec<Value>>>;

/// An engine that keeps what it is told.
#[derive(Default)]
struct ModelSink {
    tables: Mutex<BTreeMap<TableId, (TableSchema, Versions)>>,
    batches: Mutex<usize>,
    damaged: Mutex<BTreeSet<TableId>>,
}

impl ColumnarSink for ModelSink {
    fn tables(&self) -> Vec<TableId> {
        self.tables.lock().keys().copied().collect()
    }

    fn put_table(&self, schema: TableSchema) -> StorageResult<()> {
        let mut tables = self.tables.lock();
        let entry = tables.entry(schema.table).or_insert_with(|| (schema.clone(), Versions::new()));
        assert!(schema.version >= entry.0.version, "a schema is never taken back");
        entry.0 = schema;
        Ok(())
    }

    fn drop_table(&self, table: TableId) -> StorageResult<()> {
        self.tables.lock().remove(&table);
        Ok(())
    }

    fn apply(&self, batch: TableBatch) -> StorageResult<()> {
        *self.batches.lock() += 1;
        if self.damaged.lock().contains(&batch.table) {
            return Err(StorageError::corrupt("pack", None, "for the test"));
        }
        let mut tables = self.tables.lock();
        let (schema, versions) = tables.get_mut(&batch.table).unwrap();
        assert_eq!(schema.version, batch.schema_version);
        assert!(batch.commit_ts.values().windows(2).all(|w| w[0] <= w[1]), "in commit order");
        for (i, column) in schema.columns.iter().enumerate() {
            assert_eq!(batch.columns[i].data_type(), &column.data_type.arrow());
        }
        for row in 0..batch.keys.len() {
            let values = (!batch.deleted.value(row)).then(|| arrow_row(&batch.columns, row).unwrap());
            versions.insert((batch.keys.get(row).to_owned(), batch.commit_ts.value(row)), values);
        }
        Ok(())
    }

    fn bulk_build(
        &self,
        schema: TableSchema,
        _at: Timestamp,
        packs: &mut dyn Iterator<Item = StorageResult<PackRows>>,
    ) -> StorageResult<()> {
        let mut versions = Versions::new();
        for pack in packs {
            let pack = pack?;
            for row in 0..pack.keys.len() {
                let values = arrow_row(&pack.columns, row).unwrap();
                let key = (pack.keys.get(row).to_owned(), pack.commit_ts.value(row));
                assert!(versions.last_key_value().is_none_or(|(last, _)| last.0 < key.0), "in key order");
                versions.insert(key, Some(values));
            }
        }
        self.damaged.lock().remove(&schema.table);
        self.tables.lock().insert(schema.table, (schema, versions));
        Ok(())
    }
}

impl ModelSink {
    /// The newest version of every row, without tombstones. Columns are only ever added at the end.
    fn visible(&self, table: TableId) -> BTreeMap<RowKey, Vec<Value>> {
        let mut visible = BTreeMap::new();
        let (schema, versions) = &self.tables.lock()[&table];
        for ((key, _), row) in versions {
            match row {
                Some(row) => {
                    let added = schema.columns[row.len()..].iter().map(|c| c.default.clone());
                    visible.insert(key.clone(), row.iter().cloned().chain(added).collect())
                }
                None => visible.remove(key),
            };
        }
        visible
    }
}

/// Values of one key by commit timestamp, ascending; `None` where it was deleted.
type History = Vec<(u64, Option<Bytes>)>;

/// A row store: every version of every key.
#[derive(Default)]
struct ModelRows {
    versions: Mutex<BTreeMap<Bytes, History>>,
    /// Nothing older can be read.
    safe_point: Mutex<u64>,
}

impl ModelRows {
    fn commit(&self, ts: u64, ops: &[KeyOp]) {
        let mut versions = self.versions.lock();
        for op in ops {
            versions.entry(op.key().clone()).or_default().push((ts, op.value().cloned()));
        }
    }

    fn at(&self, ts: u64) -> Vec<RowVersion> {
        let newest = |v: &History| v.iter().rev().find(|(t, _)| *t <= ts).cloned();
        let versions = self.versions.lock();
        let live = versions.iter().filter_map(|(key, v)| {
            let (commit_ts, value) = newest(v)?;
            Some(RowVersion { key: key.clone(), value: value?, commit_ts: Timestamp(commit_ts) })
        });
        live.collect()
    }

    /// The rows of a table, decoded under its newest definition.
    fn visible(&self, info: &TableInfo) -> BTreeMap<RowKey, Vec<Value>> {
        let (start, end) = row_range(info.id, &Default::default());
        let rows = self.at(u64::MAX).into_iter().filter(|r| start <= r.key && r.key < end);
        rows.map(|r| {
            let (_, key) = decode_row_key(&r.key, info.key_kind()).unwrap();
            (key.clone(), decode_row(info, &key, &r.value).unwrap())
        })
        .collect()
    }
}

impl RowSource for ModelRows {
    fn rows_at<'a>(
        &'a self,
        table: TableId,
        at: Timestamp,
    ) -> Result<Box<dyn Iterator<Item = Result<RowVersion, ApplyError>> + 'a>, ApplyError> {
        let safe_point = *self.safe_point.lock();
        if at.0 < safe_point {
            return Err(ApplyError::RowsGone { ts: at.0, safe_point });
        }
        let (start, end) = row_range(table, &Default::default());
        Ok(Box::new(self.at(at.0).into_iter().filter(move |r| start <= r.key && r.key < end).map(Ok)))
    }
}

/// A leader: makes commits, keeps the row store and the log.
struct Leader {
    rows: Arc<ModelRows>,
    catalog: CatalogSnapshot,
    log: Vec<(u64, Vec<KeyOp>)>,
}

impl Leader {
    fn new() -> Self {
        let mut leader =
            Self { rows: Arc::new(ModelRows::default()), catalog: CatalogSnapshot::default(), log: Vec::new() };
        let (_, ops) = create_database(&leader.catalog, "test").unwrap();
        leader.commit(ops);
        leader
    }

    fn commit(&mut self, ops: Vec<KeyOp>) {
        let ts = 10 * (self.log.len() as u64 + 1);
        self.rows.commit(ts, &ops);
        if let Some(catalog) = self.catalog.apply(pairs(&ops).map(|(k, v)| (&k[..], v.map(|v| &v[..])))).unwrap() {
            self.catalog = catalog;
        }
        self.log.push((ts, ops));
    }

    fn create(&mut self, name: &str, columnar: bool) -> TableId {
        let columns = vec![
            column(1, "id", SqlType::Int { unsigned: true }, false),
            column(2, "v", SqlType::VarChar { length: 20 }, true),
        ];
        let mut info = table(name, columns, PrimaryKey::Integer { column: ColumnId(1) });
        info.columnar = columnar;
        info.indexes = vec![index(1, "i", &[2], false)];
        info.next_index_id = 2;
        let (info, ops) = create_table(&self.catalog, info).unwrap();
        self.commit(ops);
        info.id
    }

    fn alter(&mut self, table: TableId, change: impl FnOnce(&mut TableInfo)) {
        let mut info = (**self.catalog.table_by_id(table).unwrap()).clone();
        change(&mut info);
        let (_, ops) = alter_table(&self.catalog, info).unwrap();
        self.commit(ops);
    }

    fn write(&mut self, changes: &[(TableId, u64, Option<String>)]) {
        let mut ops = Vec::new();
        for (table, id, text) in changes {
            let info = self.catalog.table_by_id(*table).unwrap();
            let writer = RowWriter::new(info);
            let mut new = vec![Value::UInt(*id), Value::Bytes(Bytes::from(text.clone().unwrap_or_default()))];
            new.resize(info.columns.len(), Value::Int(1));
            let key = writer.key(&new, None).unwrap();
            match (self.rows.visible(info).get(&key), text) {
                (None, Some(_)) => writer.insert(&key, &new, &mut ops).unwrap(),
                (Some(old), Some(_)) => writer.update(&key, old, &key, &new, &mut ops).unwrap(),
                (Some(old), None) => writer.delete(&key, old, &mut ops).unwrap(),
                (None, None) => {}
            }
        }
        self.commit(ops);
    }

    fn applier(&self, sink: &Arc<ModelSink>, catalog: CatalogSnapshot) -> ColumnarApplier {
        let at = self.log.last().map_or(Timestamp::ZERO, |(ts, _)| Timestamp(*ts));
        ColumnarApplier::new(sink.clone(), self.rows.clone(), Arc::new(catalog), at).unwrap()
    }

    fn check(&self, sink: &ModelSink) {
        let columnar: Vec<_> = self.catalog.tables().filter(|t| t.columnar).map(|t| t.id).collect();
        assert_eq!(sink.tables(), columnar);
        for table in columnar {
            assert_eq!(sink.visible(table), self.rows.visible(self.catalog.table_by_id(table).unwrap()));
        }
    }
}

fn pairs(ops: &[KeyOp]) -> impl Iterator<Item = (&Bytes, Option<&Bytes>)> + Clone {
    ops.iter().map(|op| (op.key(), op.value()))
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<(prop::sample::Index, u64, Option<String>)>),
    Create(bool),
    AddColumn(prop::sample::Index),
    Columnar(prop::sample::Index, bool),
    Drop(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let change = (any::<prop::sample::Index>(), 0u64..6, prop::option::weighted(0.7, "[a-z]{0,15}"));
    prop_oneof![
        12 => prop::collection::vec(change, 1..5).prop_map(|mut changes| {
            changes.sort_by_key(|c| c.1);
            changes.dedup_by_key(|c| c.1);
            Step::Write(changes)
        }),
        2 => any::<bool>().prop_map(Step::Create),
        1 => any::<prop::sample::Index>().prop_map(Step::AddColumn),
        2 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(i, c)| Step::Columnar(i, c)),
        1 => any::<prop::sample::Index>().prop_map(Step::Drop),
    ]
}

fn run(steps: &[Step]) -> Leader {
    let mut leader = Leader::new();
    for (i, step) in steps.iter().enumerate() {
        let tables: Vec<_> = leader.catalog.tables().map(|t| t.id).collect();
        match step {
            Step::Create(columnar) => {
                leader.create(&format!("t{i}"), *columnar);
            }
            _ if tables.is_empty() => {}
            Step::Write(changes) => {
                let changes: Vec<_> = changes.iter().map(|(t, id, v)| (*t.get(&tables), *id, v.clone())).collect();
                leader.write(&changes);
            }
            Step::AddColumn(table) => leader.alter(*table.get(&tables), |info| {
                let id = info.next_column_id;
                let mut added = column(id, &format!("c{id}"), SqlType::BigInt { unsigned: false }, false);
                added.origin_default = Value::Int(i64::from(id));
                info.columns.push(added);
                info.next_column_id += 1;
            }),
            Step::Columnar(table, columnar) => leader.alter(*table.get(&tables), |info| info.columnar = *columnar),
            Step::Drop(table) => {
                let ops = drop_table(&leader.catalog, *table.get(&tables)).unwrap();
                leader.commit(ops);
            }
        }
    }
    leader
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Wherever batches are cut, and wherever a crash sends the applier back to, with a catalog from
    /// the row store that is ahead of it: in the end the columnar tables hold what the rows say.
    #[test]
    fn columnar_equals_rows_wherever_flushes_and_crashes_fall(
        steps in prop::collection::vec(step(), 1..40),
        flushes in prop::collection::vec(any::<bool>(), 45),
        crash in any::<prop::sample::Index>(),
        back in 0usize..6,
    ) {
        let leader = run(&steps);
        let sink = Arc::new(ModelSink::default());
        let mut applier = leader.applier(&sink, CatalogSnapshot::default());
        let crash_at = crash.index(leader.log.len());
        let mut flushed = 0;
        for (i, (ts, ops)) in leader.log[..crash_at].iter().enumerate() {
            applier.commit(Timestamp(*ts), pairs(ops)).unwrap();
            if flushes[i] {
                applier.flush().unwrap();
                prop_assert_eq!((applier.pending_rows(), applier.pending_bytes()), (0, 0));
                flushed = i + 1;
            }
        }
        let mut applier = leader.applier(&sink, leader.catalog.clone());
        for (i, (ts, ops)) in leader.log.iter().enumerate().skip(flushed.saturating_sub(back)) {
            applier.commit(Timestamp(*ts), pairs(ops)).unwrap();
            if flushes[i] {
                applier.flush().unwrap();
            }
        }
        applier.flush().unwrap();
        prop_assert_eq!(format!("{:?}", applier.catalog()), format!("{:?}", leader.catalog));
        leader.check(&sink);
    }
}

#[test]
fn commits_are_batched_by_table_and_only_columnar_rows_count() {
    let mut leader = Leader::new();
    let (a, b, c) = (leader.create("a", true), leader.create("b", true), leader.create("c", false));
    for i in 0..10 {
        leader.write(&[(a, i, Some("x".into())), (b, i, Some("y".into())), (c, i, Some("z".into()))]);
    }
    leader.write(&[(a, 0, Some("again".into())), (a, 1, None)]);
    let sink = Arc::new(ModelSink::default());
    let mut applier = leader.applier(&sink, CatalogSnapshot::default());
    for (ts, ops) in &leader.log {
        applier.commit(Timestamp(*ts), pairs(ops)).unwrap();
    }
    assert_eq!(applier.pending_rows(), 22);
    assert!(applier.pending_bytes() > 22 * 20);
    applier.flush().unwrap();
    assert_eq!(*sink.batches.lock(), 2);
    assert_eq!(sink.tables.lock()[&a].1.len(), 12, "every version is kept");
    leader.check(&sink);
}

#[test]
fn a_damaged_table_is_built_from_the_rows_and_the_others_go_on() {
    let mut leader = Leader::new();
    let (a, b) = (leader.create("a", true), leader.create("b", true));
    leader.write(&[(a, 1, Some("x".into())), (b, 1, Some("y".into()))]);
    leader.write(&[(a, 1, None), (a, 2, Some("z".into()))]);
    let sink = Arc::new(ModelSink::default());
    let mut applier = leader.applier(&sink, CatalogSnapshot::default());
    sink.damaged.lock().insert(a);
    for (ts, ops) in &leader.log {
        applier.commit(Timestamp(*ts), pairs(ops)).unwrap();
    }
    applier.flush().unwrap();
    assert!(sink.damaged.lock().is_empty());
    leader.check(&sink);
}

#[test]
fn a_table_whose_rows_are_gone_is_built_once_the_replica_has_caught_up() {
    let mut leader = Leader::new();
    let (a, b) = (leader.create("a", true), leader.create("b", false));
    leader.write(&[(b, 1, Some("x".into()))]);
    leader.alter(b, |info| info.columnar = true);
    leader.write(&[(b, 2, Some("y".into()))]);
    leader.write(&[(a, 3, Some("z".into()))]);
    let newest = leader.log.last().unwrap().0;
    *leader.rows.safe_point.lock() = newest;
    let sink = Arc::new(ModelSink::default());
    let nothing = Arc::new(CatalogSnapshot::default());
    let mut applier = ColumnarApplier::new(sink.clone(), leader.rows.clone(), nothing, Timestamp::ZERO).unwrap();
    for (ts, ops) in &leader.log {
        applier.commit(Timestamp(*ts), pairs(ops)).unwrap();
        if *ts < newest {
            applier.flush().unwrap();
            assert!(!sink.tables().contains(&b), "at {ts} the table cannot be complete");
        }
    }
    applier.flush().unwrap();
    leader.check(&sink);
}

#[test]
fn damage_in_the_log_or_the_row_store_is_an_error_that_names_the_row() {
    let mut leader = Leader::new();
    let a = leader.create("a", true);
    leader.write(&[(a, 1, Some("x".into()))]);
    let (_, ops) = leader.log.last().unwrap().clone();
    let damaged = Bytes::from_static(b"\x01\x00\x03");
    let sink = Arc::new(ModelSink::default());
    let mut applier = leader.applier(&sink, leader.catalog.clone());
    let message = applier.commit(Timestamp(99), [(ops[0].key(), Some(&damaged))]).unwrap_err().to_string();
    assert!(message.contains("of table a: the row of 3 bytes is cut short"), "{message}");

    leader.rows.commit(99, &[KeyOp::Put { key: ops[0].key().clone(), value: damaged }]);
    let before = sink.visible(a);
    let applier = leader.applier(&sink, leader.catalog.clone());
    assert!(matches!(applier.rebuild(a, Timestamp(99)), Err(ApplyError::Codec(_))));
    assert_eq!(sink.visible(a), before, "a failed build leaves the table as it was");
    assert!(matches!(applier.rebuild(TableId(999), Timestamp(99)), Err(ApplyError::Storage { .. })));
}

/// What a table of the real engine shows.
fn shown(engine: &Engine, info: &TableInfo) -> BTreeMap<RowKey, Vec<Value>> {
    let snapshot = engine.snapshot(info.id, Timestamp::MAX).unwrap();
    let scan = snapshot.scan(ScanRequest::all((0..info.columns.len()).collect())).unwrap();
    let mut worker = scan.worker();
    let mut rows = BTreeMap::new();
    while let Some(batch) = worker.next_batch().unwrap() {
        for i in 0..batch.num_rows() {
            let row = arrow_row(batch.columns(), i).unwrap();
            assert!(rows.insert(handle_of(info, &row).unwrap(), row).is_none(), "a key is shown twice");
        }
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// The same with the real engine: after each crash it resumes from the position in its manifest.
    #[test]
    fn the_engine_follows_the_rows_across_crashes(
        steps in prop::collection::vec(step(), 1..40),
        events in prop::collection::vec(0u8..10, 45),
    ) {
        let leader = run(&steps);
        let store = Arc::new(MemoryStore::default());
        let mut next = 0;
        let mut catalog = CatalogSnapshot::default();
        let mut crashes = 3;
        loop {
            let engine = Engine::open_with(store.clone(), Config::tiny()).unwrap();
            if let Some(position) = engine.replay_position() {
                next = usize::from(position.0[0]);
            }
            let at = leader.log.last().map_or(Timestamp::ZERO, |(ts, _)| Timestamp(*ts));
            let mut applier =
                ColumnarApplier::new(Arc::new(engine.clone()), leader.rows.clone(), Arc::new(catalog.clone()), at).unwrap();
            while let Some((ts, ops)) = leader.log.get(next) {
                applier.commit(Timestamp(*ts), pairs(ops)).unwrap();
                next += 1;
                if events[next] < 5 {
                    applier.flush().unwrap();
                    engine.advance(ReplayPosition(Bytes::from(vec![next as u8])));
                }
                match events[next] {
                    2 => engine.flush().unwrap(),
                    3 => drop(engine.maintain().unwrap()),
                    4 if crashes > 0 => break,
                    _ => {}
                }
            }
            if next == leader.log.len() {
                applier.flush().unwrap();
                for info in leader.catalog.tables().filter(|t| t.columnar) {
                    prop_assert_eq!(shown(&engine, info), leader.rows.visible(info));
                }
                prop_assert_eq!(engine.tables().len(), leader.catalog.tables().filter(|t| t.columnar).count());
                break;
            }
            crashes -= 1;
            next = 0;
            catalog = leader.catalog.clone();
        }
    }
}
