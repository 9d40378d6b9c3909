//! A newcomer's walk: start a playground, make a user and a table, insert while processes come and go, and
//! count at the end.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};

const PROGRAM: &str = env!("CARGO_BIN_EXE_deltatree");
const PATIENCE: Duration = Duration::from_secs(60);

/// A running playground. Ended in good order when dropped.
struct Playground(Child);

impl Playground {
    fn start(dir: &Path, options: &[&str]) -> Self {
        let mut process = Command::new(PROGRAM)
            .args(["playground", "--port", "0", "--data-dir"])
            .arg(dir)
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().starts_with("ready dir=")), "the playground ended");
        // It says on when a process ends, and must be heard.
        std::thread::spawn(move || lines.for_each(drop));
        Self(process)
    }
}

impl Drop for Playground {
    fn drop(&mut self) {
        let pid = libc::pid_t::try_from(self.0.id()).unwrap();
        // SAFETY: takes plain numbers; the process is our child and was not waited for.
        unsafe { libc::kill(pid, libc::SIGTERM) };
        self.0.wait().unwrap();
    }
}

/// A line of `display`.
#[derive(Debug)]
struct Listed {
    role: String,
    pid: u32,
    address: String,
    state: String,
}

/// Asks a playground; its answer is always a list of its processes.
fn ask(dir: &Path, request: &[&str]) -> Result<Vec<Listed>, String> {
    let output = Command::new(PROGRAM).arg("playground").args(request).arg("--data-dir").arg(dir).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    let lines = String::from_utf8(output.stdout).unwrap();
    let listed = lines.lines().skip(1).map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [role, pid, address, state @ .., _log] = words.as_slice() else { panic!("{line}") };
        let (role, address) = ((*role).to_owned(), (*address).to_owned());
        Listed { role, pid: pid.parse().unwrap(), address, state: state.join(" ") }
    });
    Ok(listed.collect())
}

fn of<'a>(listed: &'a [Listed], role: &str) -> Vec<&'a Listed> {
    listed.iter().filter(|process| process.role == role).collect()
}

fn connect(front_end: &Listed, user: &str) -> Conn {
    let (host, port) = front_end.address.rsplit_once(':').unwrap();
    let options = OptsBuilder::new()
        .ip_or_hostname(Some(host))
        .tcp_port(port.parse().unwrap())
        .user(Some(user))
        .pass((user != "root").then_some("secret"))
        .db_name(Some("test"))
        .prefer_socket(false);
    Conn::new(options).unwrap()
}

fn insert(listed: &[Listed], ids: std::ops::Range<u32>) {
    let front_ends = of(listed, "db");
    let mut connections: Vec<_> = front_ends.iter().map(|front_end| connect(front_end, "app")).collect();
    for (id, turn) in ids.zip((0..connections.len()).cycle()) {
        let begun = Instant::now();
        // A leader that was just killed has no successor for some seconds; the key makes it safe to try again.
        while let Err(e) = connections[turn].query_drop(format!("REPLACE INTO walk VALUES ({id}, {})", id % 10)) {
            assert!(begun.elapsed() < PATIENCE, "{e}");
        }
    }
}

fn count(front_end: &Listed, engine: &str) -> Result<u32, mysql::Error> {
    let mut connection = connect(front_end, "app");
    connection.query_drop(format!("SET tidb_isolation_read_engines = '{engine}'"))?;
    Ok(connection.query_first("SELECT COUNT(*) FROM walk WHERE v < 10")?.unwrap())
}

fn assert_counted(listed: &[Listed], rows: u32) {
    for front_end in of(listed, "db") {
        for engine in ["tikv", "tiflash"] {
            let begun = Instant::now();
            loop {
                match count(front_end, engine) {
                    Ok(found) => break assert_eq!(found, rows, "{engine} at {front_end:?}"),
                    // A replica is known to a front end within a second or two.
                    Err(e) => assert!(begun.elapsed() < PATIENCE, "{engine} at {front_end:?}: {e}"),
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

#[test]
fn a_newcomers_walk_through_the_playground() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let _playground = Playground::start(dir, &["--db", "2", "--kv", "3", "--tiflash", "1"]);
    let listed = ask(dir, &["display"]).unwrap();
    assert_eq!(["db", "kv", "tiflash"].map(|role| of(&listed, role).len()), [2, 3, 1]);
    assert_eq!(listed.iter().filter(|process| process.state == "up, leads").count(), 1, "{listed:?}");

    let mut root = connect(of(&listed, "db")[0], "root");
    root.query_drop("CREATE USER app IDENTIFIED BY 'secret'").unwrap();
    root.query_drop("GRANT ALL ON test.* TO app").unwrap();
    root.query_drop("CREATE TABLE walk (id INT PRIMARY KEY, v INT)").unwrap();
    insert(&listed, 0..100);
    assert_counted(&listed, 100);

    let listed = ask(dir, &["scale-out", "--db", "1", "--kv", "1"]).unwrap();
    assert_eq!(["db", "kv", "tiflash"].map(|role| of(&listed, role).len()), [3, 4, 1]);
    insert(&listed, 100..200);
    let gone = of(&listed, "db")[0].pid.to_string();
    let listed = ask(dir, &["scale-in", "--pid", &gone]).unwrap();
    assert_eq!(of(&listed, "db").len(), 2);
    assert_counted(&listed, 200);

    let leader = listed.iter().find(|process| process.state == "up, leads").unwrap();
    let pid = libc::pid_t::try_from(leader.pid).unwrap();
    // SAFETY: takes plain numbers; the process belongs to this test.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
    insert(&listed, 200..300);
    assert_counted(&listed, 300);
    let dead = leader.pid.to_string();
    let listed = ask(dir, &["scale-in", "--pid", &dead]).unwrap();
    assert_eq!(of(&listed, "kv").len(), 3);
    insert(&listed, 300..400);
    assert_counted(&listed, 400);
    assert!(ask(dir, &["scale-in", "--pid", "1"]).unwrap_err().contains("pid 1"));
}
