//! `IMPORT INTO`: all rows or none, on both paths, whatever happens meanwhile.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampMillisecondArray, UInt64Array,
};
use arrow::datatypes::Int8Type;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::properties::WriterProperties;
use mysql::prelude::Queryable;
use mysql::{Conn, Row};

use crate::common::{code, connect, start, with_server};

const PATIENCE: Duration = Duration::from_secs(60);

/// Rows as text, by both engines, which must agree.
fn rows(c: &mut Conn, query: &str) -> Vec<String> {
    let [rows, columns] = ["tikv", "tiflash"].map(|engine| {
        c.query_drop(format!("SET tidb_isolation_read_engines = '{engine}'")).unwrap();
        let rows: Vec<Row> = c.query(query).unwrap();
        rows.into_iter().map(|row| format!("{:?}", row.unwrap())).collect::<Vec<_>>()
    });
    c.query_drop("SET tidb_isolation_read_engines = 'tikv,tiflash,tidb'").unwrap();
    assert_eq!(rows, columns, "{query}");
    rows
}

fn count(c: &mut Conn, table: &str) -> u64 {
    let counted = rows(c, &format!("SELECT CAST(COUNT(*) AS CHAR) FROM {table} WHERE 1 + id > 0"));
    counted[0].trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}

/// What `SHOW IMPORT JOB` says of a job: status, rows, message.
fn job(c: &mut Conn, id: u64) -> (String, u64, String) {
    let row: Row = c.query_first(format!("SHOW IMPORT JOB {id}")).unwrap().unwrap();
    (row.get("Status").unwrap(), row.get("Imported_Rows").unwrap(), row.get("Result_Message").unwrap())
}

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn write_parquet(path: &Path, columns: Vec<(&str, ArrayRef)>, group_rows: usize) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let groups = WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)).build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(groups)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// A text file of `id,id % 97,'v' id`.
fn numbers(dir: &Path, name: &str, ids: impl Iterator<Item = u64>) -> PathBuf {
    let mut text = String::new();
    ids.for_each(|id| writeln!(text, "{id},{},v{id}", id % 97).unwrap());
    write(dir, name, &text)
}

#[test]
fn text_is_taken_as_load_data_takes_it_for_every_type() {
    let dir = tempfile::tempdir().unwrap();
    with_server(|server| {
        let mut c = connect(server);
        for table in ["imported", "loaded"] {
            c.query_drop(format!(
                "CREATE TABLE {table} (id BIGINT PRIMARY KEY, i8 TINYINT, u8 TINYINT UNSIGNED, i16 SMALLINT, \
                 i24 MEDIUMINT, i32 INT, u64 BIGINT UNSIGNED, d DECIMAL(20, 4), big DECIMAL(50, 3), f FLOAT, g DOUBLE, \
                 ch CHAR(4), vc VARCHAR(20) NOT NULL DEFAULT 'none', tx TEXT, bi BINARY(4), vb VARBINARY(9), bl BLOB, \
                 da DATE, ti TIME(3), dt DATETIME(6), ts TIMESTAMP, y YEAR, e ENUM('x', 'y'), s SET('a', 'b'), \
                 b BIT(9), j JSON)"
            ))
            .unwrap();
        }
        let text = "header\r\n\
            2,-128,255,-32768,8388607,1,18446744073709551615,12.34567,1234567890123456789012345678901234567.125,1.5,\
            0.1,ab,\"a,\"\"b\",\"line\r\nbreak\",x,\\\\y,z,2024-02-29,-11:22:33.456,2024-01-01 01:02:03.000004,\
            2024-01-01 00:00:00,1999,y,\"a,b\",5,\"{\"\"a\"\": [1]}\"\r\n\
            1,\\N,0,0,0,\\N,0,0,0,0,0,,,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,\\N,,0,null\r\n\
            -3,1,2,3,4,5,6,7,8,9,10,c,é,t,b,v,l,1000-01-01,838:59:59,9999-12-31 23:59:59,2038-01-19 03:14:07,2155,x,b,\
            B,3\r\n";
        let path = write(dir.path(), "types.csv", text).display().to_string();
        let result: Row =
            c.query_first(format!("IMPORT INTO imported FROM '{path}' WITH skip_rows=1")).unwrap().unwrap();
        let shown = |name| result.get::<String, _>(name).unwrap();
        assert_eq!((shown("Status"), shown("Imported_Rows")), ("finished".into(), "3".into()));
        assert_eq!(shown("Target_Table"), "`test`.`imported`");
        assert!(shown("Created_By").starts_with("root@") && !shown("End_Time").is_empty());
        c.query_drop(format!(
            "LOAD DATA INFILE '{path}' INTO TABLE loaded FIELDS TERMINATED BY ',' ENCLOSED BY '\"' \
             LINES TERMINATED BY '\\r\\n' IGNORE 1 LINES"
        ))
        .unwrap();
        let imported = rows(&mut c, "SELECT * FROM imported ORDER BY id");
        assert_eq!(imported, rows(&mut c, "SELECT * FROM loaded ORDER BY id"));
        assert_eq!(imported.len(), 3);
    });
}

