//! Accounts: passwords, privileges, and where they end.

use mysql::prelude::Queryable;

use crate::common::{code, connect, connect_as, start, with_server};

#[test]
fn a_password_lets_in_and_a_wrong_one_does_not() {
    with_server(|server| {
        let mut root = connect(server);
        root.query_drop("CREATE USER ann@'%' IDENTIFIED BY 's3 cret'").unwrap();
        let mut ann = connect_as(server, "ann", "s3 cret").unwrap();
        let who: Option<(String, String)> = ann.query_first("SELECT CURRENT_USER(), USER()").unwrap();
        assert_eq!(who, Some(("ann@%".into(), "ann@127.0.0.1".into())));
        for (user, password) in [("ann", "wrong"), ("ann", ""), ("nobody", ""), ("root", "x")] {
            assert_eq!(code(connect_as(server, user, password).map(|_| ())), 1045, "{user} {password}");
        }
        ann.query_drop("SET PASSWORD = 'new'").unwrap();
        assert_eq!(code(connect_as(server, "ann", "s3 cret").map(|_| ())), 1045);
        connect_as(server, "ann", "new").unwrap();
        root.query_drop("ALTER USER ann ACCOUNT LOCK").unwrap();
        assert_eq!(code(connect_as(server, "ann", "new").map(|_| ())), 3118);
        root.query_drop("ALTER USER ann ACCOUNT UNLOCK").unwrap();
        root.query_drop("RENAME USER ann TO bea").unwrap();
        connect_as(server, "bea", "new").unwrap();
        root.query_drop("DROP USER bea").unwrap();
        assert_eq!(code(connect_as(server, "bea", "new").map(|_| ())), 1045);
        for (sql, expected) in [
            ("DROP USER bea", 1396),
            ("ALTER USER bea IDENTIFIED BY 'x'", 1396),
            ("CREATE USER root", 1396),
            ("GRANT SELECT ON *.* TO bea", 1410),
            ("SHOW GRANTS FOR bea", 1141),
        ] {
            assert_eq!(code(root.query_drop(sql)), expected, "{sql}");
        }
        root.query_drop("DROP USER IF EXISTS bea").unwrap();
        root.query_drop("CREATE USER IF NOT EXISTS root").unwrap();
    });
}

