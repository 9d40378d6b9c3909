//! Statements about a few rows by key do what they do when they are planned.

use mysql::prelude::Queryable;
use mysql::{Conn, Row};

use crate::common::{code, connect, with_server};

const QUERIES: [&str; 16] = [
    "SELECT * FROM t WHERE {} ORDER BY id",
    "SELECT c FROM t WHERE {} ORDER BY c, id",
    "SELECT DISTINCT c FROM t WHERE {} ORDER BY c",
    "SELECT SUM(k), AVG(k), COUNT(*), MIN(c), MAX(id) FROM t WHERE {}",
    "SELECT k % 3 AS g, COUNT(*) FROM t WHERE {} GROUP BY g HAVING COUNT(*) > 1 ORDER BY g",
    "SELECT x.id, x.k + 1 AS l, UPPER(x.c) FROM t AS x WHERE {} ORDER BY l DESC, x.id",
    "SELECT GROUP_CONCAT(id ORDER BY id) FROM t WHERE {}",
    "SELECT id, ROW_NUMBER() OVER (ORDER BY c, id) FROM t WHERE {} ORDER BY id",
    "SELECT SUM(k) FROM t WHERE {} HAVING 1 = 0",
    "SELECT 1 FROM t WHERE {}",
    "SELECT id, c FROM t WHERE {} ORDER BY id DESC LIMIT 2",
    "SELECT k, c FROM t WHERE {} ORDER BY k DESC, c, id LIMIT 3, 4",
    "SELECT DISTINCT k FROM t WHERE {} ORDER BY k",
    "SELECT DISTINCT c, k FROM t WHERE {} ORDER BY c DESC, k LIMIT 5",
    "SELECT id AS c, x.c AS id FROM t x WHERE {} ORDER BY id, x.id",
    "SELECT ALL c FROM t WHERE {} ORDER BY k IS NULL, t.k DESC, id",
];

/// The first condition of each pair is on the key, the second is the same in a form that no plan is kept for.
const CONDITIONS: [(&str, &str); 7] = [
    ("id BETWEEN 3 AND 9", "id + 0 BETWEEN 3 AND 9"),
    ("id BETWEEN 5 AND 150", "id + 0 BETWEEN 5 AND 150"),
    ("id >= 7 AND 9 > id", "id + 0 >= 7 AND id + 0 < 9"),
    ("(id > 18) AND id <= 30", "id + 0 > 18 AND id + 0 <= 30"),
    ("id IN (9, 3, 50, 5)", "id + 0 IN (9, 3, 50, 5)"),
    ("id BETWEEN 9 AND 3", "id + 0 BETWEEN 9 AND 3"),
    ("id BETWEEN 1000 AND 1100", "id + 0 BETWEEN 1000 AND 1100"),
];

fn rows(connection: &mut Conn, query: &str) -> Vec<String> {
    let rows: Vec<Row> = connection.query(query).unwrap();
    rows.into_iter().map(|row| format!("{:?}", row.unwrap())).collect()
}

fn both_agree(connection: &mut Conn) {
    for query in QUERIES {
        for (by_key, otherwise) in CONDITIONS {
            let [by_key, otherwise] = [by_key, otherwise].map(|condition| query.replace("{}", condition));
            assert_eq!(rows(connection, &by_key), rows(connection, &otherwise), "{by_key}");
        }
    }
}

fn fill(connection: &mut Conn, key: &str) {
    connection.query_drop(format!("CREATE TABLE t (id {key} PRIMARY KEY, k INT, c VARCHAR(20))")).unwrap();
    let rows: Vec<String> =
        (1..=40).map(|id| format!("({id}, NULLIF({}, 3), 'text {}')", id * 7 % 11, id % 5)).collect();
    connection.query_drop(format!("INSERT INTO t VALUES {}", rows.join(", "))).unwrap();
}

#[test]
fn kept_plans_read_what_new_ones_read() {
    with_server(|server| {
        let (mut one, mut other) = (connect(server), connect(server));
        for key in ["BIGINT", "INT UNSIGNED", "BIGINT UNSIGNED"] {
            fill(&mut one, key);
            both_agree(&mut one);
            // Own changes show; those of others do not before this transaction ends.
            one.query_drop("BEGIN").unwrap();
            one.query_drop("DELETE FROM t WHERE id = 5").unwrap();
            one.query_drop("UPDATE t SET c = 'own', k = 100 WHERE id IN (7, 20)").unwrap();
            one.query_drop("INSERT INTO t VALUES (1001, 1, 'own')").unwrap();
            other.query_drop("UPDATE t SET c = 'other' WHERE id = 6").unwrap();
            both_agree(&mut one);
            both_agree(&mut other);
            let text = |connection: &mut Conn| rows(connection, "SELECT c FROM t WHERE id BETWEEN 6 AND 7");
            assert_eq!(text(&mut one), ["[Bytes(\"text 1\")]", "[Bytes(\"own\")]"]);
            assert_eq!(text(&mut other), ["[Bytes(\"other\")]", "[Bytes(\"text 2\")]"]);
            one.query_drop("COMMIT").unwrap();
            both_agree(&mut other);
            one.query_drop("ALTER TABLE t ADD COLUMN n INT DEFAULT 5").unwrap();
            both_agree(&mut other);
            one.query_drop("DROP TABLE t").unwrap();
            assert_eq!(code(other.query_drop("SELECT * FROM t WHERE id BETWEEN 1 AND 2")), 1146);
        }
    });
}

