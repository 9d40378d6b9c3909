//! EXPLAIN says by which path each table is read, which others there were, and what was waited for.

use arrow::array::{AsArray, RecordBatch};
use deltatree_query::node::{Node, NodeConfig};
use deltatree_query::session::Session;

async fn session() -> (tempfile::TempDir, Session) {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::open(NodeConfig::new(dir.path())).await.unwrap();
    let mut session = node.session("root", "localhost");
    run(&mut session, "CREATE DATABASE explained; USE explained").await;
    run(&mut session, "CREATE TABLE t (id BIGINT PRIMARY KEY, a INT, s VARCHAR(20), KEY by_a (a))").await;
    for part in 0..10 {
        let row = |i: i64| format!("({}, {}, 's{}')", part * 1000 + i, i % 500, i);
        let rows: Vec<_> = (0..1000).map(row).collect();
        run(&mut session, &format!("INSERT INTO t VALUES {}", rows.join(", "))).await;
    }
    // Estimates are from what the columnar copy has at the moment; now it has all.
    run(&mut session, "SELECT /*+ READ_FROM_STORAGE(TIFLASH[t]) */ COUNT(*) FROM t").await;
    (dir, session)
}

async fn run(session: &mut Session, sql: &str) -> Vec<RecordBatch> {
    session.query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"))
}

/// Each operator as its columns joined by blanks, without the trees' branches.
async fn explain(session: &mut Session, sql: &str) -> Vec<String> {
    let batch = run(session, sql).await.remove(0);
    let line = |row: usize| {
        let cells =
            batch.columns().iter().map(|c| c.as_string_view().value(row).trim_start_matches([' ', '│', '├', '└', '─']));
        cells.collect::<Vec<_>>().join(" ")
    };
    (0..batch.num_rows()).map(line).collect()
}

/// The line of the scan.
async fn scan(session: &mut Session, sql: &str) -> String {
    let lines = explain(session, &format!("EXPLAIN {sql}")).await;
    lines.into_iter().find(|l| l.contains("table:t")).unwrap_or_else(|| panic!("{sql} reads no table"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_go_to_rows_and_scans_to_columns() {
    let (_dir, mut session) = session().await;
    let taken = [
        ("SELECT * FROM t WHERE id = 7", "PointGet", "cop[tikv]"),
        ("SELECT * FROM t WHERE id BETWEEN 7 AND 20", "KeyRange", "cop[tikv]"),
        ("SELECT s FROM t WHERE a = 3", "IndexRange", "cop[tikv]"),
        ("SELECT a, COUNT(*) FROM t WHERE s > 's5' GROUP BY a", "ColumnarScan", "cop[tiflash]"),
    ];
    for (sql, path, task) in taken {
        let line = scan(&mut session, sql).await;
        assert!(line.starts_with(path) && line.contains(task), "{sql}: {line}");
        assert!(line.contains("RowScan 10000 rows") && line.contains("ColumnarScan"), "{sql} names all paths: {line}");
        assert!(line.contains("lowest cost"), "{sql}: {line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_and_isolation_overrule_cost() {
    let (_dir, mut session) = session().await;
    let line = scan(&mut session, "SELECT /*+ READ_FROM_STORAGE(TIFLASH[t]) */ * FROM t WHERE id = 7").await;
    assert!(line.starts_with("ColumnarScan") && line.contains("hint READ_FROM_STORAGE"), "{line}");
    run(&mut session, "SET tidb_isolation_read_engines = 'tikv'").await;
    let line = scan(&mut session, "SELECT a, COUNT(*) FROM t WHERE s > 's5' GROUP BY a").await;
    assert!(line.starts_with("RowScan") && line.contains("tidb_isolation_read_engines"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn analyze_shows_rows_and_pruning_and_the_wait() {
    let (_dir, mut session) = session().await;
    run(&mut session, "SET tidb_isolation_read_engines = 'tiflash'").await;
    let lines = explain(&mut session, "EXPLAIN ANALYZE SELECT COUNT(*) FROM t WHERE s = 's999'").await;
    let scan = lines.iter().find(|l| l.contains("table:t")).unwrap();
    assert!(scan.contains(" 10 cop[tiflash]"), "ten rows came out: {scan}");
    assert!(scan.contains("zones: ") && scan.contains("packs: "), "{scan}");
    let last = lines.last().unwrap();
    assert!(last.contains("log position ") && last.contains("waited ") && last.contains("ran "), "{last}");
}
