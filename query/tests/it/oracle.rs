//! The row path, the columnar path and plain DataFusion over a copy of the rows give the same answers at
//! one timestamp, whatever the filters, and with or without uncommitted changes of the reader.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use deltatree_query::node::{Node, NodeConfig};
use deltatree_query::session::Session;

const SEEDS: std::ops::Range<u64> = 1..5;
const QUERIES_PER_SEED: usize = 25;

/// A small, fast, reproducible source of numbers (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.below(items.len() as u64) as usize]
    }
}

const KEYS: &[&str] = &[
    "id BIGINT PRIMARY KEY",
    "id INT UNSIGNED NOT NULL, PRIMARY KEY (id)",
    "id BIGINT NOT NULL, PRIMARY KEY (s, id)",
    "id BIGINT NOT NULL, KEY by_a (a), KEY by_d_a (d, a)",
];

fn row(random: &mut Random, id: u64) -> String {
    let null_or = |random: &mut Random, value: String| if random.chance(15) { "NULL".to_owned() } else { value };
    let a = random.below(20).to_string();
    let a = null_or(random, a);
    let b = format!("{}.{:02}", random.below(2000) as i64 - 1000, random.below(100));
    let s = format!("'{}'", random.pick(&["", "ab", "abc", "Abd", "b", "zebra", "zz%", "ünï"]));
    let d = format!("'2024-{:02}-{:02}'", random.below(12) + 1, random.below(28) + 1);
    let d = null_or(random, d);
    format!("({id}, {a}, {b}, {s}, {d})")
}

fn atom(random: &mut Random) -> String {
    let op = random.pick(&["=", "<>", "<", "<=", ">", ">="]);
    match random.below(9) {
        0 => format!("id {op} {}", random.below(400)),
        1 => format!("a {op} {}", random.below(20)),
        2 => format!("b {op} {}.50", random.below(2000) as i64 - 1000),
        3 => format!("s {op} '{}'", random.pick(&["ab", "b", "zz"])),
        4 => format!("d {op} DATE '2024-{:02}-15'", random.below(12) + 1),
        5 => format!("id IN ({}, {}, {})", random.below(400), random.below(400), random.below(400)),
        6 => format!("a IS {}NULL", random.pick(&["", "NOT "])),
        7 => format!("s LIKE '{}'", random.pick(&["ab%", "%b%", "z_%", "Ab%"])),
        _ => format!("id + a {op} {}", random.below(400)),
    }
}

fn filter(random: &mut Random, depth: u32) -> String {
    if depth == 0 || random.chance(40) {
        return atom(random);
    }
    let (left, right) = (filter(random, depth - 1), filter(random, depth - 1));
    match random.below(5) {
        0 | 1 => format!("({left} AND {right})"),
        2 | 3 => format!("({left} OR {right})"),
        _ => format!("NOT ({left})"),
    }
}

fn query(random: &mut Random) -> String {
    let filter = filter(random, 3);
    match random.below(6) {
        0 => format!("SELECT COUNT(*) FROM t WHERE {filter}"),
        1 => format!("SELECT a, COUNT(*), SUM(b), MIN(s), MAX(d) FROM t WHERE {filter} GROUP BY a"),
        2 => format!("SELECT id, b FROM t WHERE {filter} ORDER BY b DESC, id LIMIT 7"),
        3 => "SELECT x.id, y.id FROM t x JOIN t y ON x.a = y.a AND x.id < y.id WHERE x.b > 0 AND y.id < 40".to_owned(),
        4 => "SELECT COUNT(*), MIN(id), MAX(id) FROM t".to_owned(),
        _ => format!("SELECT id, a, b, s, d FROM t WHERE {filter}"),
    }
}

/// Rows as text, sorted: the order of a result without ORDER BY means nothing.
fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
        for i in 0..batch.num_rows() {
            rows.push(columns.iter().map(|c| c.value(i).to_string()).collect::<Vec<_>>().join("|"));
        }
    }
    rows.sort();
    rows
}

async fn run(session: &mut Session, sql: &str) -> Vec<RecordBatch> {
    session.query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"))
}

async fn on(session: &mut Session, engine: &str, sql: &str) -> Vec<String> {
    run(session, &format!("SET tidb_isolation_read_engines = '{engine}'")).await;
    rows(&run(session, sql).await)
}

async fn change(session: &mut Session, random: &mut Random) {
    let id = random.below(420);
    let statement = match random.below(4) {
        0 => format!("DELETE FROM t WHERE id = {id}"),
        1 => format!("UPDATE t SET b = b + 1.25, a = NULL WHERE id = {id}"),
        2 => format!("UPDATE t SET s = 'moved', d = '2024-07-07' WHERE id BETWEEN {id} AND {}", id + 5),
        _ => format!("DELETE FROM t WHERE a = {}", random.below(200)),
    };
    run(session, &statement).await;
}

/// Compares all three on random queries. The session is in a transaction, so all read at one timestamp.
async fn compare(session: &mut Session, random: &mut Random, has_own_changes: bool) {
    run(session, "SET tidb_isolation_read_engines = 'tikv'").await;
    let copy = run(session, "SELECT id, a, b, s, d FROM t").await;
    let plain = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    let table = MemTable::try_new(copy[0].schema(), vec![copy]).unwrap();
    plain.register_table("t", Arc::new(table)).unwrap();
    for _ in 0..QUERIES_PER_SEED {
        let sql = query(random);
        let expected = rows(&plain.sql(&sql).await.unwrap().collect().await.unwrap());
        for engine in ["tikv", "tiflash", "tikv,tiflash"] {
            assert_eq!(on(session, engine, &sql).await, expected, "{engine}, own changes {has_own_changes}: {sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_paths_and_plain_datafusion_agree() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::open(NodeConfig::new(dir.path())).await.unwrap();
    let mut session = node.session("root", "localhost");
    run(&mut session, "CREATE DATABASE oracle; USE oracle").await;
    for seed in SEEDS {
        let random = &mut Random(seed);
        let key = KEYS[seed as usize % KEYS.len()];
        run(&mut session, "DROP TABLE IF EXISTS t").await;
        let columns = format!("{key}, a INT, b DECIMAL(10,2) NOT NULL, s VARCHAR(12) NOT NULL, d DATE");
        run(&mut session, &format!("CREATE TABLE t ({columns})")).await;
        for batch in 0..4 {
            let values: Vec<_> = (0..100).map(|i| row(random, batch * 100 + i)).collect();
            run(&mut session, &format!("INSERT INTO t (id, a, b, s, d) VALUES {}", values.join(", "))).await;
        }
        for _ in 0..20 {
            change(&mut session, random).await;
        }
        run(&mut session, "BEGIN").await;
        compare(&mut session, random, false).await;
        for id in 400..410 {
            let values = row(random, id);
            run(&mut session, &format!("INSERT INTO t (id, a, b, s, d) VALUES {values}")).await;
        }
        for _ in 0..10 {
            change(&mut session, random).await;
        }
        compare(&mut session, random, true).await;
        run(&mut session, "ROLLBACK").await;
    }
    drop(session);
    node.shutdown().await.unwrap();
}
