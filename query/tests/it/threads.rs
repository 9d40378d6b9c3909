//! Which queries run on which threads.

use deltatree_bench::server::Server;
use mysql::prelude::Queryable;

use crate::common::{connect, with_server};

/// Queries that ran on threads of a kind so far.
fn ran(server: &Server, threads: &str) -> u64 {
    let metrics = server.metrics().unwrap();
    let name = format!("deltatree_queries_total{{threads=\"{threads}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
}

#[test]
fn what_is_over_in_a_moment_does_not_queue_behind_what_is_not() {
    with_server(|server| {
        let mut c = connect(server);
        c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, a INT)").unwrap();
        let rows: Vec<_> = (0..2000).map(|i| format!("({i}, {i})")).collect();
        c.query_drop(format!("INSERT INTO t VALUES {}", rows.join(", "))).unwrap();
        let cases = [
            ("SELECT COUNT(*) FROM t", "interactive"),
            ("SELECT /*+ READ_FROM_STORAGE(TIFLASH[t]) */ SUM(a) FROM t WHERE a > 7", "interactive"),
            ("SELECT 1 + 1", "interactive"),
            // A few rows each, and many pairs.
            ("SELECT COUNT(*) FROM t x JOIN t y ON x.a < y.a", "analytics"),
            // What is not a table may be long.
            ("SELECT COUNT(*) FROM information_schema.columns WHERE table_name LIKE '%s'", "analytics"),
        ];
        for (sql, threads) in cases {
            let other = if threads == "analytics" { "interactive" } else { "analytics" };
            let before = (ran(server, threads), ran(server, other));
            let _: u64 = c.query_first(sql).unwrap().unwrap();
            assert_eq!((ran(server, threads), ran(server, other)), (before.0 + 1, before.1), "{sql}");
        }
    });
}

#[test]
fn a_result_larger_than_what_may_wait_is_whole() {
    with_server(|server| {
        let mut c = connect(server);
        c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, a INT)").unwrap();
        for part in 0..10 {
            let rows: Vec<_> = (0..5000).map(|i| format!("({}, {i})", part * 5000 + i)).collect();
            c.query_drop(format!("INSERT INTO t VALUES {}", rows.join(", "))).unwrap();
        }
        for engine in ["tikv", "tiflash"] {
            c.query_drop(format!("SET SESSION tidb_isolation_read_engines = '{engine}'")).unwrap();
            let ids: Vec<u32> = c.query("SELECT id FROM t ORDER BY id").unwrap();
            assert!(ids.into_iter().eq(0..50_000), "{engine}");
            // The last row does not fit, when others are on their way.
            let failed = c.query::<i64, _>("SELECT 9223372036854725809 + id FROM t");
            assert!(failed.is_err(), "{engine}: {} rows", failed.unwrap().len());
        }
    });
}
