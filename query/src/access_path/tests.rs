//! Choices as reviewable text: table, filters, what is chosen and why.

use bytes::Bytes;
use deltatree_learner::catalog::{ColumnInfo, IndexInfo, PrimaryKey, SqlType, TableInfo};
use deltatree_storage::api::{ColumnStatistics, ScanEstimate};
use deltatree_storage::predicate::{CompareOp, Predicate};
use deltatree_storage::types::{ColumnId, KeyRange, RowKey, TableId, Value};

use super::*;
use crate::planner::{Engine, Engines};

const BIGINT: SqlType = SqlType::BigInt { unsigned: false };

fn column(id: u32, name: &str, sql_type: SqlType) -> ColumnInfo {
    ColumnInfo::new(ColumnId(id), name, sql_type, true)
}

/// `t(id, a, b, s)` with an index on `(a, b)` and a unique one on `s`.
fn table(primary_key: PrimaryKey) -> TableInfo {
    let columns = vec![
        column(1, "id", BIGINT),
        column(2, "a", BIGINT),
        column(3, "b", BIGINT),
        column(4, "s", SqlType::VarChar { length: 10 }),
    ];
    TableInfo {
        id: TableId(7),
        indexes: vec![
            IndexInfo { id: 1, name: "ab".into(), columns: vec![ColumnId(2), ColumnId(3)], unique: false },
            IndexInfo { id: 2, name: "us".into(), columns: vec![ColumnId(4)], unique: true },
        ],
        next_index_id: 3,
        ..TableInfo::new("test", "t", columns, primary_key)
    }
}

fn by_id() -> TableInfo {
    table(PrimaryKey::Integer { column: ColumnId(1) })
}

fn cmp(column: usize, op: CompareOp, value: i64) -> Predicate {
    Predicate::Compare { column, op, value: Value::Int(value) }
}

/// A million rows; ids 1 to a million, `a` with 1000 values, `b` with 10.
fn facts(kept: u64) -> Facts {
    let bounds = |max: i64, distinct: u64| ColumnStatistics {
        min: Some(Value::Int(1)),
        max: Some(Value::Int(max)),
        distinct: Some(distinct),
        exact: true,
        ..ColumnStatistics::default()
    };
    let text = ColumnStatistics { distinct: Some(1_000_000), ..ColumnStatistics::default() };
    Facts {
        rows: Some(1_000_000),
        columns: vec![bounds(1_000_000, 1_000_000), bounds(1000, 1000), bounds(10, 10), text],
        columnar: Some(ScanEstimate {
            zones_total: 123,
            zones_kept: kept.div_ceil(8192),
            rows_kept: kept,
            bytes_kept: kept * 8,
            rows_total: 1_000_000,
        }),
        columns_read: 4,
        gate_wait_us: 200.0,
        no_columnar: false,
    }
}

fn chosen(table: &TableInfo, conjuncts: &[Predicate], kept: u64) -> String {
    let choice = choose(table, conjuncts, &facts(kept), Engines::ALL, None).unwrap();
    format!("{}, {}", choice.path, choice.reason)
}

#[test]
fn without_a_replica_within_reach_rows_are_read_unless_columns_are_asked_for() {
    let absent = Facts { no_columnar: true, ..facts(1_000_000) };
    let choice = choose(&by_id(), &[], &absent, Engines::ALL, Some(Engine::Columnar)).unwrap();
    assert_eq!(choice.path, AccessPath::RowScan);
    let only_columns = Engines { row: false, columnar: true };
    assert_eq!(choose(&by_id(), &[], &absent, only_columns, None).unwrap_err().code, 1815);
}

#[test]
fn keys_go_to_rows_and_scans_to_columns() {
    let t = by_id();
    assert_eq!(chosen(&t, &[cmp(0, CompareOp::Eq, 5)], 8192), "PointGet(1 key), lowest cost");
    assert_eq!(
        chosen(&t, &[cmp(0, CompareOp::GtEq, 5), cmp(0, CompareOp::Lt, 25)], 8192),
        "KeyRange(1 range), lowest cost"
    );
    assert_eq!(chosen(&t, &[cmp(0, CompareOp::GtEq, 5)], 1_000_000), "ColumnarScan, lowest cost");
    assert_eq!(chosen(&t, &[], 1_000_000), "ColumnarScan, lowest cost");
    assert_eq!(
        chosen(&t, &[cmp(1, CompareOp::Eq, 5), cmp(2, CompareOp::Eq, 3)], 1_000_000),
        "IndexRange(ab, 1 range), lowest cost"
    );
    assert_eq!(chosen(&t, &[cmp(1, CompareOp::Lt, 900)], 1_000_000), "ColumnarScan, lowest cost");
    assert_eq!(chosen(&t, &[cmp(2, CompareOp::Eq, 3)], 1_000_000), "ColumnarScan, lowest cost");
}

