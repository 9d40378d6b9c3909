//! Damaged files: named and rebuilt from the rows, or refused, but never read as data.

use std::fs;
use std::path::{Path, PathBuf};

use deltatree_bench::server::{Server, ServerCommand};
use mysql::prelude::Queryable;

/// Rows, their sum, and a text: what the table holds.
type Content = (u64, i64, String);

const ROWS: u64 = 20_000;

fn command() -> ServerCommand {
    ServerCommand::binary(env!("CARGO_BIN_EXE_deltatree"))
}

/// A directory with rows in packs and delete vectors, closed.
fn data(dir: &Path) -> Content {
    let server = Server::start(&command(), dir).unwrap();
    let mut connection = server.connect().unwrap();
    connection.query_drop("CREATE TABLE t (id BIGINT PRIMARY KEY, a INT, s VARCHAR(40))").unwrap();
    for first in (0..ROWS).step_by(5000) {
        let rows: Vec<String> =
            (first..first + 5000).map(|i| format!("({i}, {}, 'text {}')", i % 97, i * 31)).collect();
        connection.query_drop(format!("INSERT INTO t VALUES {}", rows.join(", "))).unwrap();
    }
    server.stop().unwrap();
    let server = Server::start(&command(), dir).unwrap();
    let mut connection = server.connect().unwrap();
    connection.query_drop("DELETE FROM t WHERE id % 1000 = 7").unwrap();
    let content = content(&server, "tikv").unwrap();
    assert_eq!(content.0, ROWS - ROWS / 1000);
    server.stop().unwrap();
    content
}

fn content(server: &Server, engine: &str) -> Result<Content, String> {
    let mut connection = server.connect().unwrap();
    let sql = format!("SELECT /*+ READ_FROM_STORAGE({engine}[t]) */ COUNT(*), SUM(a), MAX(s) FROM t");
    connection.query_first(sql).map(Option::unwrap).map_err(|e| e.to_string())
}

/// All files below `dir` whose name ends so, largest first.
fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                dirs.push(entry.path());
            } else if entry.path().to_string_lossy().ends_with(ending) {
                found.push((entry.metadata().unwrap().len(), entry.path()));
            }
        }
    }
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// What a program that should end by itself prints. One that goes on instead is killed.
fn output_within(program: &mut std::process::Command, patience: std::time::Duration) -> std::process::Output {
    let piped = || std::process::Stdio::piped();
    let mut child = program.stdout(piped()).stderr(piped()).spawn().unwrap();
    let begun = std::time::Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > patience {
            child.kill().unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

fn flip_in_the_middle(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    // A journal may have been given room that is not used yet, and what frames a record could be taken for a
    // torn end: the flipped bit is in a row's text, if there is one.
    let used = bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    let text = bytes[used / 2..used].windows(5).position(|w| w == b"text ");
    let middle = used / 2 + text.unwrap_or(0);
    bytes[middle] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

fn cut_in_half(file: &Path) {
    let length = fs::metadata(file).unwrap().len();
    fs::OpenOptions::new().write(true).open(file).unwrap().set_len(length / 2).unwrap();
}

/// As an older version would have left the file; no other byte says which version that was.
fn date_back(manifest: &Path) {
    let mut bytes = fs::read(manifest).unwrap();
    bytes[8] = 1;
    fs::write(manifest, bytes).unwrap();
}

#[test]
fn a_damaged_columnar_file_is_named_or_rebuilt() {
    let sound = tempfile::tempdir().unwrap();
    let expected = data(sound.path());
    for (ending, damage) in [
        (".pack", flip_in_the_middle as fn(&Path)),
        (".pack", cut_in_half),
        (".deletes", flip_in_the_middle),
        (".deletes", cut_in_half),
        ("MANIFEST", flip_in_the_middle),
        ("MANIFEST", cut_in_half),
        ("MANIFEST", date_back),
    ] {
        let copied = tempfile::tempdir().unwrap();
        copy(sound.path(), copied.path());
        let file = files(&copied.path().join("columnar"), ending).remove(0);
        damage(&file);
        let server = Server::start(&command(), copied.path()).unwrap();
        assert_eq!(content(&server, "tikv").as_ref(), Ok(&expected), "rows beside a damaged {ending}");
        match content(&server, "tiflash") {
            Ok(rebuilt) => assert_eq!(rebuilt, expected, "{ending}"),
            Err(message) => assert!(message.contains(file.to_str().unwrap()), "{ending}: {message}"),
        }
        server.stop().unwrap();
    }
}

#[test]
fn a_damaged_file_that_nothing_can_replace_is_refused_by_name() {
    let sound = tempfile::tempdir().unwrap();
    data(sound.path());
    for (part, ending) in [("rows", ".jnl"), ("log", ".raft")] {
        let copied = tempfile::tempdir().unwrap();
        copy(sound.path(), copied.path());
        flip_in_the_middle(&files(&copied.path().join(part), ending)[0]);
        let mut serve = std::process::Command::new(env!("CARGO_BIN_EXE_deltatree"));
        serve.arg("serve").arg("--data-dir").arg(copied.path());
        serve.args(["--port", "0", "--flight-port", "0", "--status-port", "0"]);
        let output = output_within(&mut serve, std::time::Duration::from_secs(60));
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{part}: {message}");
        assert!(message.contains(copied.path().join(part).to_str().unwrap()), "{part}: {message}");
        assert!(!message.contains("panicked"), "{message}");
    }
}

#[test]
fn a_nearly_full_disk_refuses_writes_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let expected = data(directory.path());
    // To keep back more than any disk has makes every disk nearly full.
    let server = Server::start(&command().option("disk-reserve", u64::MAX), directory.path()).unwrap();
    let mut connection = server.connect().unwrap();
    for sql in ["INSERT INTO t VALUES (-1, 1, 'x')", "UPDATE t SET a = 0", "CREATE TABLE u (id INT)"] {
        match connection.query_drop(sql) {
            Err(mysql::Error::MySqlError(e)) => assert_eq!(e.code, 1021, "{sql}: {e}"),
            other => panic!("{sql}: {other:?}"),
        }
    }
    for engine in ["tikv", "tiflash"] {
        assert_eq!(content(&server, engine).as_ref(), Ok(&expected), "{engine}");
    }
    server.stop().unwrap();
    let server = Server::start(&command(), directory.path()).unwrap();
    server.connect().unwrap().query_drop("INSERT INTO t VALUES (-1, 1, 'x')").unwrap();
    assert_eq!(content(&server, "tiflash").unwrap().0, expected.0 + 1);
    server.stop().unwrap();
}
