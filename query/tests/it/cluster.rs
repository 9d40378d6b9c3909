//! A cluster of processes: three voters, a columnar replica, and front ends that keep nothing.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use deltatree_bench::server::{Server, ServerCommand};
use deltatree_learner::PeerLinks;
use mysql::Conn;
use mysql::prelude::Queryable;

use crate::common::{code, connect};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_deltatree");
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A replica's process. Killed when dropped.
pub(crate) struct Member(Child);

impl Member {
    /// Starts it and waits until it listens.
    pub(crate) fn start(role: &str, dir: &Path, port: u16, voters: &str) -> Self {
        Self::start_with(role, dir, port, voters, &[], Stdio::inherit())
    }

    /// The same with further options; `errors` gets its log.
    pub(crate) fn start_with(
        role: &str,
        dir: &Path,
        port: u16,
        voters: &str,
        options: &[String],
        errors: Stdio,
    ) -> Self {
        let mut process = Command::new(PROGRAM)
            .args(["serve", "--role", role, "--join", voters, "--peer-port", &port.to_string(), "--data-dir"])
            .arg(dir.join(format!("{role}-{port}")))
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("ready peer="), "{role}: {line:?}");
        Self(process)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Ports that are free now.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

pub(crate) fn addresses(ports: &[u16]) -> String {
    let addresses: Vec<_> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    addresses.join(",")
}

fn front_end(dir: &Path, name: &str, voters: &str) -> Server {
    let command = ServerCommand::binary(PROGRAM).option("role", "sql").option("join", voters);
    Server::start(&command, &dir.join(name)).unwrap()
}

/// The rows of `t`, by row store and by columnar replica, which must agree.
pub(crate) fn count(connection: &mut Conn) -> u64 {
    let [rows, columns] = ["tikv", "tiflash"].map(|engine| {
        connection.query_drop(format!("SET tidb_isolation_read_engines = '{engine}'")).unwrap();
        // Not from statistics alone.
        connection.query_first("SELECT COUNT(*) FROM t WHERE v >= 0").unwrap().unwrap()
    });
    connection.query_drop("SET tidb_isolation_read_engines = 'tikv,tiflash,tidb'").unwrap();
    assert_eq!(rows, columns);
    rows
}

/// Waits until a front end can read columns.
pub(crate) fn await_columns(connection: &mut Conn) {
    let deadline = Instant::now() + PATIENCE;
    let available = "SELECT MIN(AVAILABLE) FROM information_schema.tiflash_replica";
    while connection.query_first::<i64, _>(available).unwrap() != Some(1) {
        assert!(Instant::now() < deadline, "no columnar replica");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The port of the voter that leads, as a front end tells it by the member's number, which is its place in
/// the list.
pub(crate) fn leader(runtime: &tokio::runtime::Runtime, voters: &str, links: &PeerLinks) -> u16 {
    let voters: Vec<_> = voters.split(',').map(str::to_owned).collect();
    let members = runtime.block_on(deltatree_learner::cluster::members(&voters, links)).unwrap();
    let leader = members.into_iter().find(|member| member.leads).unwrap();
    leader.address.rsplit_once(':').unwrap().1.parse().unwrap()
}

#[test]
fn front_ends_share_rows_and_columns_and_survive_a_leader() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let ports = free_ports::<3>();
    let voters = addresses(&ports);
    let mut members: BTreeMap<_, _> =
        ports.iter().map(|&port| (port, Member::start("kv", dir.path(), port, &voters))).collect();
    let (one, two) = (front_end(dir.path(), "one", &voters), front_end(dir.path(), "two", &voters));
    let (mut a, mut b) = (connect(&one), connect(&two));

    a.query_drop("CREATE TABLE t (id BIGINT PRIMARY KEY AUTO_INCREMENT, v INT NOT NULL)").unwrap();
    // Nobody has columns yet.
    b.query_drop("SET tidb_isolation_read_engines = 'tiflash'").unwrap();
    assert_eq!(code(b.query_drop("SELECT COUNT(*) FROM t")), 1815);
    b.query_drop("SET tidb_isolation_read_engines = 'tikv,tiflash,tidb'").unwrap();
    let [port] = free_ports::<1>();
    let _columnar = Member::start("columnar", dir.path(), port, &voters);
    await_columns(&mut a);
    await_columns(&mut b);
    b.query_drop("INSERT INTO t (v) VALUES (1), (2)").unwrap();
    a.query_drop("INSERT INTO t (v) VALUES (3)").unwrap();
    assert_eq!((count(&mut a), count(&mut b)), (3, 3));
    let point: Option<i32> = a.query_first("SELECT v FROM t WHERE id = 1").unwrap();
    assert_eq!(point, Some(1));

    // Definitions of one front end are the next statement's of the other.
    b.query_drop("ALTER TABLE t ADD COLUMN note VARCHAR(10) DEFAULT 'x'").unwrap();
    let note: Option<String> = a.query_first("SELECT note FROM t WHERE v = 3").unwrap();
    assert_eq!(note.as_deref(), Some("x"));
    a.query_drop("ALTER TABLE t ADD INDEX by_v (v)").unwrap();
    let sum: Option<i64> = b.query_first("SELECT CAST(SUM(id) AS SIGNED) FROM t WHERE v >= 2").unwrap();
    assert!(sum.is_some());

    // So are settings of the group.
    let life = "SELECT @@global.tidb_gc_life_time";
    a.query_drop("SET GLOBAL tidb_gc_life_time = '24h'").unwrap();
    assert_eq!(b.query_first(life).unwrap(), Some("24h0m0s".to_owned()));

    // Locks of one are the other's, too.
    a.query_drop("BEGIN").unwrap();
    a.query_drop("UPDATE t SET v = v + 10 WHERE v = 1").unwrap();
    b.query_drop("SET innodb_lock_wait_timeout = 1").unwrap();
    b.query_drop("BEGIN").unwrap();
    assert_eq!(code(b.query_drop("UPDATE t SET v = v + 100 WHERE id = 1")), 1205);
    b.query_drop("ROLLBACK").unwrap();
    a.query_drop("COMMIT").unwrap();

    // A transaction sees its own rows among the columns.
    a.query_drop("BEGIN").unwrap();
    a.query_drop("INSERT INTO t (v) VALUES (7)").unwrap();
    assert_eq!((count(&mut a), count(&mut b)), (4, 3));
    a.query_drop("ROLLBACK").unwrap();

    let dead = leader(&runtime, &voters, &PeerLinks::default());
    drop(members.remove(&dead));
    assert_eq!(count(&mut a), 3);
    assert_eq!(count(&mut b), 3);
    let begun = Instant::now();
    while let Err(e) = b.query_drop("INSERT INTO t (v) VALUES (4)") {
        // A commit that was under way may have happened: here none was.
        assert!(begun.elapsed() < PATIENCE, "{e}");
    }
    assert_eq!((count(&mut a), count(&mut b)), (4, 4));

    // Who was killed comes back and follows.
    members.insert(dead, Member::start("kv", dir.path(), dead, &voters));
    let other = leader(&runtime, &voters, &PeerLinks::default());
    drop(members.remove(&other));
    assert_eq!(count(&mut a), 4);
    a.query_drop("INSERT INTO t (v) VALUES (5)").unwrap();
    assert_eq!(count(&mut b), 5);
    drop((a, b));
    one.stop().unwrap();
    two.stop().unwrap();
}

/// A text file of `id,id % 97`.
pub(crate) fn numbers(dir: &Path, rows: u64) -> String {
    let path = dir.join("numbers.csv");
    let lines: String = (0..rows).rev().map(|id| format!("{id},{}\n", id % 97)).collect();
    std::fs::write(&path, lines).unwrap();
    path.display().to_string()
}

#[test]
fn an_import_reaches_every_replica_and_the_voter_that_was_away() {
    const ROWS: u64 = 20_000;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let ports = free_ports::<3>();
    let voters = addresses(&ports);
    let mut members: BTreeMap<_, _> =
        ports.iter().map(|&port| (port, Member::start("kv", dir.path(), port, &voters))).collect();
    let one = front_end(dir.path(), "one", &voters);
    let mut a = connect(&one);
    let [port] = free_ports::<1>();
    let _columnar = Member::start("columnar", dir.path(), port, &voters);
    a.query_drop("CREATE TABLE t (id BIGINT PRIMARY KEY, v INT NOT NULL, KEY by_v (v))").unwrap();
    await_columns(&mut a);
    let path = numbers(dir.path(), ROWS);

    let leads = leader(&runtime, &voters, &PeerLinks::default());
    let away = ports.into_iter().find(|port| *port != leads).unwrap();
    drop(members.remove(&away));
    a.query_drop(format!("IMPORT INTO t FROM '{path}'")).unwrap();
    assert_eq!(count(&mut a), ROWS);
    a.query_drop("INSERT INTO t VALUES (1000000, 5)").unwrap();
    a.query_drop("DELETE FROM t WHERE id = 7").unwrap();

    // Who was away gets the rows from another voter, and can lead with them.
    members.insert(away, Member::start("kv", dir.path(), away, &voters));
    let begun = Instant::now();
    loop {
        let leads = leader(&runtime, &voters, &PeerLinks::default());
        if leads == away {
            break;
        }
        drop(members.remove(&leads));
        assert_eq!(count(&mut a), ROWS);
        members.insert(leads, Member::start("kv", dir.path(), leads, &voters));
        assert!(begun.elapsed() < 3 * PATIENCE, "it never leads");
    }
    assert_eq!(count(&mut a), ROWS);
    let by_index: u64 = a.query_first("SELECT COUNT(*) FROM t USE INDEX (by_v) WHERE v = 5").unwrap().unwrap();
    assert_eq!(by_index, ROWS / 97 + 1 + 1);
    drop(a);
    one.stop().unwrap();
}

#[test]
#[ignore = "waits for a minute"]
fn an_import_whose_front_end_died_is_undone_by_another() {
    let dir = tempfile::tempdir().unwrap();
    let ports = free_ports::<3>();
    let voters = addresses(&ports);
    let _members = ports.map(|port| Member::start("kv", dir.path(), port, &voters));
    let (one, two) = (front_end(dir.path(), "one", &voters), front_end(dir.path(), "two", &voters));
    let (mut a, mut b) = (connect(&one), connect(&two));
    a.query_drop("CREATE TABLE t (id BIGINT PRIMARY KEY, v INT NOT NULL)").unwrap();
    let path = numbers(dir.path(), 1_000_000);
    a.query_drop(format!("IMPORT INTO t FROM '{path}' WITH detached")).unwrap();
    one.kill();
    assert_eq!(code(b.query_drop("INSERT INTO t VALUES (1, 1)")), 8258);
    let begun = Instant::now();
    while let Err(e) = b.query_drop("INSERT INTO t VALUES (-1, 1)") {
        assert!(begun.elapsed() < 3 * PATIENCE, "{e}");
        std::thread::sleep(Duration::from_millis(500));
    }
    let rows: u64 = b.query_first("SELECT COUNT(*) FROM t").unwrap().unwrap();
    assert_eq!(rows, 1);
    two.stop().unwrap();
}

/// The front end that gives a column another type dies in the middle; later another one does it, and the replica in
/// another process has the new values.
#[test]
fn a_column_converts_for_all_and_what_a_dead_front_end_began_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let ports = free_ports::<3>();
    let voters = addresses(&ports);
    let _members = ports.map(|port| Member::start("kv", dir.path(), port, &voters));
    let [port] = free_ports::<1>();
    let _columnar = Member::start("columnar", dir.path(), port, &voters);
    let (one, two) = (front_end(dir.path(), "one", &voters), front_end(dir.path(), "two", &voters));
    let (mut a, mut b) = (connect(&one), connect(&two));
    a.query_drop("CREATE TABLE t (id BIGINT PRIMARY KEY, v INT, KEY by_v (v))").unwrap();
    let rows: Vec<_> = (0..2000).map(|i| format!("({i}, {})", i % 200)).collect();
    a.query_drop(format!("INSERT INTO t VALUES {}", rows.join(", "))).unwrap();
    await_columns(&mut b);

    // It does not come as far as the last rows.
    b.query_drop("BEGIN").unwrap();
    b.query_drop("SELECT * FROM t WHERE id = 1500 FOR UPDATE").unwrap();
    let converting = std::thread::spawn(move || a.query_drop("ALTER TABLE t MODIFY v TINYINT UNSIGNED"));
    let mut c = connect(&two);
    let begun = Instant::now();
    while c.query_drop("UPDATE t SET v = v + 1000 WHERE id = 1999").is_ok() {
        assert!(begun.elapsed() < PATIENCE, "nobody converts");
    }
    one.kill();
    assert!(converting.join().unwrap().is_err());
    b.query_drop("COMMIT").unwrap();
    let begun = Instant::now();
    while let Err(e) = c.query_drop("UPDATE t SET v = v + 1000 WHERE id = 1999") {
        assert_eq!(code::<()>(Err(e)), 1264);
        assert!(begun.elapsed() < PATIENCE, "what the dead front end began is not forgotten");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(count(&mut c), 2000);
    c.query_drop("UPDATE t SET v = 1000 WHERE id = 1999").unwrap();

    c.query_drop("ALTER TABLE t MODIFY v VARCHAR(5) NOT NULL").unwrap();
    let values = "SELECT GROUP_CONCAT(v ORDER BY id) FROM t WHERE CONCAT(v, '') LIKE '10%'";
    let [rows, columns] = ["tikv", "tiflash"].map(|engine| {
        c.query_drop(format!("SET tidb_isolation_read_engines = '{engine}'")).unwrap();
        c.query_first::<String, _>(values).unwrap().unwrap()
    });
    assert_eq!(rows, columns);
    assert!(rows.starts_with("10,100,101,") && rows.ends_with(",1000"), "{rows}");
    two.stop().unwrap();
}
