//! Transactions of several clients on the same rows.

use mysql::Conn;
use mysql::prelude::Queryable;

use crate::common::{code, connect, with_server};

type Row = (i64, i64, i64);

fn rows(connection: &mut Conn, query: &str) -> Vec<Row> {
    connection.query(query).unwrap()
}

fn two_rows(connection: &mut Conn) {
    connection.query_drop("CREATE TABLE t (id INT PRIMARY KEY, k INT, u INT, KEY by_k (k), UNIQUE by_u (u))").unwrap();
    connection.query_drop("INSERT INTO t VALUES (1, 10, 100), (2, 20, 200)").unwrap();
}

/// A pessimistic transaction changes rows as they are once it has locked them, index entries included,
/// however old its snapshot is.
#[test]
fn what_is_locked_is_changed_without_conflict() {
    with_server(|server| {
        let (mut one, mut other) = (connect(server), connect(server));
        two_rows(&mut one);

        one.query_drop("BEGIN").unwrap();
        assert_eq!(rows(&mut one, "SELECT * FROM t").len(), 2);
        other.query_drop("UPDATE t SET k = k + 1, u = u + 1 WHERE id = 1").unwrap();
        one.query_drop("UPDATE t SET k = k + 1, u = u + 1 WHERE id = 1").unwrap();
        one.query_drop("COMMIT").unwrap();

        one.query_drop("BEGIN").unwrap();
        assert_eq!(rows(&mut one, "SELECT * FROM t").len(), 2);
        other.query_drop("UPDATE t SET k = k + 1, u = u + 1 WHERE id = 2").unwrap();
        one.query_drop("DELETE FROM t WHERE id = 2").unwrap();
        one.query_drop("INSERT INTO t VALUES (2, 20, 201)").unwrap();
        one.query_drop("COMMIT").unwrap();

        let expected = [(1, 12, 102), (2, 20, 201)];
        assert_eq!(rows(&mut other, "SELECT * FROM t ORDER BY id"), expected);
        for (index, column) in [("by_k", "k"), ("by_u", "u")] {
            let query = format!("SELECT * FROM t FORCE INDEX ({index}) WHERE {column} BETWEEN 0 AND 999 ORDER BY id");
            assert_eq!(rows(&mut other, &query), expected, "{index}");
        }
    });
}

#[test]
fn optimistic_transactions_find_out_at_commit() {
    with_server(|server| {
        let (mut one, mut other) = (connect(server), connect(server));
        two_rows(&mut one);
        one.query_drop("BEGIN OPTIMISTIC").unwrap();
        one.query_drop("UPDATE t SET k = k + 1 WHERE id = 1").unwrap();
        other.query_drop("UPDATE t SET k = k + 1 WHERE id = 1").unwrap();
        assert_eq!(code(one.query_drop("COMMIT")), 9007);
        assert_eq!(rows(&mut other, "SELECT * FROM t FORCE INDEX (by_k) WHERE k < 20"), [(1, 11, 100)]);
    });
}

/// Of two that take a free unique value, one waits for the other and then fails.
#[test]
fn a_unique_value_goes_to_the_first() {
    with_server(|server| {
        let (mut one, mut other) = (connect(server), connect(server));
        two_rows(&mut one);
        one.query_drop("BEGIN").unwrap();
        one.query_drop("DELETE FROM t WHERE id = 1").unwrap();
        other.query_drop("BEGIN").unwrap();
        other.query_drop("SET innodb_lock_wait_timeout = 1").unwrap();
        assert_eq!(rows(&mut other, "SELECT * FROM t").len(), 2);
        one.query_drop("INSERT INTO t VALUES (3, 30, 100)").unwrap();
        assert_eq!(code(other.query_drop("INSERT INTO t VALUES (4, 40, 100)")), 1205);
        one.query_drop("COMMIT").unwrap();
        assert_eq!(code(other.query_drop("INSERT INTO t VALUES (4, 40, 100)")), 1062);
        other.query_drop("INSERT INTO t VALUES (4, 40, 400)").unwrap();
        other.query_drop("COMMIT").unwrap();
        assert_eq!(rows(&mut one, "SELECT * FROM t ORDER BY id"), [(2, 20, 200), (3, 30, 100), (4, 40, 400)]);
    });
}