#[test]
fn parquet_goes_by_name_in_any_order_with_indexes_defaults_and_numbers() {
    let dir = tempfile::tempdir().unwrap();
    with_server(|server| {
        let mut c = connect(server);
        // Two files, several row groups, keys in no order.
        for (file, part) in ["b.parquet", "a.parquet"].into_iter().zip(0..) {
            let ids: Vec<i64> = (0..3000).map(|i| (i * 7919 % 3000) * 2 + part).collect();
            write_parquet(
                &dir.path().join(file),
                vec![
                    (
                        "Price",
                        Arc::new(
                            Decimal128Array::from_iter_values(ids.iter().map(|i| i128::from(*i) * 10))
                                .with_precision_and_scale(15, 2)
                                .unwrap(),
                        ) as ArrayRef,
                    ),
                    ("id", Arc::new(Int64Array::from(ids.clone()))),
                    ("u", Arc::new(UInt64Array::from_iter_values(ids.iter().map(|i| *i as u64 + 5)))),
                    ("name", Arc::new(StringArray::from_iter_values(ids.iter().map(|i| format!("n{}", i % 10))))),
                    (
                        "kind",
                        Arc::new(
                            ["x", "y", "x"].into_iter().cycle().take(ids.len()).collect::<DictionaryArray<Int8Type>>(),
                        ),
                    ),
                    ("d", Arc::new(ids.iter().map(|i| (i % 3 != 0).then_some(*i as i32)).collect::<Date32Array>())),
                    ("t", Arc::new(TimestampMillisecondArray::from_iter_values(ids.iter().map(|i| i * 1001)))),
                    ("clock", Arc::new(Time64MicrosecondArray::from_iter_values(ids.iter().map(|i| i * 1_000_000)))),
                    ("f", Arc::new(Float64Array::from_iter_values(ids.iter().map(|i| *i as f64 / 4.0)))),
                ],
                1000,
            );
        }
        c.query_drop(
            "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(10), kind ENUM('x', 'y'), d DATE, t DATETIME(3), \
             clock TIME, f DOUBLE, price DECIMAL(12, 2), u BIGINT UNSIGNED UNIQUE, extra INT DEFAULT 7, KEY by_name (name, d))",
        )
        .unwrap();
        c.query_drop(format!("IMPORT INTO t FROM '{}/*.parquet'", dir.path().display())).unwrap();
        assert_eq!(count(&mut c, "t"), 6000);
        let sums = rows(
            &mut c,
            "SELECT SUM(id), SUM(price), SUM(u), SUM(extra), COUNT(d), COUNT(DISTINCT name), SUM(f) FROM t",
        );
        assert!(sums[0].contains("17997000") && sums[0].contains("42000") && sums[0].contains("18027000"), "{sums:?}");
        let one = rows(&mut c, "SELECT name, kind, d, t, clock, f, price FROM t WHERE id = 4000");
        assert_eq!(one.len(), 1);
        assert!(one[0].contains("\"n0\"") && one[0].contains("400.00") && one[0].contains("\"1000\""), "{one:?}");
        // The indexes have their entries, and the unique one keeps others out.
        let by_name: u64 =
            c.query_first("SELECT COUNT(*) FROM t USE INDEX (by_name) WHERE name = 'n3'").unwrap().unwrap();
        assert_eq!(by_name, 600);
        let by_u: Option<i64> = c.query_first("SELECT id FROM t WHERE u = 4005").unwrap();
        assert_eq!(by_u, Some(4000));
        assert_eq!(code(c.query_drop("INSERT INTO t (id, u) VALUES (9000, 4005)")), 1062);
        // From here on the table is like any other.
        c.query_drop("UPDATE t SET extra = 8 WHERE id < 10").unwrap();
        c.query_drop("DELETE FROM t WHERE id >= 5990").unwrap();
        assert_eq!(rows(&mut c, "SELECT SUM(extra) FROM t WHERE id < 20").len(), 1);
        assert_eq!(count(&mut c, "t"), 5990);
        // Keys that are handed out, and columns by their places.
        c.query_drop("CREATE TABLE n (id BIGINT PRIMARY KEY AUTO_INCREMENT, v DECIMAL(10, 2), k INT)").unwrap();
        c.query_drop(format!("IMPORT INTO n (v, k) FROM '{}/*.parquet'", dir.path().display())).unwrap();
        assert_eq!(count(&mut c, "n"), 6000);
        c.query_drop("INSERT INTO n (k) VALUES (1)").unwrap();
        assert_eq!(count(&mut c, "n"), 6001);
        c.query_drop("CREATE TABLE h (v DECIMAL(10, 2), id INT)").unwrap();
        c.query_drop(format!("IMPORT INTO h (v, id) FROM '{}/*.parquet'", dir.path().display())).unwrap();
        c.query_drop("INSERT INTO h VALUES (1, 6000)").unwrap();
        let hidden = rows(&mut c, "SELECT CAST(SUM(id) AS SIGNED), COUNT(*) FROM h");
        assert!(hidden[0].contains("18003000") && hidden[0].contains("6001"), "{hidden:?}");
    });
}

