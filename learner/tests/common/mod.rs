//! A table of two integer columns, for tests.

#![allow(dead_code, reason = "not every test uses every function")]

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use deltatree_learner::catalog::{
    CatalogSnapshot, ColumnDefault, ColumnInfo, PrimaryKey, SqlType, TableInfo, create_database, create_table,
};
use deltatree_learner::codec::{meta_range, row_key};
use deltatree_learner::table_write::{KeyOp, RowWriter};
use deltatree_learner::{Result, Transaction, TxnMode, TxnOptions};
use deltatree_storage::api::ScanRequest;
use deltatree_storage::engine::Engine;
use deltatree_storage::types::{ColumnId, RowKey, TableId, Timestamp, Value};

pub(crate) fn optimistic() -> TxnOptions {
    TxnOptions { mode: TxnMode::Optimistic, ..TxnOptions::default() }
}

fn column(id: u32, name: &str) -> ColumnInfo {
    ColumnInfo {
        id: ColumnId(id),
        name: name.into(),
        sql_type: SqlType::BigInt { unsigned: false },
        nullable: false,
        default: ColumnDefault::None,
        on_update_now: false,
        auto_increment: false,
        origin_default: Value::Null,
        comment: String::new(),
        collation: "utf8mb4_bin".into(),
    }
}

/// `create table test.t (id bigint primary key, v bigint not null)`, buffered in `txn`.
pub(crate) fn define_table(txn: &mut Transaction, name: &str) -> TableInfo {
    let (start, end) = meta_range();
    let rows: Vec<_> = txn.scan(start, end, false).map(|r| r.unwrap()).collect();
    let mut catalog = CatalogSnapshot::load(rows.iter().map(|r| (r.key(), r.value()))).unwrap();
    let mut ops = Vec::new();
    if catalog.database("test").is_none() {
        let (_, created) = create_database(&catalog, "test").unwrap();
        let mutations: Vec<_> = created.iter().map(|op| (op.key().as_ref(), op.value().map(|v| v.as_ref()))).collect();
        catalog = catalog.apply(mutations).unwrap().unwrap();
        ops.extend(created);
    }
    let info = TableInfo {
        id: TableId(0),
        database_id: 0,
        database: "test".into(),
        name: name.into(),
        schema_version: 0,
        columns: vec![column(1, "id"), column(2, "v")],
        primary_key: PrimaryKey::Integer { column: ColumnId(1) },
        indexes: Vec::new(),
        next_column_id: 3,
        next_index_id: 1,
        columnar: true,
        auto_increment_start: 1,
        comment: String::new(),
        created_ms: 0,
        foreign_keys: Vec::new(),
        checks: Vec::new(),
    };
    let (info, created) = create_table(&catalog, info).unwrap();
    ops.extend(created);
    buffer(txn, ops);
    info
}

pub(crate) fn buffer(txn: &mut Transaction, ops: Vec<KeyOp>) {
    for op in ops {
        match op {
            KeyOp::Put { key, value } => txn.put(key, value).unwrap(),
            KeyOp::Insert { key, value } => txn.insert(key, value).unwrap(),
            KeyOp::Delete { key } => txn.delete(key).unwrap(),
        }
    }
}

/// Sets row `id` to `v`.
pub(crate) fn put_row(txn: &mut Transaction, info: &TableInfo, id: i64, v: i64) {
    let mut ops = Vec::new();
    let row = [Value::Int(id), Value::Int(v)];
    RowWriter::new(info).insert(&RowKey::Int(id), &row, &mut ops).unwrap();
    for op in ops {
        txn.put(op.key().clone(), op.value().unwrap().clone()).unwrap();
    }
    txn.use_schema(info.id, info.schema_version);
}

pub(crate) fn delete_row(txn: &mut Transaction, info: &TableInfo, id: i64) {
    txn.delete(row_key(info.id, RowKey::Int(id).as_ref())).unwrap();
}

/// All rows of the table in the columnar engine at `ts`.
pub(crate) fn columnar_rows(engine: &Engine, table: TableId, ts: Timestamp) -> BTreeMap<i64, i64> {
    let snapshot = engine.snapshot(table, ts).unwrap();
    let mut rows = BTreeMap::new();
    for batch in snapshot.scan_ordered(ScanRequest::all(vec![0, 1])).unwrap() {
        let (_, batch) = batch.unwrap();
        let ids = batch.column(0).as_primitive::<Int64Type>().values();
        let values = batch.column(1).as_primitive::<Int64Type>().values();
        rows.extend(ids.iter().copied().zip(values.iter().copied()));
    }
    rows
}

/// All rows of the table in the row store at the transaction's timestamp.
pub(crate) fn stored_rows(txn: &Transaction, info: &TableInfo) -> Result<BTreeMap<i64, i64>> {
    let (start, end) = deltatree_learner::codec::table_range(info.id);
    let mut rows = BTreeMap::new();
    for row in txn.scan(start, end, false) {
        let row = row?;
        let (_, key) = deltatree_learner::codec::decode_row_key(row.key(), info.key_kind()).unwrap();
        let values = deltatree_learner::codec::decode_row(info, &key, row.value()).unwrap();
        let (RowKey::Int(id), Value::Int(v)) = (key, values[1].clone()) else { panic!("integers") };
        rows.insert(id, v);
    }
    Ok(rows)
}

pub(crate) fn b(s: &str) -> Bytes {
    Bytes::copy_from_slice(s.as_bytes())
}