#[test]
fn prepared_ranges_take_new_keys_each_time() {
    with_server(|server| {
        let mut one = connect(server);
        fill(&mut one, "INT");
        let sum = one.prep("SELECT COUNT(*), SUM(id) FROM t WHERE id BETWEEN ? AND ?").unwrap();
        for (low, high) in [(1, 10), (5, 5), (38, 90), (9, 2), (1, 40), (-5, 3)] {
            let kept: Vec<i64> = (1..=40).filter(|id| (low..=high).contains(id)).collect();
            let expected = (kept.len() as i64, (!kept.is_empty()).then(|| kept.iter().sum::<i64>()));
            let found: Option<(i64, Option<i64>)> = one.exec_first(&sum, (low, high)).unwrap();
            assert_eq!(found, Some(expected), "{low} to {high}");
        }
    });
}

/// Conditions on a composite key or an index, and the same in a form that is planned.
const COMPOSITE: [(&str, &str); 12] = [
    ("a = 2 AND b = 3", "a + 0 = 2 AND b + 0 = 3"),
    ("b = 3 AND 2 = a AND c = 4", "a + 0 = 2 AND b + 0 = 3 AND c + 0 = 4"),
    ("a = 1 AND b = 2 AND c > 2 AND c <= 5", "a + 0 = 1 AND b + 0 = 2 AND c + 0 > 2 AND c + 0 <= 5"),
    ("a = 1 AND b = 2 AND c > 5 AND c < 3", "a + 0 = 1 AND c + 0 > 5 AND c + 0 < 3"),
    ("a = 1 AND b = 2 AND c >= 4", "a + 0 = 1 AND b + 0 = 2 AND c + 0 >= 4"),
    ("a = 1 AND b = 2 AND c < 3", "a + 0 = 1 AND b + 0 = 2 AND c + 0 < 3"),
    ("a IN (2, 1) AND b = 3", "a + 0 IN (2, 1) AND b + 0 = 3"),
    ("a = 3 AND b BETWEEN 1 AND 2", "a + 0 = 3 AND b + 0 BETWEEN 1 AND 2"),
    ("d = 5", "d + 0 = 5"),
    ("d = 4 AND n < 3", "d + 0 = 4 AND n + 0 < 3"),
    ("d > 8", "d + 0 > 8"),
    ("s = 'text 3'", "CONCAT(s) = 'text 3'"),
];

/// What to select in which order: rows that compare equal are not told apart.
const ORDERS: [(&str, &str); 10] = [
    ("c", "ORDER BY c LIMIT 2"),
    ("c", "ORDER BY c DESC LIMIT 1"),
    ("a, b, c, v", "ORDER BY a, b, c LIMIT 1, 3"),
    ("b, c", "ORDER BY b DESC, c DESC LIMIT 3 OFFSET 1"),
    ("*", "ORDER BY d DESC, a, b, c LIMIT 4"),
    ("*", "ORDER BY c, b, a"),
    ("a", "ORDER BY a, b, c LIMIT 0"),
    ("n", "ORDER BY n LIMIT 3"),
    ("n", "ORDER BY n DESC LIMIT 12"),
    ("DISTINCT d", "ORDER BY d LIMIT 2"),
];

fn fill_composite(connection: &mut Conn, name: &str) {
    let columns = "a INT, b BIGINT UNSIGNED, c INT, d INT, n INT, s VARCHAR(20), v INT";
    let keys = "PRIMARY KEY (a, b, c), KEY (d, n), UNIQUE KEY (s, a, b, c)";
    connection.query_drop(format!("CREATE TABLE {name} ({columns}, {keys})")).unwrap();
    let mut rows = Vec::new();
    for i in 0..108 {
        let (a, b, c) = (1 + i / 36, 1 + i / 6 % 6, 1 + i % 6);
        let n = if i % 7 == 0 { "NULL".to_owned() } else { (i % 5).to_string() };
        rows.push(format!("({a}, {b}, {c}, {}, {n}, 'text {}', {i})", i % 10, i % 9));
    }
    connection.query_drop(format!("INSERT INTO {name} VALUES {}", rows.join(", "))).unwrap();
}

fn composite_queries_agree(connection: &mut Conn, lock: &str) {
    for (by_key, otherwise) in COMPOSITE {
        for (columns, order) in ORDERS {
            let query = |condition| format!("SELECT {columns} FROM t WHERE {condition} {order} {lock}");
            assert_eq!(rows(connection, &query(by_key)), rows(connection, &query(otherwise)), "{}", query(by_key));
        }
        let query = |condition| format!("SELECT COUNT(*), SUM(v), MAX(s) FROM t WHERE {condition} {lock}");
        assert_eq!(rows(connection, &query(by_key)), rows(connection, &query(otherwise)), "{}", query(by_key));
    }
}

