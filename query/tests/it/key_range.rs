//! Queries for a few rows by key: their plans are kept, and give what a plan made for them gives.

use mysql::prelude::Queryable;
use mysql::{Conn, Row};

use crate::common::{code, connect, with_server};

const QUERIES: [&str; 10] = [
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
];

/// The first condition of each pair is on the key, the second is the same in a form that no plan is kept for.
const CONDITIONS: [(&str, &str); 6] = [
    ("id BETWEEN 3 AND 9", "id + 0 BETWEEN 3 AND 9"),
    ("id BETWEEN 5 AND 150", "id + 0 BETWEEN 5 AND 150"),
    ("id >= 7 AND 9 > id", "id + 0 >= 7 AND id + 0 < 9"),
    ("(id > 18) AND id <= 30", "id + 0 > 18 AND id + 0 <= 30"),
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
    let rows: Vec<String> = (1..=40).map(|id| format!("({id}, {}, 'text {}')", id * 7 % 11, id % 5)).collect();
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