#[test]
fn a_unique_index_is_as_good_as_a_key() {
    let s = Predicate::Compare { column: 3, op: CompareOp::Eq, value: Value::Bytes(Bytes::from_static(b"x")) };
    assert_eq!(chosen(&by_id(), &[s], 1_000_000), "IndexRange(us, 1 range), lowest cost");
}

#[test]
fn isolation_goes_before_hints_and_hints_before_cost() {
    let t = by_id();
    let point = [cmp(0, CompareOp::Eq, 5)];
    let only = |engine| Engines { row: engine == Engine::Row, columnar: engine == Engine::Columnar };
    let reason = |engines, hint| {
        let choice = choose(&t, &point, &facts(8192), engines, hint).unwrap();
        format!("{}, {}", choice.path, choice.reason)
    };
    assert_eq!(reason(Engines::ALL, Some(Engine::Columnar)), "ColumnarScan, hint READ_FROM_STORAGE");
    assert_eq!(reason(only(Engine::Columnar), Some(Engine::Row)), "ColumnarScan, tidb_isolation_read_engines");
    assert_eq!(reason(only(Engine::Row), Some(Engine::Columnar)), "PointGet(1 key), tidb_isolation_read_engines");
}

#[test]
fn a_few_keys_are_read_without_asking_for_figures() {
    let t = by_id();
    let few =
        |conjuncts: &[Predicate], engines, hint| choose_few(&t, conjuncts, engines, hint).map(|c| c.path.to_string());
    let (all, columns) = (Engines::ALL, Engines { row: false, columnar: true });
    let point = [cmp(0, CompareOp::Eq, 5)];
    assert_eq!(few(&point, all, None).as_deref(), Some("PointGet(1 key)"));
    assert_eq!(few(&point, all, Some(Engine::Columnar)), None);
    assert_eq!(few(&point, columns, None), None);
    let range = |high| [cmp(0, CompareOp::GtEq, 1), cmp(0, CompareOp::LtEq, high)];
    assert_eq!(few(&range(100), all, None).as_deref(), Some("KeyRange(1 range)"));
    assert_eq!(few(&range(100_000), all, None), None);
    assert_eq!(few(&[cmp(1, CompareOp::Eq, 5)], all, None), None);
}

#[test]
fn rows_are_read_instead_only_if_nobody_asked_for_columns() {
    let t = by_id();
    let by_cost = choose(&t, &[], &facts(1_000_000), Engines::ALL, None).unwrap();
    assert!(by_cost.may_fall_back());
    let fallen = by_cost.fallen_back().unwrap();
    assert_eq!((fallen.path, fallen.reason), (AccessPath::RowScan, Reason::Fallback));
    let hinted = choose(&t, &[], &facts(1_000_000), Engines::ALL, Some(Engine::Columnar)).unwrap();
    assert!(!hinted.may_fall_back());
}

#[test]
fn a_table_without_replica_cannot_be_read_from_columns_alone() {
    let t = TableInfo { columnar: false, ..by_id() };
    let error = choose(&t, &[], &facts(0), Engines { row: false, columnar: true }, None).unwrap_err();
    assert_eq!(error.code, 1815);
    assert!(error.message.contains("table 't'") && error.message.contains("'tiflash'"), "{error}");
}