#[test]
fn read_committed_sees_the_newest_state_in_each_query() {
    with_server(|server| {
        let (mut one, mut other) = (connect(server), connect(server));
        two_rows(&mut one);
        for (level, seen) in [("READ COMMITTED", [11, 12]), ("REPEATABLE READ", [10, 10])] {
            other.query_drop("UPDATE t SET k = 10 WHERE id = 1").unwrap();
            one.query_drop(format!("SET SESSION TRANSACTION ISOLATION LEVEL {level}")).unwrap();
            one.query_drop("BEGIN").unwrap();
            let k = |connection: &mut mysql::Conn| -> Vec<i64> {
                // By key, by index, on the columnar copy.
                ["id = 1", "u = 100", "id + 0 = 1"]
                    .map(|condition| {
                        connection.query_first(format!("SELECT k FROM t WHERE {condition}")).unwrap().unwrap()
                    })
                    .to_vec()
            };
            assert_eq!(k(&mut one), [10; 3], "{level}");
            for seen in seen {
                other.query_drop("UPDATE t SET k = k + 1 WHERE id = 1").unwrap();
                assert_eq!(k(&mut one), [seen; 3], "{level}");
            }
            one.query_drop("UPDATE t SET k = k + 100 WHERE id = 1").unwrap();
            assert_eq!(k(&mut one), [112; 3], "{level}");
            one.query_drop("COMMIT").unwrap();
        }
    });
}

#[test]
fn queries_of_the_past() {
    with_server(|server| {
        let (mut one, mut other) = (connect(server), connect(server));
        two_rows(&mut one);
        std::thread::sleep(std::time::Duration::from_millis(10));
        let then: String = one.query_first("SELECT NOW(6)").unwrap().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(10));
        other.query_drop("UPDATE t SET k = 99").unwrap();
        other.query_drop("DELETE FROM t WHERE id = 2").unwrap();

        let (before, after) = ([(1, 10, 100), (2, 20, 200)], [(1, 99, 100)]);
        for rest in ["ORDER BY id", "WHERE id IN (1, 2) ORDER BY id", "WHERE id + 0 < 3 ORDER BY id"] {
            let past = format!("SELECT * FROM t AS OF TIMESTAMP '{then}' {rest}");
            assert_eq!(rows(&mut one, &past), before, "{past}");
            assert_eq!(rows(&mut one, &format!("SELECT * FROM t {rest}")), after);
        }
        one.query_drop(format!("START TRANSACTION READ ONLY AS OF TIMESTAMP '{then}'")).unwrap();
        assert_eq!(rows(&mut one, "SELECT * FROM t ORDER BY id"), before);
        assert_eq!(code(one.query_drop(format!("SELECT * FROM t AS OF TIMESTAMP '{then}'"))), 8135);
        assert_eq!(code(one.query_drop("UPDATE t SET k = 1")), 1792);
        one.query_drop("COMMIT").unwrap();
        assert_eq!(code(one.query_drop("SELECT * FROM t AS OF TIMESTAMP 'yesterday'")), 1292);
        assert_eq!(code(one.query_drop("SELECT * FROM t AS OF TIMESTAMP NOW() + INTERVAL 1 DAY")), 1105);

        one.query_drop("SET tidb_read_staleness = '-1'").unwrap();
        one.query_drop("UPDATE t SET k = k + 1 WHERE id = 1").unwrap();
        let mut seen = rows(&mut one, "SELECT * FROM t WHERE id = 1");
        assert_ne!(seen, [(1, 100, 100)], "a second has not passed");
        while seen != [(1, 100, 100)] {
            seen = rows(&mut one, "SELECT * FROM t WHERE id = 1");
        }
        one.query_drop("SET tidb_read_staleness = ''").unwrap();
        assert_eq!(code(one.query_drop("SET tidb_read_staleness = 5")), 1231);
    });
}
