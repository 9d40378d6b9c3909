//! Columns get other types while others write.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use deltatree_bench::server::Server;
use mysql::prelude::Queryable;
use mysql::{Conn, Error, Row, Value};

use crate::common::{code, connect, start, with_server};

const ROWS: u64 = 4000;

fn fill(connection: &mut Conn) {
    connection
        .query_drop(
            "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 7 COMMENT 'count', c VARCHAR(10), d DATETIME,
             u INT, KEY by_n (n), KEY by_both (c, n), UNIQUE by_u (u))",
        )
        .unwrap();
    let rows: Vec<_> =
        (0..ROWS).map(|i| format!("({i}, {}, '{}', '2024-01-02 03:04:05', {i})", i * 31 % 1000, i * 7)).collect();
    connection.query_drop(format!("INSERT INTO t VALUES {}", rows.join(", "))).unwrap();
}

/// Inserts, updates and deletes rows until told to stop. Returns how many statements succeeded.
fn write(mut connection: Conn, worker: u64, stop: &AtomicBool) -> u64 {
    let mut done = 0;
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let number = (n * 4 + worker) * 7919 % ROWS;
        let id = number / 4 * 4 + worker;
        let statement = match n % 6 {
            0 => format!("UPDATE t SET n = n + 1, c = '{n}' WHERE id = {id}"),
            1 => format!("DELETE FROM t WHERE id = {id}"),
            2 => format!("REPLACE INTO t VALUES ({id}, {}, '{n}', '2025-01-01', {id})", n % 1000),
            5 => format!("UPDATE t SET u = -u WHERE id = {id}"),
            3 => format!("INSERT IGNORE INTO t (id, c) VALUES ({}, '3')", ROWS + n * 4 + worker),
            _ => format!("UPDATE t SET n = n WHERE id BETWEEN {id} AND {}", id + 3),
        };
        match connection.query_drop(statement) {
            Ok(()) => done += 1,
            Err(Error::MySqlError(e)) if e.code == 8028 => {}
            Err(Error::MySqlError(e)) => panic!("{e}"),
            // The server was killed.
            Err(_) => break,
        }
    }
    done
}

/// Reads both copies until told to stop. What they show of a type is either of the two.
fn read(server: &Server, stop: &AtomicBool) {
    let mut connection = connect(server);
    while !stop.load(Ordering::Relaxed) {
        for statement in [
            "SELECT /*+ READ_FROM_STORAGE(TIFLASH[t]) */ COUNT(*), SUM(n IS NULL), SUM(n < 0) FROM t",
            "SELECT /*+ READ_FROM_STORAGE(TIKV[t]) */ COUNT(*), SUM(n IS NULL), SUM(n < 0) FROM t",
            "SELECT COUNT(*), SUM(n IS NULL), SUM(n < 0) FROM t WHERE id BETWEEN 10 AND 20",
        ] {
            match connection.query_first::<(u64, Option<u64>, Option<u64>), _>(statement) {
                Ok(figures) => {
                    let (_, nulls, negative) = figures.unwrap();
                    assert_eq!((nulls.unwrap_or(0), negative.unwrap_or(0)), (0, 0), "{statement}");
                }
                // The definition changed between planning and reading.
                Err(Error::MySqlError(e)) if matches!(e.code, 8028 | 1412) => {}
                Err(e) => panic!("{e}"),
            }
        }
    }
}

fn rows(connection: &mut Conn, copy: &str) -> Vec<Vec<Value>> {
    let rows: Vec<Row> =
        connection.query(format!("SELECT /*+ READ_FROM_STORAGE({copy}[t]) */ * FROM t ORDER BY id")).unwrap();
    rows.into_iter().map(Row::unwrap).collect()
}

/// The row store's rows, which must be the columnar copy's.
fn agreed_rows(connection: &mut Conn) -> Vec<Vec<Value>> {
    let stored = rows(connection, "TIKV");
    assert!(stored == rows(connection, "TIFLASH"), "the copies differ");
    stored
}

