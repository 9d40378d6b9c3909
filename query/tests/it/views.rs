//! Views: declared, read, nested, shown, and what happens when something beneath them goes.

use mysql::prelude::Queryable;

use crate::common::{code, connect, with_server};

#[test]
fn views_are_read_like_tables() {
    with_server(|server| {
        let mut c = connect(server);
        c.query_drop("CREATE TABLE t (Id INT PRIMARY KEY, a INT, b VARCHAR(10))").unwrap();
        c.query_drop("INSERT INTO t VALUES (1, 10, 'x'), (2, 20, 'y'), (3, 30, 'x')").unwrap();
        c.query_drop("CREATE VIEW v AS SELECT b, SUM(a), COUNT(*) AS n FROM t GROUP BY b").unwrap();
        let rows: Vec<(String, i64, i64)> = c.query("SELECT b, `SUM(a)`, n FROM v ORDER BY b").unwrap();
        assert_eq!(rows, [("x".into(), 40, 2), ("y".into(), 20, 1)]);
        c.query_drop("CREATE VIEW w (k, total) AS SELECT b, `SUM(a)` FROM v WHERE n > 1").unwrap();
        let rows: Vec<(String, i64)> = c.query("SELECT x.* FROM w x JOIN t ON x.k = t.b WHERE t.id = 1").unwrap();
        assert_eq!(rows, [("x".into(), 40)]);
        // Names that the statement defines itself come before views.
        let n: Option<i64> = c.query_first("WITH w AS (SELECT 7 AS k) SELECT k FROM w").unwrap();
        assert_eq!(n, Some(7));
        // A view's own names are looked up where it was declared.
        c.query_drop("CREATE DATABASE other").unwrap();
        c.query_drop("USE other").unwrap();
        let n: Option<i64> = c.exec_first("SELECT total FROM test.w WHERE k = ?", ("x",)).unwrap();
        assert_eq!(n, Some(40));
        c.query_drop("CREATE TABLE copy (b VARCHAR(10), total INT)").unwrap();
        c.query_drop("INSERT INTO copy SELECT * FROM test.w").unwrap();
        c.query_drop("UPDATE copy JOIN test.w ON copy.b = w.k SET copy.total = w.total + 1").unwrap();
        let n: Option<i64> = c.query_first("SELECT total FROM copy").unwrap();
        assert_eq!(n, Some(41));
    });
}

#[test]
fn a_view_keeps_the_columns_that_it_was_declared_with() {
    with_server(|server| {
        let mut c = connect(server);
        c.query_drop("CREATE TABLE t (a INT, b INT)").unwrap();
        c.query_drop("INSERT INTO t VALUES (1, 2)").unwrap();
        c.query_drop("CREATE VIEW v AS SELECT * FROM t").unwrap();
        c.query_drop("ALTER TABLE t ADD COLUMN c INT FIRST").unwrap();
        let rows: Vec<(i64, i64)> = c.query("SELECT * FROM v").unwrap();
        assert_eq!(rows, [(1, 2)]);
        c.query_drop("ALTER TABLE t DROP COLUMN b").unwrap();
        assert_eq!(code(c.query_drop("SELECT a FROM v")), 1356);
        c.query_drop("DROP TABLE t").unwrap();
        assert_eq!(code(c.query_drop("SELECT a FROM v")), 1356);
        c.query_drop("CREATE OR REPLACE VIEW v AS SELECT 1 AS a").unwrap();
        let n: Option<i64> = c.query_first("SELECT a FROM v").unwrap();
        assert_eq!(n, Some(1));
    });
}

#[test]
fn what_views_cannot_be_used_for_is_an_error() {
    with_server(|server| {
        let mut c = connect(server);
        c.query_drop("CREATE TABLE t (a INT)").unwrap();
        c.query_drop("CREATE VIEW v AS SELECT a FROM t").unwrap();
        for (sql, expected) in [
            ("CREATE VIEW v AS SELECT 1", 1050),
            ("CREATE VIEW t AS SELECT 1", 1050),
            ("CREATE TABLE v (a INT)", 1050),
            ("CREATE OR REPLACE VIEW t AS SELECT 1", 1347),
            ("CREATE VIEW x AS SELECT * FROM missing", 1146),
            ("CREATE VIEW x AS SELECT 1 AS a, 2 AS A", 1060),
            ("CREATE VIEW x (a, b) AS SELECT 1", 1353),
            ("DROP VIEW t", 1347),
            ("DROP VIEW missing", 1051),
            ("DROP TABLE v", 1051),
            ("INSERT INTO v VALUES (1)", 1471),
            ("UPDATE v SET a = 1", 1288),
            ("DELETE FROM v", 1288),
            ("ALTER TABLE v ADD COLUMN b INT", 1347),
            ("SELECT b FROM v", 1054),
        ] {
            assert_eq!(code(c.query_drop(sql)), expected, "{sql}");
        }
        c.query_drop("DROP VIEW IF EXISTS missing, v").unwrap();
        assert_eq!(code(c.query_drop("SELECT * FROM v")), 1146);
        // A view may come to read itself only by being replaced.
        c.query_drop("CREATE VIEW a AS SELECT 1 AS x").unwrap();
        c.query_drop("CREATE VIEW b AS SELECT x FROM a").unwrap();
        c.query_drop("CREATE OR REPLACE VIEW a AS SELECT x FROM b").unwrap();
        assert_eq!(code(c.query_drop("SELECT * FROM a")), 1462);
    });
}

#[test]
fn clients_are_shown_views() {
    with_server(|server| {
        let mut c = connect(server);
        c.query_drop("CREATE TABLE t (a INT, d DECIMAL(9,2) NOT NULL)").unwrap();
        c.query_drop("CREATE VIEW v AS SELECT a, d FROM t WHERE a > 1").unwrap();
        let tables: Vec<(String, String)> = c.query("SHOW FULL TABLES WHERE Table_type = 'VIEW'").unwrap();
        assert_eq!(tables, [("v".into(), "VIEW".into())]);
        let shown: Option<(String, String, String, String)> = c.query_first("SHOW CREATE VIEW v").unwrap();
        let text = shown.unwrap().1;
        let expected = "CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`%` SQL SECURITY DEFINER VIEW `v` AS \
                        SELECT a, d FROM t WHERE a > 1";
        assert_eq!(text, expected);
        c.query_drop("DROP VIEW v").unwrap();
        c.query_drop(text).unwrap();
        let columns: Vec<(String, String)> = c
            .query(
                "SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.columns WHERE TABLE_NAME = 'v' \
                 ORDER BY ORDINAL_POSITION",
            )
            .unwrap();
        assert_eq!(columns, [("a".into(), "int".into()), ("d".into(), "decimal(9,2)".into())]);
        let view: Option<(String, String)> =
            c.query_first("SELECT VIEW_DEFINITION, DEFINER FROM information_schema.views").unwrap();
        assert_eq!(view, Some(("SELECT a, d FROM t WHERE a > 1".into(), "root@%".into())));
    });
}

#[test]
fn views_outlive_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let start = || crate::common::start(directory.path());
    let server = start();
    connect(&server).query_drop("CREATE VIEW v AS SELECT 5 AS a").unwrap();
    server.stop().unwrap();
    let server = start();
    let n: Option<i64> = connect(&server).query_first("SELECT a FROM v").unwrap();
    assert_eq!(n, Some(5));
    server.stop().unwrap();
}
