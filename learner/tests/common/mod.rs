//! A table of two integer columns, for tests.

#![allow(dead_code, reason = "not every test uses every function")]

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use deltatree_learner::catalog::{
    CatalogSnapshot, ColumnInfo, PrimaryKey, SqlType, TableInfo, create_database, create_table,
};
use deltatree_learner::codec::{meta_range, row_key};
use deltatree_learner::table_write::{KeyOp, RowWriter};
use deltatree_learner::{Result, Transaction};
use deltatree_storage::api::ScanRequest;
use deltatree_storage::engine::Engine;
use deltatree_storage::types::{ColumnId, RowKey, TableId, Timestamp, Value};

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
    let column = |id, name| ColumnInfo::new(ColumnId(id), name, SqlType::BigInt { unsigned: false }, false);
    let columns = vec![column(1, "id"), column(2, "v")];
    let info = TableInfo::new("test", name, columns, PrimaryKey::Integer { column: ColumnId(1) });
    let (info, created) = create_table(&catalog, info).unwrap();
    ops.extend(created);
    buffer(txn, ops);
    info
}

pub(crate) fn buffer(txn: &mut Transaction, ops: Vec<KeyOp>) {
    ops.into_iter().for_each(|op| txn.write(op).unwrap());
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