#[test]
fn only_what_was_granted_is_allowed() {
    with_server(|server| {
        let mut root = connect(server);
        for sql in [
            "CREATE TABLE t (a INT PRIMARY KEY, b INT)",
            "CREATE TABLE secret (a INT)",
            "CREATE VIEW open AS SELECT a FROM secret",
            "CREATE SQL SECURITY INVOKER VIEW closed AS SELECT a FROM secret",
            "CREATE DATABASE other",
            "CREATE USER ann IDENTIFIED BY 'p'",
            "GRANT SELECT, INSERT ON test.t TO ann",
            "GRANT SELECT ON test.open TO ann",
            "GRANT SELECT ON test.closed TO ann",
        ] {
            root.query_drop(sql).unwrap();
        }
        let mut ann = connect_as(server, "ann", "p").unwrap();
        ann.query_drop("USE test").unwrap();
        for sql in [
            "INSERT INTO t VALUES (1, 1)",
            "SELECT * FROM t WHERE a = 1",
            "SELECT * FROM open",
            "SELECT 1",
            "SHOW TABLES",
            "SELECT COUNT(*) FROM information_schema.tables",
        ] {
            ann.query_drop(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        }
        for (sql, expected) in [
            ("DELETE FROM t", 1142),
            ("DELETE FROM t WHERE a = 1", 1142),
            ("UPDATE t SET b = 2 WHERE a = 1", 1142),
            ("REPLACE INTO t VALUES (1, 2)", 1142),
            ("INSERT INTO t VALUES (1, 2) ON DUPLICATE KEY UPDATE b = 3", 1142),
            ("SELECT * FROM secret", 1142),
            ("SELECT * FROM closed", 1142),
            ("SELECT (SELECT MAX(a) FROM secret) FROM t", 1142),
            ("WITH secret AS (SELECT * FROM secret) SELECT * FROM secret", 1142),
            ("SELECT * FROM t, (WITH x AS (SELECT * FROM secret) SELECT * FROM x) y", 1142),
            ("INSERT INTO t SELECT a, a FROM secret", 1142),
            ("SET @x = (SELECT MAX(a) FROM secret)", 1142),
            ("DO (SELECT MAX(a) FROM secret)", 1142),
            ("EXPLAIN SELECT * FROM secret", 1142),
            ("SHOW CREATE TABLE secret", 1142),
            ("DESCRIBE secret", 1142),
            ("SELECT * FROM mysql.user", 1142),
            ("CREATE TABLE t3 (a INT)", 1142),
            ("CREATE TABLE t3 LIKE t", 1142),
            ("DROP TABLE t", 1142),
            ("TRUNCATE TABLE t", 1142),
            ("ALTER TABLE t ADD COLUMN c INT", 1142),
            ("CREATE INDEX i ON t (b)", 1142),
            ("RENAME TABLE t TO u", 1142),
            ("CREATE VIEW v AS SELECT 1 AS a", 1142),
            ("CREATE DATABASE mine", 1044),
            ("DROP DATABASE other", 1044),
            ("USE other", 1044),
            ("CREATE USER eve", 1227),
            ("SET GLOBAL wait_timeout = 5", 1227),
            ("ALTER USER root IDENTIFIED BY 'mine now'", 1227),
            ("GRANT SELECT ON test.t TO ann", 1142),
            ("GRANT ALL ON *.* TO ann", 1045),
            ("SHOW GRANTS FOR root", 1142),
        ] {
            assert_eq!(code(ann.query_drop(sql)), expected, "{sql}");
        }
        assert_eq!(code(ann.exec_drop("SELECT * FROM secret WHERE a > ?", (1,))), 1142);
        let tables: Vec<String> = ann.query("SHOW TABLES").unwrap();
        assert_eq!(tables, ["closed", "open", "t"]);
        let databases: Vec<String> = ann.query("SHOW DATABASES").unwrap();
        assert_eq!(databases, ["information_schema", "test"]);
        let grants: Vec<String> = ann.query("SHOW GRANTS").unwrap();
        assert_eq!(grants[0], "GRANT USAGE ON *.* TO `ann`@`%`");
        assert!(grants.contains(&"GRANT SELECT, INSERT ON `test`.`t` TO `ann`@`%`".to_owned()), "{grants:?}");
        // A right that is taken away is gone for those already connected.
        root.query_drop("REVOKE INSERT ON test.t FROM ann").unwrap();
        assert_eq!(code(ann.query_drop("INSERT INTO t VALUES (2, 2)")), 1142);
        root.query_drop("DROP USER ann").unwrap();
        assert_eq!(code(ann.query_drop("SELECT * FROM t")), 1142);
    });
}

#[test]
fn databases_and_roles_are_granted_as_a_whole() {
    with_server(|server| {
        let mut root = connect(server);
        for sql in [
            "CREATE DATABASE d",
            "CREATE USER ann IDENTIFIED BY 'p'",
            "CREATE ROLE reader",
            "CREATE TABLE t (a INT)",
            "GRANT ALL ON d.* TO ann WITH GRANT OPTION",
            "GRANT SELECT ON test.* TO reader",
        ] {
            root.query_drop(sql).unwrap();
        }
        let mut ann = connect_as(server, "ann", "p").unwrap();
        ann.query_drop("USE d").unwrap();
        for sql in [
            "CREATE TABLE x (a INT PRIMARY KEY, b INT)",
            "INSERT INTO x VALUES (1, 1)",
            "UPDATE x SET b = 2 WHERE a = 1",
            "DELETE FROM x",
        ] {
            ann.query_drop(sql).unwrap();
        }
        assert_eq!(code(ann.query_drop("SELECT * FROM test.t")), 1142);
        root.query_drop("GRANT reader TO ann").unwrap();
        ann.query_drop("SELECT * FROM test.t").unwrap();
        assert_eq!(code(ann.query_drop("INSERT INTO test.t VALUES (1)")), 1142);
        root.query_drop("CREATE USER bea").unwrap();
        ann.query_drop("GRANT SELECT ON d.x TO bea").unwrap();
        connect_as(server, "bea", "").unwrap().query_drop("SELECT * FROM d.x").unwrap();
        root.query_drop("DROP ROLE reader").unwrap();
        assert_eq!(code(ann.query_drop("SELECT * FROM test.t")), 1142);
        let grants: Vec<String> = root.query("SHOW GRANTS FOR ann").unwrap();
        assert_eq!(grants[1], "GRANT ALL PRIVILEGES ON `d`.* TO `ann`@`%` WITH GRANT OPTION");
    });
}

#[test]
fn accounts_outlive_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut root = connect(&server);
    root.query_drop("CREATE USER ann IDENTIFIED BY 'p'").unwrap();
    root.query_drop("SET PASSWORD = 'rooted'").unwrap();
    assert_eq!(code(connect_as(&server, "root", "").map(|_| ())), 1045);
    server.stop().unwrap();
    let server = start(directory.path());
    connect_as(&server, "ann", "p").unwrap();
    connect_as(&server, "root", "rooted").unwrap();
    assert_eq!(code(connect_as(&server, "root", "").map(|_| ())), 1045);
    server.stop().unwrap();
}
