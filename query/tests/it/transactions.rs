//! Transactions of several clients on the same rows.

use mysql::Conn;
use mysql::prelude::Queryable;

use crate::common::{code, connect, start, with_server};

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

/// What an optimistic transaction has read `FOR UPDATE` and does not write must be as it was, too.
#[test]
fn optimistic_transactions_rely_on_what_they_read_for_update() {
    with_server(|server| {
        let (mut one, mut other) = (connect(server), connect(server));
        two_rows(&mut one);
        let reads = [
            ("SELECT * FROM t WHERE id = 1", true),
            ("SELECT * FROM t WHERE id = 1 FOR UPDATE", false),
            ("SELECT * FROM t WHERE k < 20 FOR UPDATE", false),
            ("SELECT * FROM t WHERE id % 2 = 1 FOR UPDATE", false),
        ];
        for (read, commits) in reads {
            one.query_drop("BEGIN OPTIMISTIC").unwrap();
            assert_eq!(rows(&mut one, read).len(), 1, "{read}");
            other.query_drop("UPDATE t SET u = u + 1 WHERE id = 1").unwrap();
            one.query_drop("UPDATE t SET k = k + 1 WHERE id = 2").unwrap();
            let committed = one.query_drop("COMMIT");
            if commits {
                committed.unwrap();
            } else {
                assert_eq!(code(committed), 9007, "{read}");
            }
        }
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

/// Several clients that bring the same new rows: one inserts, the others find its row, and nobody is refused.
#[test]
fn rows_that_several_bring_at_once_are_nobodys_duplicates() {
    const CLIENTS: usize = 4;
    const ROWS: usize = 200;
    with_server(|server| {
        connect(server).query_drop("CREATE TABLE t (id INT PRIMARY KEY, n INT, u INT, UNIQUE by_u (u))").unwrap();
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let mut connection = connect(server);
                scope.spawn(move || {
                    for id in 0..ROWS {
                        let row = format!("INTO t VALUES ({id}, 1, {id})");
                        let statement = match (id + client) % 3 {
                            0 => format!("REPLACE {row}"),
                            1 => format!("INSERT IGNORE {row}"),
                            _ => format!("INSERT {row} ON DUPLICATE KEY UPDATE n = n + 1"),
                        };
                        connection.query_drop(statement).unwrap();
                    }
                });
            }
        });
        assert_eq!(rows(&mut connect(server), "SELECT COUNT(*), COUNT(DISTINCT u), 0 FROM t"), [(200, 200, 0)]);
    });
}

/// Waits until a statement that begins like this runs, and a little longer.
fn await_statement(connection: &mut Conn, begins: &str) {
    loop {
        let running: Vec<mysql::Row> = connection.query("SHOW FULL PROCESSLIST").unwrap();
        let statements = running.iter().filter_map(|row| row.get::<Option<String>, _>("Info").flatten());
        if statements.into_iter().any(|statement| statement.starts_with(begins)) {
            return std::thread::sleep(std::time::Duration::from_millis(300));
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// A new index waits for no commit, and one that waits for a row does not fail by it. A transaction from before the
/// index would not have its entries.
#[test]
fn an_index_is_added_while_a_commit_waits_for_a_row_of_another_transaction() {
    with_server(|server| {
        let mut owner = connect(server);
        two_rows(&mut owner);
        owner.query_drop("BEGIN PESSIMISTIC").unwrap();
        owner.query_drop("UPDATE t SET k = k + 1 WHERE id = 1").unwrap();
        let mut look = connect(server);
        let mut added = 0;
        std::thread::scope(|scope| {
            let (mut waiter, mut changer) = (connect(server), connect(server));
            scope.spawn(move || waiter.query_drop("UPDATE t SET k = k + 100 WHERE id = 1").unwrap());
            await_statement(&mut look, "UPDATE");
            scope.spawn(move || changer.query_drop("ALTER TABLE t ADD INDEX by_id (id, k)").unwrap());
            await_statement(&mut look, "ALTER");
            let committed = owner.query_drop("COMMIT");
            added = u8::from(committed.is_ok());
            assert!(committed.is_ok() || code(committed) == 8028);
        });
        let query = "SELECT * FROM t FORCE INDEX (by_id) WHERE id >= 0 ORDER BY id";
        assert_eq!(rows(&mut look, query), [(1, 110 + i64::from(added), 100), (2, 20, 200)]);
    });
}

#[test]
fn the_gc_life_time_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut connection = connect(&server);
    let shown = |connection: &mut mysql::Conn| -> (String, String) {
        connection.query_first("SHOW GLOBAL VARIABLES LIKE 'tidb_gc_life_time'").unwrap().unwrap()
    };
    assert_eq!(shown(&mut connection).1, "10m0s");
    for (value, expected) in [("'9m59s'", 1231), ("'8761h'", 1231), ("'soon'", 1232), ("10", 1232), ("'-20m'", 1232)] {
        assert_eq!(code(connection.query_drop(format!("SET GLOBAL tidb_gc_life_time = {value}"))), expected, "{value}");
    }
    assert_eq!(code(connection.query_drop("SET tidb_gc_life_time = '1h'")), 1229);
    // The transaction goes on.
    connection.query_drop("CREATE TABLE t (id INT PRIMARY KEY)").unwrap();
    connection.query_drop("BEGIN").unwrap();
    connection.query_drop("INSERT INTO t VALUES (1)").unwrap();
    connection.query_drop("SET GLOBAL tidb_gc_life_time = '1h30m'").unwrap();
    connection.query_drop("ROLLBACK").unwrap();
    assert_eq!(connection.query_first("SELECT COUNT(*) FROM t").unwrap(), Some(0));
    assert_eq!(shown(&mut connection).1, "1h30m0s");
    server.kill();

    let server = start(directory.path());
    let mut connection = connect(&server);
    assert_eq!(shown(&mut connection).1, "1h30m0s");
    connection.query_drop("SET GLOBAL tidb_gc_life_time = DEFAULT").unwrap();
    assert_eq!(connection.query_first("SELECT @@tidb_gc_life_time").unwrap(), Some("10m0s".to_owned()));
    server.stop().unwrap();
}