#[test]
fn whatever_is_wrong_leaves_the_table_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    with_server(|server| {
        let mut c = connect(server);
        c.query_drop(
            "CREATE TABLE t (id INT PRIMARY KEY, u INT NOT NULL, v VARCHAR(5), UNIQUE KEY by_u (u), CHECK (u < 1000))",
        )
        .unwrap();
        let import = |c: &mut Conn, text: &str| {
            let path = write(dir.path(), "t.csv", text);
            let failed = c.query_drop(format!("IMPORT INTO t FROM '{}'", path.display())).unwrap_err();
            let mysql::Error::MySqlError(failed) = failed else { panic!("{failed}") };
            (failed.code, failed.message)
        };
        let duplicate = |key: &str| (1062, format!("Duplicate entry '2' for key 't.{key}'"));
        assert_eq!(import(&mut c, "2,1,a\n1,2,b\n2,3,c\n"), duplicate("PRIMARY"));
        assert_eq!(import(&mut c, "1,1,a\n2,2,b\n3,2,c\n"), duplicate("by_u"));
        for (text, wrong) in [
            ("1,1,a\nx,2,b\n", 1366),
            ("1,1,a\n2,\\N,b\n", 1048),
            ("1,1,a\n2,2,too long\n", 1406),
            ("1,1,a\n2,1000,b\n", 3819),
            ("1,1,a\n2,2\n", 1261),
            ("1,1,a\n2,2,b,c\n", 1262),
            ("1,1,a\n2,3000000000,b\n", 1264),
        ] {
            let (code, message) = import(&mut c, text);
            assert_eq!(code, wrong, "{text}: {message}");
            assert!(message.contains("t.csv'"), "{message}");
            assert_eq!(count(&mut c, "t"), 0);
        }
        let path = write(dir.path(), "t.csv", "1,1,a\n").display().to_string();
        assert_eq!(code(c.query_drop("IMPORT INTO t FROM '/no/such/file.csv'")), 29);
        assert_eq!(code(c.query_drop(format!("IMPORT INTO t FROM '{path}' FORMAT 'parquet'"))), 8157);
        assert_eq!(code(c.query_drop(format!("IMPORT INTO t (id, missing) FROM '{path}'"))), 1054);
        assert_eq!(code(c.query_drop(format!("IMPORT INTO missing FROM '{path}'"))), 1146);
        assert_eq!(code(c.query_drop("CANCEL IMPORT JOB 1")), 8170);
        c.query_drop("BEGIN").unwrap();
        assert_eq!(code(c.query_drop(format!("IMPORT INTO t FROM '{path}'"))), 1179);
        c.query_drop("ROLLBACK").unwrap();
        c.query_drop("INSERT INTO t VALUES (7, 7, 'x')").unwrap();
        assert_eq!(code(c.query_drop(format!("IMPORT INTO t FROM '{path}'"))), 8173);
        assert_eq!(count(&mut c, "t"), 1);
        c.query_drop("DELETE FROM t").unwrap();
        c.query_drop(format!("IMPORT INTO t FROM '{path}'")).unwrap();
        assert_eq!(count(&mut c, "t"), 1);
        let jobs: Vec<Row> = c.query("SHOW IMPORT JOBS").unwrap();
        let failed = jobs.iter().filter(|job| job.get::<String, _>("Status").unwrap() == "failed").count();
        assert_eq!((jobs.len(), failed), (11, 10));
    });
}

