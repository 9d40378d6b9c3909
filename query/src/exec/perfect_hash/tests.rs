//! Grouping by numbers gives what grouping by hashes gives.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Int8Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::prelude::*;

use crate::planner::rules::PerfectHashAggregates;

/// One row: five group columns and a value.
type Row = (Option<i64>, Option<i8>, u64, Option<i32>, Option<String>, Option<i64>);

const GROUPS: [&str; 10] = ["a", "b", "c", "d", "e", "t", "a + 1", "a, e", "b, d, e", "a, b, c, d, e"];

fn batch(rows: &[Row]) -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(rows.iter().map(|r| r.0).collect::<Int64Array>())),
        ("b", Arc::new(rows.iter().map(|r| r.1).collect::<Int8Array>())),
        ("c", Arc::new(rows.iter().map(|r| Some(r.2)).collect::<UInt64Array>())),
        ("d", Arc::new(rows.iter().map(|r| r.3).collect::<Date32Array>())),
        ("e", Arc::new(rows.iter().map(|r| r.4.as_deref()).collect::<StringViewArray>())),
        ("t", Arc::new(rows.iter().map(|r| r.0).collect::<TimestampMicrosecondArray>())),
        ("v", Arc::new(rows.iter().map(|r| r.5).collect::<Int64Array>())),
        ("f", Arc::new(rows.iter().map(|r| r.5.map(|v| v % 2 == 0)).collect::<BooleanArray>())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn context(batches: &[RecordBatch], perfect: bool) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(2).with_batch_size(64);
    let mut builder = SessionStateBuilder::new().with_config(config).with_default_features();
    if perfect {
        builder = builder.with_physical_optimizer_rule(Arc::new(PerfectHashAggregates));
    }
    let context = SessionContext::new_with_state(builder.build());
    let (even, odd): (Vec<_>, Vec<_>) = batches.iter().cloned().enumerate().partition(|(i, _)| i % 2 == 0);
    let parts = [even, odd].map(|part| part.into_iter().map(|(_, batch)| batch).collect::<Vec<_>>());
    let table = MemTable::try_new(batches[0].schema(), parts.into()).unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    context
}

async fn lines(context: &SessionContext, sql: &str) -> Vec<String> {
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let mut lines: Vec<_> = pretty_format_batches(&batches).unwrap().to_string().lines().map(String::from).collect();
    lines.sort();
    lines
}

fn check(groups: &[&str], batches: &[Vec<Row>]) {
    let batches: Vec<_> = batches.iter().map(|rows| batch(rows)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (perfect, hashed) = (context(&batches, true), context(&batches, false));
        for groups in groups {
            let sql = format!(
                "select {groups}, count(*), count(v), sum(v), avg(v), min(e), max(v) filter (where f) from t group by {groups}"
            );
            let plan = lines(&perfect, &format!("explain {sql}")).await.join("\n");
            assert!(plan.contains("PerfectHashAggregateExec: mode=Partial"), "{plan}");
            assert_eq!(lines(&perfect, &sql).await, lines(&hashed, &sql).await, "{sql}");
        }
    });
}

/// Values near each other mostly; now and then one that no table of numbers has room for.
fn near(far: u32) -> impl Strategy<Value = i64> {
    prop_oneof![40 => -20i64..20, 4 => -3000i64..3000, far => prop::sample::select(vec![i64::MIN, i64::MAX - 1, 1 << 40])]
}

fn row(far: u32) -> impl Strategy<Value = Row> {
    let text = prop_oneof![6 => "[xyz]{0,2}", 3 => "a long text that does not fit [0-9]", far => "[a-z]{13,20}"];
    (
        prop::option::of(near(far)),
        prop::option::of(any::<i8>()),
        prop_oneof![20 => 0u64..9, 1 => Just(u64::MAX - 1), 1 => Just(u64::MAX)],
        prop::option::of(-400i32..9000),
        prop::option::of(text),
        prop::option::of(-1000i64..1000),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn numbers_group_as_hashes_do(
        batches in (0u32..2).prop_flat_map(|far| prop::collection::vec(prop::collection::vec(row(far), 1..60), 2..8))
    ) {
        check(&GROUPS, &batches);
    }
}

/// More groups than a table has room for, in rising and in falling order.
#[test]
fn what_outgrows_the_table_is_hashed() {
    let rows = |at: i64| -> Vec<Row> {
        (0..2000).map(|i| (Some(at * 2000 + i), Some(1), 1, Some(1), Some(format!("{at} {i}")), Some(i))).collect()
    };
    check(&["a", "e", "a, e"], &(0..40).map(rows).collect::<Vec<_>>());
    check(&["a"], &(0..40).rev().map(rows).collect::<Vec<_>>());
}

#[test]
fn without_rows_there_are_no_groups() {
    check(&GROUPS, &[Vec::new(), Vec::new()]);
}