/// Every row is found by its indexes, once. Nothing but the index leads to few rows of a value.
fn indexes_agree(connection: &mut Conn) {
    let figures = "COUNT(*), SUM(id)";
    for (column, named) in [("n", 0..1100), ("u", 0..ROWS)] {
        for from in named.step_by(100) {
            let values: Vec<_> = (from..from + 100).map(|v| format!("'{v}', '-{v}'")).collect();
            let values = values.join(", ");
            let by_index: (u64, Option<u64>) = connection
                .query_first(format!("SELECT {figures} FROM t WHERE {column} IN ({values})"))
                .unwrap()
                .unwrap();
            let scanned: (u64, Option<u64>) = connection
                .query_first(format!("SELECT {figures} FROM t WHERE CONCAT({column}, '') IN ({values})"))
                .unwrap()
                .unwrap();
            assert_eq!(by_index, scanned, "{column} from {from}");
        }
    }
}

fn definition(connection: &mut Conn) -> String {
    connection.query_first::<(String, String), _>("SHOW CREATE TABLE t").unwrap().unwrap().1
}

#[test]
fn writers_and_readers_go_on_and_every_row_is_converted() {
    with_server(|server| {
        let mut connection = connect(server);
        fill(&mut connection);
        let stop = AtomicBool::new(false);
        let written = AtomicU64::new(0);
        thread::scope(|scope| {
            for worker in 0..3 {
                let (stop, written) = (&stop, &written);
                let connection = connect(server);
                scope.spawn(move || written.fetch_add(write(connection, worker, stop), Ordering::Relaxed));
            }
            scope.spawn(|| read(server, &stop));
            for change in [
                "MODIFY n BIGINT NOT NULL DEFAULT 8 COMMENT 'wide'",
                "MODIFY COLUMN n DECIMAL(12,2) NOT NULL DEFAULT 7",
                "CHANGE n n VARCHAR(30) NOT NULL DEFAULT '9' AFTER c",
                "MODIFY n INT UNSIGNED NOT NULL DEFAULT 5 FIRST",
                "MODIFY c BIGINT",
                "MODIFY d DATE",
                "MODIFY u VARCHAR(8)",
            ] {
                connection.query_drop(format!("ALTER TABLE t {change}")).unwrap_or_else(|e| panic!("{change}: {e}"));
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert!(written.load(Ordering::Relaxed) > 0);
        let shown = definition(&mut connection);
        assert!(shown.contains("`n` int unsigned NOT NULL DEFAULT '5',\n  `id` int"), "{shown}");
        assert!(shown.contains("`c` bigint") && shown.contains("`d` date"), "{shown}");
        assert!(agreed_rows(&mut connection).len() > 1000);
        indexes_agree(&mut connection);
        let odd = "SELECT COUNT(*) FROM t WHERE n IS NULL OR c IS NULL OR d NOT IN ('2024-01-02', '2025-01-01')
                   AND id < 4000";
        assert_eq!(connection.query_first(odd).unwrap(), Some(0));
    });
}

#[test]
fn values_arrive_cast_as_an_insert_casts_them() {
    with_server(|server| {
        let mut connection = connect(server);
        for (old, values, new, expected) in [
            ("INT", "(1, -5), (2, NULL), (3, 2147483647)", "BIGINT", "-5,NULL,2147483647"),
            ("INT", "(1, -5), (2, NULL), (3, 70)", "VARCHAR(5)", "-5,NULL,70"),
            ("VARCHAR(9)", "(1, '12'), (2, ' 3'), (3, '-4.6')", "INT", "12,3,-5"),
            ("DECIMAL(10,2)", "(1, 1.25), (2, -99999999.99)", "DECIMAL(12,4)", "1.2500,-99999999.9900"),
            ("DECIMAL(10,2)", "(1, 1.25), (2, NULL)", "DECIMAL(5,1)", "1.3,NULL"),
            ("DATETIME", "(1, '2024-02-29 23:59:59')", "DATE", "2024-02-29"),
            ("DATE", "(1, '2024-02-29')", "DATETIME(3)", "2024-02-29 00:00:00.000"),
            ("DATETIME(6)", "(1, '2024-02-29 23:59:59.500000')", "DATETIME", "2024-03-01 00:00:00"),
            ("TIMESTAMP", "(1, '2024-07-01 12:00:00')", "DATETIME", "2024-07-01 12:00:00"),
            ("DOUBLE", "(1, 0.1), (2, 1e3)", "DECIMAL(8,3)", "0.100,1000.000"),
            ("INT", "(1, 0), (2, 255)", "TINYINT UNSIGNED", "0,255"),
            ("VARCHAR(20)", "(1, 'abc'), (2, 'ab  ')", "CHAR(3)", "abc,ab"),
            ("VARCHAR(20)", "(1, '{\"b\":1, \"a\":[]}')", "JSON", "{\"a\": [], \"b\": 1}"),
            ("VARCHAR(20)", "(1, 'b')", "ENUM('a','b')", "b"),
            ("INT", "(1, 5)", "INT NOT NULL", "5"),
        ] {
            connection.query_drop("SET time_zone = '+08:00'").unwrap();
            connection.query_drop(format!("CREATE TABLE t (id INT PRIMARY KEY, v {old})")).unwrap();
            connection.query_drop(format!("INSERT INTO t VALUES {values}")).unwrap();
            connection
                .query_drop(format!("ALTER TABLE t MODIFY v {new}"))
                .unwrap_or_else(|e| panic!("{old} {new}: {e}"));
            for copy in ["TIKV", "TIFLASH"] {
                let found: Vec<Option<String>> = connection
                    .query(format!("SELECT /*+ READ_FROM_STORAGE({copy}[t]) */ CAST(v AS CHAR) FROM t ORDER BY id"))
                    .unwrap();
                let found: Vec<_> = found.into_iter().map(|v| v.unwrap_or("NULL".into())).collect();
                assert_eq!(found.join(","), expected, "{old} to {new} by {copy}");
            }
            connection.query_drop("DROP TABLE t").unwrap();
        }
    });
}

#[test]
fn what_does_not_fit_leaves_the_table_as_it_was() {
    with_server(|server| {
        let mut connection = connect(server);
        fill(&mut connection);
        connection
            .query_drop("INSERT INTO t VALUES (10000, 70000, 'abc', NULL, NULL), (10001, -1, '7', NULL, 10001)")
            .unwrap();
        let (before, shown) = (agreed_rows(&mut connection), definition(&mut connection));
        for (change, expected) in [
            ("MODIFY n SMALLINT", 1264),
            ("MODIFY n INT UNSIGNED", 1264),
            ("MODIFY n VARCHAR(3)", 1406),
            ("MODIFY c INT", 1366),
            ("MODIFY c VARCHAR(2)", 1406),
            ("MODIFY c DATE", 1292),
            ("MODIFY c ENUM('1')", 1265),
            ("MODIFY d DATETIME NOT NULL", 1138),
            ("MODIFY id BIGINT", 8200),
            ("MODIFY n BIGINT AFTER nobody", 1054),
            ("CHANGE n c BIGINT", 1060),
            ("MODIFY nobody BIGINT", 1054),
        ] {
            let refused = connection.query_drop(format!("ALTER TABLE t {change}"));
            assert_eq!(code(refused), expected, "{change}");
            assert_eq!(definition(&mut connection), shown, "{change}");
        }
        assert!(agreed_rows(&mut connection) == before);
        // Nobody casts any more.
        connection.query_drop("INSERT INTO t VALUES (10002, 70000, 'abc', NULL, NULL)").unwrap();
        connection.query_drop("DELETE FROM t WHERE id >= 10000").unwrap();
        connection.query_drop("ALTER TABLE t MODIFY c INT, MODIFY d DATE NOT NULL, MODIFY n SMALLINT").unwrap();
        assert_eq!(agreed_rows(&mut connection).len() as u64, ROWS);
    });
}

#[test]
fn a_value_that_is_unique_no_more_is_refused() {
    with_server(|server| {
        let mut connection = connect(server);
        connection.query_drop("CREATE TABLE t (id INT PRIMARY KEY, d DATETIME, UNIQUE by_d (d))").unwrap();
        connection.query_drop("INSERT INTO t VALUES (1, '2024-01-01 01:00:00'), (2, '2024-01-01 02:00:00')").unwrap();
        let refused = connection.query_drop("ALTER TABLE t MODIFY d DATE");
        let message = "Duplicate entry '2024-01-01' for key 't.by_d'";
        assert!(matches!(&refused, Err(Error::MySqlError(e)) if e.message == message), "{refused:?}");
        assert_eq!(code(refused), 1062);
        connection.query_drop("UPDATE t SET d = '2024-01-02 02:00:00' WHERE id = 2").unwrap();
        connection.query_drop("ALTER TABLE t MODIFY d DATE").unwrap();
        assert_eq!(code(connection.query_drop("INSERT INTO t VALUES (3, '2024-01-01')")), 1062);
        connection.query_drop("UPDATE t SET d = '2024-01-03' WHERE d = '2024-01-01'").unwrap();
        connection.query_drop("INSERT INTO t VALUES (3, '2024-01-01')").unwrap();
        assert_eq!(agreed_rows(&mut connection).len(), 3);
    });
}

#[test]
fn checks_hold_for_the_new_values() {
    with_server(|server| {
        let mut connection = connect(server);
        connection.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v DOUBLE, CHECK (v < 10))").unwrap();
        connection.query_drop("INSERT INTO t VALUES (1, 9.4)").unwrap();
        connection.query_drop("ALTER TABLE t MODIFY v DECIMAL(8,1)").unwrap();
        connection.query_drop("ALTER TABLE t MODIFY v DOUBLE").unwrap();
        connection.query_drop("INSERT INTO t VALUES (2, 9.97)").unwrap();
        assert_eq!(code(connection.query_drop("ALTER TABLE t MODIFY v DECIMAL(8,1)")), 3819);
        assert_eq!(connection.query_first("SELECT v FROM t WHERE id = 2").unwrap(), Some(9.97));
    });
}

/// Another definition does not tell what rows were before: who began to read then is told so.
#[test]
fn a_transaction_from_before_cannot_read_the_table() {
    with_server(|server| {
        let (mut connection, mut old) = (connect(server), connect(server));
        fill(&mut connection);
        old.query_drop("BEGIN").unwrap();
        assert_eq!(old.query_first("SELECT COUNT(*) FROM t").unwrap(), Some(ROWS));
        connection.query_drop("ALTER TABLE t MODIFY n BIGINT").unwrap();
        for statement in ["SELECT COUNT(*) FROM t", "SELECT n FROM t WHERE id = 1", "UPDATE t SET n = 1 WHERE id = 1"] {
            assert_eq!(code(old.query_drop(statement)), 1412, "{statement}");
        }
        old.query_drop("COMMIT").unwrap();
        assert_eq!(old.query_first("SELECT COUNT(*) FROM t").unwrap(), Some(ROWS));
    });
}

/// A row that somebody has locked holds the change up; meanwhile the statement can be killed, or the server.
#[test]
fn a_change_that_was_given_up_leaves_the_table_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let (mut holder, mut other) = (connect(&server), connect(&server));
    let change =
        |mut connection: Conn| thread::spawn(move || connection.query_drop("ALTER TABLE t MODIFY n TINYINT UNSIGNED"));
    let changing = |connection: &mut Conn| -> u64 {
        let state = "SELECT id FROM information_schema.processlist
                     WHERE state LIKE 'converting column n of t: %' AND state NOT LIKE '%: 0 %'";
        loop {
            if let Some(id) = connection.query_first(state).unwrap() {
                return id;
            }
            thread::yield_now();
        }
    };
    fill(&mut holder);
    holder.query_drop("UPDATE t SET n = n % 200").unwrap();
    let (before, shown) = (agreed_rows(&mut other), definition(&mut other));
    holder.query_drop("BEGIN").unwrap();
    holder.query_drop("SELECT * FROM t WHERE id = 3000 FOR UPDATE").unwrap();
    let altering = change(connect(&server));
    let id = changing(&mut other);
    // Nobody sees the new column, and writers cannot store what does not fit it.
    assert_eq!(definition(&mut other), shown);
    assert!(agreed_rows(&mut other) == before);
    assert_eq!(code(other.query_drop("INSERT INTO t VALUES (9000, 256, '1', NULL, NULL)")), 1264);
    assert_eq!(code(other.query_drop("UPDATE t SET n = -1 WHERE id = 5")), 1264);
    other.query_drop(format!("KILL QUERY {id}")).unwrap();
    assert_eq!(code(altering.join().unwrap()), 1317);
    holder.query_drop("COMMIT").unwrap();
    // The statement has ended, and undoes what it began.
    let mut stored = other.query_drop("INSERT INTO t VALUES (9000, 256, '1', NULL, NULL)");
    while matches!(&stored, Err(Error::MySqlError(e)) if e.code == 1264) {
        stored = other.query_drop("INSERT INTO t VALUES (9000, 256, '1', NULL, NULL)");
    }
    stored.unwrap();
    other.query_drop("DELETE FROM t WHERE id = 9000").unwrap();
    assert_eq!(definition(&mut other), shown);
    assert!(agreed_rows(&mut other) == before);

    holder.query_drop("BEGIN").unwrap();
    holder.query_drop("SELECT * FROM t WHERE id = 3000 FOR UPDATE").unwrap();
    let altering = change(connect(&server));
    changing(&mut other);
    server.kill();
    assert!(altering.join().unwrap().is_err());

    let server = start(directory.path());
    let mut connection = connect(&server);
    assert_eq!(definition(&mut connection), shown);
    assert!(agreed_rows(&mut connection) == before);
    connection.query_drop("INSERT INTO t VALUES (9000, 256, '1', NULL, NULL)").unwrap();
    connection.query_drop("DELETE FROM t WHERE id = 9000").unwrap();
    connection.query_drop("ALTER TABLE t MODIFY n TINYINT UNSIGNED").unwrap();
    let converted = agreed_rows(&mut connection);
    server.kill();

    let server = start(directory.path());
    let mut connection = connect(&server);
    assert!(definition(&mut connection).contains("`n` tinyint unsigned"));
    assert!(agreed_rows(&mut connection) == converted);
    server.stop().unwrap();
}

/// Kills the server at some moment of changes that follow one another while others write. The changes are of a kind
/// that leaves the values as they are shown.
fn kill_in_the_middle(rounds: u64) {
    let directory = tempfile::tempdir().unwrap();
    let mut server = start(directory.path());
    fill(&mut connect(&server));
    for round in 0..rounds {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for worker in 0..2 {
                let (connection, stop) = (connect(&server), &stop);
                scope.spawn(move || write(connection, worker, stop));
            }
            let mut connection = connect(&server);
            scope.spawn(move || {
                for change in
                    ["n BIGINT", "u VARCHAR(9)", "n VARCHAR(9)", "u INT", "n DECIMAL(9)", "n INT"].iter().cycle()
                {
                    match connection.query_drop(format!("ALTER TABLE t MODIFY {change}")) {
                        Ok(()) => {}
                        Err(Error::MySqlError(e)) => panic!("{change}: {e}"),
                        Err(_) => break,
                    }
                }
            });
            thread::sleep(std::time::Duration::from_millis(200 + round * 337 % 900));
            server.kill();
        });
        server = start(directory.path());
        let mut connection = connect(&server);
        assert!(agreed_rows(&mut connection).len() > 1000, "round {round}");
        indexes_agree(&mut connection);
        let lost = format!("SELECT COUNT(*) FROM t WHERE id < {ROWS} AND (n IS NULL OR u IS NULL OR d IS NULL)");
        assert_eq!(connection.query_first(lost).unwrap(), Some(0), "round {round}");
    }
    server.stop().unwrap();
}

#[test]
fn a_server_that_is_killed_has_either_definition_and_all_rows_by_it() {
    kill_in_the_middle(2);
}

#[test]
#[ignore = "takes minutes"]
fn a_server_that_is_killed_twenty_times_has_either_definition_and_all_rows_by_it() {
    kill_in_the_middle(20);
}