#[test]
fn nobody_else_writes_meanwhile_and_an_import_can_be_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = numbers(dir.path(), "n.csv", (0..300_000).rev()).display().to_string();
    with_server(|server| {
        let (mut c, mut other) = (connect(server), connect(server));
        c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, n INT, v VARCHAR(20))").unwrap();
        other.query_drop("BEGIN").unwrap();
        other.query_drop("INSERT INTO t VALUES (1, 1, 'early')").unwrap();
        let started: Row = c.query_first(format!("IMPORT INTO t FROM '{path}' WITH detached")).unwrap().unwrap();
        let id: u64 = started.get("Job_ID").unwrap();
        for statement in [
            "INSERT INTO t VALUES (-1, 1, 'x')",
            "UPDATE t SET n = 1 WHERE id = 5",
            "DELETE FROM t WHERE id = 5",
            "ALTER TABLE t ADD COLUMN w INT",
            "CREATE INDEX by_n ON t (n)",
            "TRUNCATE TABLE t",
            "DROP TABLE t",
            "RENAME TABLE t TO t2",
        ] {
            assert_eq!(code(c.query_drop(statement)), 8258, "{statement}");
        }
        assert_eq!(code(c.query_drop(format!("IMPORT INTO t FROM '{path}'"))), 8258);
        // Who wrote before the import began finds out when it commits.
        assert_eq!(code(other.query_drop("COMMIT")), 8028);
        assert_eq!(count(&mut other, "t"), 0);
        c.query_drop(format!("CANCEL IMPORT JOB {id}")).unwrap();
        assert_eq!(job(&mut c, id).0, "cancelled");
        assert_eq!(code(c.query_drop(format!("CANCEL IMPORT JOB {id}"))), 8171);
        assert_eq!(count(&mut c, "t"), 0);
        c.query_drop("INSERT INTO t VALUES (1, 1, 'x')").unwrap();
        c.query_drop("TRUNCATE TABLE t").unwrap();

        // KILL QUERY of the connection that waits.
        let connection: u32 = c.query_first("SELECT CONNECTION_ID()").unwrap().unwrap();
        let waiting = path.clone();
        let waits = std::thread::spawn(move || code(c.query_drop(format!("IMPORT INTO t FROM '{waiting}'"))));
        let begun = Instant::now();
        loop {
            let running: Vec<Row> = other.query("SHOW IMPORT JOBS").unwrap();
            if running.iter().any(|job| job.get::<String, _>("Status").unwrap() == "running") {
                break;
            }
            assert!(begun.elapsed() < PATIENCE);
        }
        other.query_drop(format!("KILL QUERY {connection}")).unwrap();
        assert_eq!(waits.join().unwrap(), 1317);
        assert_eq!(count(&mut other, "t"), 0);
        other.query_drop("INSERT INTO t VALUES (1, 1, 'x')").unwrap();
        other.query_drop("TRUNCATE TABLE t").unwrap();
        // Who began before the rows were there does not find them in the middle of a transaction.
        let mut reader = connect(server);
        reader.query_drop("BEGIN").unwrap();
        assert_eq!(reader.query_first::<u64, _>("SELECT COUNT(*) FROM t").unwrap(), Some(0));
        other.query_drop(format!("IMPORT INTO t FROM '{path}'")).unwrap();
        assert_eq!(count(&mut other, "t"), 300_000);
        assert_eq!(code(reader.query_first::<u64, _>("SELECT COUNT(*) FROM t")), 1412);
        assert_eq!(code(reader.query_first::<u64, _>("SELECT n FROM t WHERE id = 5")), 1412);
        reader.query_drop("COMMIT").unwrap();
        assert_eq!(count(&mut reader, "t"), 300_000);
    });
}

