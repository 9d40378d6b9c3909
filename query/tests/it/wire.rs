//! Types, transactions and counters through the text and the binary protocol.

use deltatree_bench::server::{Server, ServerCommand};
use mysql::prelude::Queryable;
use mysql::{Conn, Row, Value};

fn with_server(test: impl FnOnce(&Server)) {
    let directory = tempfile::tempdir().unwrap();
    let command = ServerCommand::binary(env!("CARGO_BIN_EXE_deltatree"));
    let server = Server::start(&command, directory.path()).unwrap();
    test(&server);
    server.stop().unwrap();
}

fn connect(server: &Server) -> Conn {
    let mut connection = server.connect().unwrap();
    connection.query_drop("USE test").unwrap();
    connection
}

fn code(result: Result<(), mysql::Error>) -> u16 {
    match result {
        Err(mysql::Error::MySqlError(e)) => e.code,
        other => panic!("expected an error of the server, got {other:?}"),
    }
}

const TYPES: &str = "CREATE TABLE types (id BIGINT UNSIGNED PRIMARY KEY, t TINYINT, u SMALLINT UNSIGNED, m MEDIUMINT, \
                     i INT, b BIGINT, d DECIMAL(30,4), f FLOAT, g DOUBLE, c CHAR(5), v VARCHAR(20), x TEXT, y BLOB, \
                     da DATE, ti TIME(3), dt DATETIME(6), ts TIMESTAMP NULL, ye YEAR, bo BOOL)";

const ROW: &str = "INSERT INTO types VALUES (18446744073709551615, -128, 65535, -8388608, -2147483648, \
                   -9223372036854775808, -12345678901234567890123456.7891, 1.5, -2.25, 'ab', 'naïve', 'text', \
                   x'00ff', '2024-02-29', '-838:59:59.000', '2024-02-29 12:34:56.123456', '2024-02-29 12:34:56', \
                   2024, TRUE), (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
                   NULL, NULL, NULL, NULL, NULL)";

#[test]
fn every_type_survives_both_protocols() {
    with_server(|server| {
        let mut connection = connect(server);
        connection.query_drop(TYPES).unwrap();
        connection.query_drop(ROW).unwrap();
        let text: Vec<Row> = connection.query("SELECT * FROM types ORDER BY id DESC").unwrap();
        let text: Vec<_> = text[0].clone().unwrap().into_iter().map(|v| v.as_sql(true)).collect();
        assert_eq!(text[0], "'18446744073709551615'");
        assert_eq!(text[6], "'-12345678901234567890123456.7891'");
        assert_eq!(text[14], "'-838:59:59.000'");
        assert_eq!(text[15], "'2024-02-29 12:34:56.123456'");
        let binary: Vec<Row> = connection.exec("SELECT * FROM types WHERE id > ? ORDER BY id DESC", (0,)).unwrap();
        let values = binary[0].clone().unwrap();
        assert_eq!(values[0], Value::UInt(u64::MAX));
        assert_eq!(values[1], Value::Int(-128));
        assert_eq!(values[5], Value::Int(i64::MIN));
        assert_eq!(values[6], Value::Bytes(b"-12345678901234567890123456.7891".to_vec()));
        assert_eq!(values[12], Value::Bytes(vec![0, 0xFF]));
        assert_eq!(values[13], Value::Date(2024, 2, 29, 0, 0, 0, 0));
        assert_eq!(values[14], Value::Time(true, 34, 22, 59, 59, 0));
        assert_eq!(values[15], Value::Date(2024, 2, 29, 12, 34, 56, 123_456));
        assert!(binary[1].clone().unwrap()[1..].iter().all(|v| *v == Value::NULL));
    });
}

#[test]
fn parameters_of_every_kind_are_bound() {
    with_server(|server| {
        let mut connection = connect(server);
        connection.query_drop("CREATE TABLE p (a INT, b VARCHAR(20), c DOUBLE, d DATETIME, e BLOB)").unwrap();
        let date = Value::Date(2024, 2, 29, 1, 2, 3, 0);
        let insert = "INSERT INTO p VALUES (?, ?, ?, ?, ?)";
        connection.exec_drop(insert, (-7, "it's", 0.25, date.clone(), vec![0u8, 1, 0xFE])).unwrap();
        connection.exec_drop(insert, (None::<i32>, None::<&str>, None::<f64>, Value::NULL, None::<&str>)).unwrap();
        let rows: Vec<Row> = connection.exec("SELECT * FROM p WHERE b = ? AND c < ?", ("it's", 1)).unwrap();
        let values = rows[0].clone().unwrap();
        assert_eq!(values[0], Value::Int(-7));
        assert_eq!(values[3], date);
        assert_eq!(values[4], Value::Bytes(vec![0, 1, 0xFE]));
        let nulls: Option<u32> = connection.exec_first("SELECT COUNT(*) FROM p WHERE a IS NULL", ()).unwrap();
        assert_eq!(nulls, Some(1));
    });
}