#[test]
fn integer_ranges_respect_their_ends() {
    let ranges = |conjuncts: &[Predicate]| match candidates(&by_id(), conjuncts).remove(0) {
        AccessPath::KeyRange { ranges } => ranges,
        other => panic!("{other}"),
    };
    let int = |v| Some(RowKey::Int(v));
    assert_eq!(
        ranges(&[cmp(0, CompareOp::Gt, 5), cmp(0, CompareOp::LtEq, 9)]),
        [KeyRange { start: int(6), end: int(10) }]
    );
    assert_eq!(
        ranges(&[cmp(0, CompareOp::GtEq, 5), cmp(0, CompareOp::Gt, 5)]),
        [KeyRange { start: int(6), end: None }]
    );
    assert_eq!(ranges(&[cmp(0, CompareOp::LtEq, i64::MAX)]), [KeyRange { start: None, end: None }]);
    assert!(ranges(&[cmp(0, CompareOp::Gt, i64::MAX)]).is_empty());
    assert!(ranges(&[cmp(0, CompareOp::Gt, 9), cmp(0, CompareOp::Lt, 5)]).is_empty());
}

#[test]
fn contradicting_values_leave_no_key() {
    let conjuncts = [Predicate::In { column: 0, values: vec![Value::Int(1), Value::Int(2)] }, cmp(0, CompareOp::Gt, 2)];
    assert_eq!(candidates(&by_id(), &conjuncts)[0], AccessPath::PointGet { keys: Vec::new() });
}

#[test]
fn composite_keys_use_their_leading_columns() {
    let t = table(PrimaryKey::Columns { columns: vec![ColumnId(2), ColumnId(3)] });
    let first = |conjuncts: &[Predicate]| candidates(&t, conjuncts)[0].to_string();
    assert_eq!(first(&[cmp(1, CompareOp::Eq, 1), cmp(2, CompareOp::Eq, 2)]), "PointGet(1 key)");
    let list = Predicate::In { column: 2, values: vec![Value::Int(2), Value::Int(3)] };
    assert_eq!(first(&[cmp(1, CompareOp::Eq, 1), list]), "PointGet(2 keys)");
    assert_eq!(first(&[cmp(1, CompareOp::Eq, 1)]), "KeyRange(1 range)");
    assert_eq!(first(&[cmp(1, CompareOp::Eq, 1), cmp(2, CompareOp::Gt, 2)]), "KeyRange(1 range)");
    // Nothing about the first column: only the index (whose columns are the same) and scans remain.
    assert_eq!(first(&[cmp(2, CompareOp::Eq, 2)]), "RowScan");
}

#[test]
fn composite_ranges_hold_exactly_the_keys_they_should() {
    let t = table(PrimaryKey::Columns { columns: vec![ColumnId(2), ColumnId(3)] });
    let key = |a: i64, b: i64| {
        let mut out = Vec::new();
        deltatree_storage::types::memcomparable::encode(&mut out, &Value::Int(a));
        deltatree_storage::types::memcomparable::encode(&mut out, &Value::Int(b));
        RowKey::Bytes(out.into())
    };
    let conjuncts = [cmp(1, CompareOp::Eq, 4), cmp(2, CompareOp::Gt, 2), cmp(2, CompareOp::LtEq, 5)];
    let AccessPath::KeyRange { ranges } = candidates(&t, &conjuncts).remove(0) else { panic!() };
    let inside = |a, b| ranges.iter().any(|r| r.contains(key(a, b).as_ref()));
    assert!(!inside(4, 2) && inside(4, 3) && inside(4, 5) && !inside(4, 6) && !inside(5, 3) && !inside(3, 4));
}

#[test]
fn hints_are_found_through_aliases_and_subqueries() {
    let hints = |sql: &str| {
        let statements = crate::rewrite::parse(sql).unwrap();
        let datafusion::sql::sqlparser::ast::Statement::Query(query) = &statements[0] else { panic!() };
        Hints::of(query)
    };
    let h = hints("SELECT /*+ READ_FROM_STORAGE(TIFLASH[x, test.u], TIKV[v]) */ 1 FROM t AS x JOIN u JOIN v");
    assert_eq!(h.engine("T"), Some(Engine::Columnar));
    assert_eq!(h.engine("u"), Some(Engine::Columnar));
    assert_eq!(h.engine("v"), Some(Engine::Row));
    assert_eq!(h.engine("w"), None);
    let h = hints("SELECT * FROM (SELECT /*+ read_from_storage(tikv[t]) */ * FROM t) d");
    assert_eq!(h.engine("t"), Some(Engine::Row));
    assert_eq!(hints("SELECT /*+ HASH_JOIN(t), READ_FROM_STORAGE(ORACLE[t] */ 1 FROM t"), Hints::default());
}
