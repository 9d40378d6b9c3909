//! Indexes are added while others write.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use deltatree_bench::server::Server;
use mysql::prelude::Queryable;
use mysql::{Conn, Error};

use crate::common::{code, connect, start, with_server};

const ROWS: u64 = 4000;

fn fill(connection: &mut Conn) {
    connection.query_drop("CREATE TABLE t (id INT PRIMARY KEY, k INT, u INT, c VARCHAR(10))").unwrap();
    let rows: Vec<_> = (0..ROWS).map(|i| format!("({i}, {}, {i}, 'old')", i * 31 % 1000)).collect();
    connection.query_drop(format!("INSERT INTO t VALUES {}", rows.join(", "))).unwrap();
}

/// Inserts, updates and deletes rows until told to stop; `u` stays unique. Returns how many statements succeeded.
fn write(server: &Server, worker: u64, stop: &AtomicBool) -> u64 {
    let mut connection = connect(server);
    let mut done = 0;
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let number = (n * 4 + worker) * 7919 % ROWS;
        let id = number / 4 * 4 + worker;
        let statement = match n % 4 {
            0 => format!("UPDATE t SET k = k + 1, c = 'new' WHERE id = {id}"),
            1 => format!("DELETE FROM t WHERE id = {id}"),
            2 => format!("REPLACE INTO t VALUES ({id}, {}, {id}, 'back')", n % 1000),
            _ => format!("UPDATE t SET u = u WHERE id BETWEEN {id} AND {}", id + 3),
        };
        match connection.query_drop(statement) {
            Ok(()) => done += 1,
            // A transaction began before the index did.
            Err(Error::MySqlError(e)) if e.code == 8028 => {}
            Err(e) => panic!("{e}"),
        }
    }
    done
}

type Figures = (u64, Option<u64>, Option<u64>, Option<u64>);

/// Whether an index on one column finds the rows that the columnar copy has. Nothing but the index leads to
/// few rows of a value, and few rows are read by the index that does.
fn index_agrees(connection: &mut Conn, column: &str) {
    let figures = "COUNT(*), SUM(id), SUM(k), SUM(u)";
    for from in (0..ROWS).step_by(100) {
        let values: Vec<_> = (from..from + 100).map(|v| v.to_string()).collect();
        let values = values.join(", ");
        let by_index: Figures =
            connection.query_first(format!("SELECT {figures} FROM t WHERE {column} IN ({values})")).unwrap().unwrap();
        let scanned: Figures = connection
            .query_first(format!(
                "SELECT {figures} FROM t WHERE {column} + 0 >= {from} AND {column} + 0 < {from} + 100"
            ))
            .unwrap()
            .unwrap();
        assert_eq!(by_index, scanned, "{column} from {from}");
    }
}

#[test]
fn writers_go_on_and_every_row_is_entered() {
    with_server(|server| {
        let mut connection = connect(server);
        fill(&mut connection);
        let stop = AtomicBool::new(false);
        let written = AtomicU64::new(0);
        thread::scope(|scope| {
            for worker in 0..3 {
                let (stop, written) = (&stop, &written);
                scope.spawn(move || written.fetch_add(write(server, worker, stop), Ordering::Relaxed));
            }
            connection.query_drop("ALTER TABLE t ADD INDEX by_k (k)").unwrap();
            connection.query_drop("CREATE UNIQUE INDEX by_u ON t (u)").unwrap();
            connection.query_drop("ALTER TABLE t ADD INDEX by_both (c, k)").unwrap();
            stop.store(true, Ordering::Relaxed);
        });
        assert!(written.load(Ordering::Relaxed) > 0);
        index_agrees(&mut connection, "k");
        index_agrees(&mut connection, "u");
        connection.query_drop("DROP INDEX by_k ON t").unwrap();
        connection.query_drop("ALTER TABLE t ADD INDEX by_k (k)").unwrap();
        index_agrees(&mut connection, "k");
    });
}

#[test]
fn a_duplicate_leaves_the_table_as_it_was() {
    with_server(|server| {
        let mut connection = connect(server);
        fill(&mut connection);
        let refused = connection.query_drop("ALTER TABLE t ADD UNIQUE by_k (k)");
        assert!(matches!(&refused, Err(Error::MySqlError(e)) if e.message.contains("for key 't.by_k'")), "{refused:?}");
        assert_eq!(code(refused), 1062);
        let definition: (String, String) = connection.query_first("SHOW CREATE TABLE t").unwrap().unwrap();
        assert!(!definition.1.contains("by_k"), "{}", definition.1);
        connection.query_drop("UPDATE t SET k = 1").unwrap();
        connection.query_drop("ALTER TABLE t ADD INDEX by_k (k)").unwrap();
        index_agrees(&mut connection, "k");
    });
}

/// A row that somebody has locked holds the index up; meanwhile the statement can be killed, or the server.
#[test]
fn an_index_that_was_given_up_can_be_added_again() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let (mut holder, mut other) = (connect(&server), connect(&server));
    let add = |mut connection: Conn| thread::spawn(move || connection.query_drop("ALTER TABLE t ADD INDEX by_k (k)"));
    let adding_by = |connection: &mut Conn| -> u64 {
        let state = "SELECT id FROM information_schema.processlist WHERE state LIKE 'adding index by_k to t: %'";
        loop {
            if let Some(id) = connection.query_first(state).unwrap() {
                return id;
            }
            thread::yield_now();
        }
    };
    fill(&mut holder);
    holder.query_drop("BEGIN").unwrap();
    holder.query_drop("SELECT * FROM t WHERE id = 3000 FOR UPDATE").unwrap();
    let adding = add(connect(&server));
    let id = adding_by(&mut other);
    other.query_drop(format!("KILL QUERY {id}")).unwrap();
    assert_eq!(code(adding.join().unwrap()), 1317);
    holder.query_drop("COMMIT").unwrap();
    other.query_drop("ALTER TABLE t ADD INDEX by_k (k)").unwrap();
    index_agrees(&mut other, "k");
    other.query_drop("DROP INDEX by_k ON t").unwrap();

    holder.query_drop("BEGIN").unwrap();
    holder.query_drop("SELECT * FROM t WHERE id = 3000 FOR UPDATE").unwrap();
    let adding = add(connect(&server));
    adding_by(&mut other);
    server.kill();
    assert!(adding.join().unwrap().is_err());

    let server = start(directory.path());
    let mut connection = connect(&server);
    let definition: (String, String) = connection.query_first("SHOW CREATE TABLE t").unwrap().unwrap();
    assert!(!definition.1.contains("by_k"), "{}", definition.1);
    connection.query_drop("ALTER TABLE t ADD INDEX by_k (k)").unwrap();
    index_agrees(&mut connection, "k");
    server.stop().unwrap();
}