/// Kills the server when an import has written so many rows, and looks what the next one finds.
fn killed_at(path: &str, rows_before: u64) {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut c = connect(&server);
    c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, n INT, v VARCHAR(20), KEY by_n (n))").unwrap();
    let started: Row = c.query_first(format!("IMPORT INTO t FROM '{path}' WITH detached")).unwrap().unwrap();
    let id: u64 = started.get("Job_ID").unwrap();
    let begun = Instant::now();
    while job(&mut c, id).1 < rows_before {
        assert!(begun.elapsed() < PATIENCE);
    }
    let done = job(&mut c, id).0 == "finished";
    server.kill();
    let server = start(directory.path());
    let mut c = connect(&server);
    let (status, _, message) = job(&mut c, id);
    if status == "finished" {
        assert_eq!(count(&mut c, "t"), 200_000);
    } else {
        assert!(!done && status == "failed", "{status}: {message}");
        assert_eq!(count(&mut c, "t"), 0);
        assert!(!directory.path().join("import").exists(), "spilled files are left");
        c.query_drop(format!("IMPORT INTO t FROM '{path}'")).unwrap();
        assert_eq!(count(&mut c, "t"), 200_000);
    }
    let by_index: u64 = c.query_first("SELECT COUNT(*) FROM t USE INDEX (by_n) WHERE n = 5").unwrap().unwrap();
    assert_eq!(by_index, 200_000 / 97 + 1);
    server.stop().unwrap();
    // What was imported is there after an orderly end as well.
    let server = start(directory.path());
    assert_eq!(count(&mut connect(&server), "t"), 200_000);
    server.stop().unwrap();
}

#[test]
fn a_server_killed_in_the_middle_has_all_rows_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = numbers(dir.path(), "n.csv", (0..200_000).rev()).display().to_string();
    for rows_before in [0, 100_000] {
        killed_at(&path, rows_before);
    }
}

#[test]
#[ignore = "takes minutes"]
fn a_server_killed_anywhere_has_all_rows_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = numbers(dir.path(), "n.csv", (0..200_000).rev()).display().to_string();
    for step in 0..=20 {
        killed_at(&path, step * 10_000);
    }
}
