//! The search, over graphs made by hand: plain DataFusion tables stand for relations.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::MemTable;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;

use super::graph::JoinGraph;
use super::search::{Rows, best_tree};

/// `t0 … t4`, each with keys `a` and `b`; a row of `tN` holds multiples of its number.
async fn context(with_rule: bool) -> SessionContext {
    let builder = SessionStateBuilder::new().with_default_features();
    let state = if with_rule { super::super::install(builder).build() } else { builder.build() };
    let context = SessionContext::new_with_state(state);
    for n in 0..5i64 {
        let schema = Arc::new(Schema::new(vec![
            Field::new("a", DataType::Int64, false),
            Field::new("b", DataType::Int64, false),
        ]));
        let a = Int64Array::from_iter_values((0..60).map(|i| i * (n + 1) % 12));
        let b = Int64Array::from_iter_values((0..60).map(|i| i % (n + 2)));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(a), Arc::new(b)]).unwrap();
        let table = MemTable::try_new(schema, vec![vec![batch]]).unwrap();
        context.register_table(format!("t{n}"), Arc::new(table)).unwrap();
    }
    context
}

const QUERIES: &[&str] = &[
    "SELECT t0.b, t1.b, t2.b FROM t0, t1, t2 WHERE t0.a = t1.a AND t1.a = t2.a AND t0.b < t2.b",
    "SELECT t0.a, COUNT(*) FROM t0, t1, t2, t3 WHERE t0.a = t1.a AND t1.b = t2.b AND t2.a = t3.a AND t3.b = 1 GROUP BY t0.a",
    "SELECT t0.a FROM t0, t1, t2 WHERE t0.a = t1.a AND t0.b = t1.a AND t2.b = t0.b AND t2.a > 3",
    "SELECT t0.a, t4.b FROM t0 JOIN t1 ON t0.a + 1 = t1.a JOIN t4 ON t4.a = t1.b OR t4.b = t0.b WHERE t0.b = 0",
    "SELECT t0.a, t1.b FROM t0, t1, t2 WHERE t0.a = t1.a AND t2.a = 5",
    "SELECT t0.b, t2.b FROM t0, t1, t2 WHERE t0.a = t1.a AND t1.b = t2.b AND t0.b IN (SELECT t3.b FROM t3 WHERE t3.a > 4)",
    "SELECT t0.b, t2.b FROM t0, t1, t2 WHERE t0.a = t1.a AND t1.b = t2.b AND NOT EXISTS (SELECT 1 FROM t3 WHERE t3.b = t2.b AND t3.a > t2.a)",
    "SELECT t0.a FROM t0 LEFT JOIN t1 ON t0.a = t1.b JOIN t2 ON t2.a = t0.a JOIN t3 ON t3.a = t2.b WHERE t3.b > 1",
];

#[tokio::test]
async fn a_new_order_changes_no_answer() {
    let (plain, ruled) = (context(false).await, context(true).await);
    for sql in QUERIES {
        let answer = |context: SessionContext| async move {
            let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
            let text = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
            let mut lines: Vec<_> = text.lines().skip(3).filter(|l| !l.starts_with('+')).map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(answer(ruled.clone()).await, answer(plain.clone()).await, "{sql}");
    }
}

#[tokio::test]
async fn the_cheapest_tree_is_no_dearer_than_the_written_one() {
    let context = context(false).await;
    let plan = context.sql(QUERIES[1]).await.unwrap().into_optimized_plan().unwrap();
    let mut group = &plan;
    while !matches!(group, LogicalPlan::Join(_)) {
        group = group.inputs()[0];
    }
    let graph = JoinGraph::of(group).unwrap().unwrap();
    let mut rows = Rows::default();
    let (tree, cost) = best_tree(&graph, &mut rows).unwrap();
    assert_eq!(tree.set(), (1 << graph.relations.len()) - 1);
    assert!((tree.cost(&graph, &mut rows) - cost).abs() < 1e-6 * cost.max(1.0));
    assert!(cost <= graph.as_written.cost(&graph, &mut rows));
}
