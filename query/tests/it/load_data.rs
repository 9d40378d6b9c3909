//! `LOAD DATA`, of the server's files and of the client's.

use std::io::Write;

use mysql::LocalInfileHandler;
use mysql::prelude::Queryable;

use crate::common::{code, connect, with_server};

#[test]
fn a_file_of_the_clients_is_loaded() {
    with_server(|server| {
        let mut c = connect(server);
        c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), d DATE, n INT DEFAULT 7)").unwrap();
        c.set_local_infile_handler(Some(LocalInfileHandler::new(|file, stream| match file {
            b"a.csv" => stream.write_all(b"id,v\n1,\"a,b\",2024-02-29\n2,\\N,NULL\n3,\"q\"\"q\",2024-01-01\n"),
            b"long" => (0..50_000).try_for_each(|i| writeln!(stream, "{i}\tv{i}")),
            _ => stream.write_all(b""),
        })));
        c.query_drop(
            "LOAD DATA LOCAL INFILE 'a.csv' INTO TABLE t FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' \
             LINES TERMINATED BY '\\n' IGNORE 1 LINES (id, v, d)",
        )
        .unwrap();
        assert_eq!(c.affected_rows(), 3);
        let rows: Vec<(i64, Option<String>, Option<String>, i64)> =
            c.query("SELECT id, v, CAST(d AS CHAR), n FROM t ORDER BY id").unwrap();
        assert_eq!(rows[0], (1, Some("a,b".into()), Some("2024-02-29".into()), 7));
        assert_eq!(rows[1], (2, None, None, 7));
        assert_eq!(rows[2].1.as_deref(), Some("q\"q"));
        // Rows whose keys exist are left out, and the connection goes on after a table that does not exist.
        c.query_drop("LOAD DATA LOCAL INFILE 'long' INTO TABLE t (id, v) SET n = @@auto_increment_increment + 1")
            .unwrap();
        assert_eq!(c.affected_rows(), 50_000 - 3);
        assert_eq!(code(c.query_drop("LOAD DATA LOCAL INFILE 'long' INTO TABLE missing")), 1146);
        let sums: Option<(i64, i64)> = c.query_first("SELECT COUNT(*), SUM(n) FROM t").unwrap();
        assert_eq!(sums, Some((50_000, 3 * 7 + 2 * 49_997)));
        c.query_drop("LOAD DATA LOCAL INFILE 'empty' INTO TABLE t").unwrap();
        assert_eq!(c.affected_rows(), 0);
    });
}

#[test]
fn a_file_of_the_servers_is_loaded_whole_or_in_the_users_transaction() {
    with_server(|server| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "1;x;10\n2;y;20\n").unwrap();
        let path = file.path().display().to_string();
        let mut c = connect(server);
        c.query_drop("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), n INT)").unwrap();
        let load = format!(
            "LOAD DATA INFILE '{path}' INTO TABLE t FIELDS TERMINATED BY ';' (id, @v, @n) \
             SET v = UPPER(@v), n = @n * 2 + id"
        );
        c.query_drop("BEGIN").unwrap();
        c.query_drop(&load).unwrap();
        c.query_drop("ROLLBACK").unwrap();
        c.query_drop(&load).unwrap();
        let rows: Vec<(i64, String, i64)> = c.query("SELECT * FROM t ORDER BY id").unwrap();
        assert_eq!(rows, [(1, "X".into(), 21), (2, "Y".into(), 42)]);
        assert_eq!(code(c.query_drop(&load)), 1062);
        c.query_drop(load.replace("INTO TABLE", "REPLACE INTO TABLE")).unwrap();
        assert_eq!(c.affected_rows(), 4);
        assert_eq!(code(c.query_drop("LOAD DATA INFILE '/no/such/file' INTO TABLE t")), 29);
        assert_eq!(code(c.query_drop(format!("LOAD DATA INFILE '{path}' INTO TABLE t"))), 1261);
    });
}