#[test]
fn prefixes_of_composite_keys_and_indexes() {
    with_server(|server| {
        let (mut one, mut other) = (connect(server), connect(server));
        fill_composite(&mut one, "t");
        composite_queries_agree(&mut one, "");
        one.query_drop("BEGIN").unwrap();
        one.query_drop("DELETE FROM t WHERE a = 2 AND b = 3 AND c < 3").unwrap();
        one.query_drop("UPDATE t SET v = v + 1, d = 5 WHERE a = 1 AND b = 2").unwrap();
        one.query_drop("INSERT INTO t VALUES (2, 3, 9, 5, 0, 'own', 1), (1, 2, 0, 9, 1, 'text 3', 2)").unwrap();
        composite_queries_agree(&mut one, "");
        composite_queries_agree(&mut one, "FOR UPDATE");
        composite_queries_agree(&mut other, "");
        let count = |connection: &mut Conn| rows(connection, "SELECT COUNT(*) FROM t WHERE a = 2 AND b = 3");
        assert_eq!(count(&mut one), ["[Bytes(\"5\")]"]);
        assert_eq!(count(&mut other), ["[Bytes(\"6\")]"]);
        one.query_drop("COMMIT").unwrap();
        composite_queries_agree(&mut other, "");
    });
}

#[test]
fn changes_by_prefix_change_what_planned_ones_change() {
    with_server(|server| {
        let mut connection = connect(server);
        let changes = [
            "UPDATE {t} SET v = v * 2, n = 1 WHERE {}",
            "UPDATE {t} SET d = d + 1, n = n + 1 WHERE {}",
            "UPDATE {t} SET s = 'changed', v = a + b WHERE {}",
            "UPDATE {t} SET c = c + 100 WHERE {}",
            "DELETE FROM {t} WHERE {}",
        ];
        for transaction in ["START TRANSACTION", "BEGIN OPTIMISTIC", "ROLLBACK"] {
            for change in changes {
                fill_composite(&mut connection, "t");
                fill_composite(&mut connection, "u");
                for (by_key, otherwise) in COMPOSITE {
                    connection.query_drop(transaction).unwrap();
                    let affected = [("t", by_key), ("u", otherwise)].map(|(table, condition)| {
                        let statement = change.replace("{t}", table).replace("{}", condition);
                        connection
                            .query_drop(&statement)
                            .map(|()| connection.affected_rows())
                            .map_err(|e| e.to_string())
                    });
                    // The names of the tables are in the messages.
                    assert_eq!(affected[0].as_ref().ok(), affected[1].as_ref().ok(), "{change} {by_key}");
                    connection.query_drop("COMMIT").unwrap();
                    let all = ["t", "u"].map(|t| rows(&mut connection, &format!("SELECT * FROM {t} ORDER BY a, b, c")));
                    assert_eq!(all[0], all[1], "{change} {by_key}");
                    let indexed = ["t", "u"].map(|t| {
                        rows(&mut connection, &format!("SELECT a, b, c, d FROM {t} WHERE d = 5 ORDER BY a, b, c"))
                    });
                    assert_eq!(indexed[0], indexed[1], "{change} {by_key}");
                }
                connection.query_drop("DROP TABLE t, u").unwrap();
            }
        }
    });
}

#[test]
fn first_row_of_a_queue_goes_to_one_consumer() {
    with_server(|server| {
        let mut connection = connect(server);
        connection.query_drop("CREATE TABLE q (w INT, o INT, PRIMARY KEY (w, o))").unwrap();
        let all: Vec<_> = (1..=400).map(|o| format!("(1, {o})")).collect();
        connection.query_drop(format!("INSERT INTO q VALUES {}", all.join(", "))).unwrap();
        let taken: Vec<i32> = std::thread::scope(|scope| {
            let consumers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let mut connection = connect(server);
                        let mut taken = Vec::new();
                        loop {
                            connection.query_drop("BEGIN").unwrap();
                            let first = "SELECT o FROM q WHERE w = 1 ORDER BY o LIMIT 1 FOR UPDATE";
                            let next: Option<i32> = connection.query_first(first).unwrap();
                            if let Some(o) = next {
                                connection.query_drop(format!("DELETE FROM q WHERE w = 1 AND o = {o}")).unwrap();
                                assert_eq!(connection.affected_rows(), 1);
                            }
                            connection.query_drop("COMMIT").unwrap();
                            let Some(o) = next else { return taken };
                            taken.push(o);
                        }
                    })
                })
                .collect();
            consumers.into_iter().flat_map(|c| c.join().unwrap()).collect()
        });
        let mut sorted = taken;
        sorted.sort_unstable();
        assert_eq!(sorted, (1..=400).collect::<Vec<_>>());
    });
}