#[test]
fn transactions_isolate_and_roll_back() {
    with_server(|server| {
        let (mut one, mut two) = (connect(server), connect(server));
        one.query_drop("CREATE TABLE tx (id INT PRIMARY KEY, v INT)").unwrap();
        one.query_drop("INSERT INTO tx VALUES (1, 10), (2, 20)").unwrap();
        one.query_drop("BEGIN").unwrap();
        one.query_drop("UPDATE tx SET v = v + 1 WHERE id = 1").unwrap();
        let count = |c: &mut Conn, id: i32| c.exec_first::<i32, _, _>("SELECT v FROM tx WHERE id = ?", (id,)).unwrap();
        assert_eq!((count(&mut one, 1), count(&mut two, 1)), (Some(11), Some(10)));
        one.query_drop("SAVEPOINT a").unwrap();
        one.query_drop("DELETE FROM tx").unwrap();
        let sum: Option<Option<i64>> = one.query_first("SELECT SUM(v) FROM tx").unwrap();
        assert_eq!(sum, Some(None));
        one.query_drop("ROLLBACK TO a").unwrap();
        // A failed statement undoes itself alone.
        assert_eq!(code(one.query_drop("INSERT INTO tx VALUES (3, 30), (2, 0)")), 1062);
        one.query_drop("COMMIT").unwrap();
        let all: Vec<(i32, i32)> = two.query("SELECT id, v FROM tx ORDER BY id").unwrap();
        assert_eq!(all, [(1, 11), (2, 20)]);
        assert_eq!(code(two.query_drop("ROLLBACK TO SAVEPOINT a")), 1305);
    });
}

#[test]
fn concurrent_increments_lose_nothing() {
    with_server(|server| {
        let mut connection = connect(server);
        connection.query_drop("CREATE TABLE n (id INT PRIMARY KEY, v INT)").unwrap();
        connection.query_drop("INSERT INTO n VALUES (1, 0)").unwrap();
        std::thread::scope(|scope| {
            for explicit in [false, true, false, true] {
                let mut connection = connect(server);
                scope.spawn(move || {
                    for _ in 0..25 {
                        if explicit {
                            connection.query_drop("BEGIN").unwrap();
                        }
                        connection.query_drop("UPDATE n SET v = v + 1 WHERE id = 1").unwrap();
                        if explicit {
                            connection.query_drop("COMMIT").unwrap();
                        }
                    }
                });
            }
        });
        assert_eq!(connection.query_first::<i32, _>("SELECT v FROM n").unwrap(), Some(100));
    });
}

#[test]
fn changed_rows_are_counted_as_mysql_does() {
    with_server(|server| {
        let mut connection = connect(server);
        connection.query_drop("CREATE TABLE k (id INT PRIMARY KEY AUTO_INCREMENT, v INT UNIQUE)").unwrap();
        let mut affected = |sql: &str| {
            connection.query_drop(sql).unwrap();
            (connection.affected_rows(), connection.last_insert_id())
        };
        assert_eq!(affected("INSERT INTO k (v) VALUES (1), (2), (3)"), (3, 1));
        assert_eq!(affected("INSERT INTO k (v) VALUES (1) ON DUPLICATE KEY UPDATE v = 10").0, 2);
        assert_eq!(affected("INSERT INTO k (v) VALUES (10) ON DUPLICATE KEY UPDATE v = 10").0, 0);
        assert_eq!(affected("INSERT IGNORE INTO k (v) VALUES (2)").0, 0);
        assert_eq!(affected("REPLACE INTO k (id, v) VALUES (1, 2)").0, 3);
        assert_eq!(affected("UPDATE k SET v = v").0, 0);
        assert_eq!(affected("UPDATE k SET v = v + 100").0, 2);
        assert_eq!(affected("DELETE FROM k WHERE v > 0 ORDER BY id LIMIT 1").0, 1);
    });
}

#[test]
fn columns_are_found_in_any_case_on_both_paths() {
    with_server(|server| {
        let mut connection = connect(server);
        connection.query_drop("CREATE TABLE Cases (Id INT PRIMARY KEY, L_Name VARCHAR(10))").unwrap();
        connection.query_drop("INSERT INTO Cases (ID, l_name) VALUES (1, 'one'), (2, 'two')").unwrap();
        for engine in ["tikv", "tiflash"] {
            connection.query_drop(format!("SET tidb_isolation_read_engines = '{engine}'")).unwrap();
            let rows: Vec<(i64, String)> =
                connection.query("SELECT id, L_NAME FROM Cases WHERE l_Name <> 'one' ORDER BY ID").unwrap();
            assert_eq!(rows, [(2, "two".to_owned())], "{engine}");
        }
    });
}

#[test]
fn a_locking_read_and_the_update_after_it_see_one_state() {
    with_server(|server| {
        let mut connection = connect(server);
        connection.query_drop("CREATE TABLE d (w INT, d INT, next INT, PRIMARY KEY (w, d))").unwrap();
        connection.query_drop("INSERT INTO d VALUES (1, 1, 10), (1, 2, 20)").unwrap();
        connection.query_drop("BEGIN").unwrap();
        let next: Option<i64> = connection.query_first("SELECT next FROM d WHERE d = 1 AND w = 1 FOR UPDATE").unwrap();
        assert_eq!(next, Some(10));
        connection.query_drop("UPDATE d SET next = 10 + 1 WHERE d = 1 AND w = 1").unwrap();
        connection.query_drop("UPDATE d SET next = next + 1 WHERE next > 5").unwrap();
        assert_eq!(connection.affected_rows(), 2);
        connection.query_drop("COMMIT").unwrap();
        let all: Vec<i64> = connection.query("SELECT next FROM d ORDER BY d").unwrap();
        assert_eq!(all, [12, 21]);
    });
}
