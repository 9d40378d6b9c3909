//! Bad input: one clear error with MySQL's code, and nothing lost.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use deltatree_bench::server::{Server, ServerCommand};
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};

fn binary() -> ServerCommand {
    ServerCommand::binary(env!("CARGO_BIN_EXE_deltatree"))
}

fn code<T: std::fmt::Debug>(result: Result<T, mysql::Error>) -> u16 {
    match result {
        Err(mysql::Error::MySqlError(e)) => e.code,
        other => panic!("expected an error of the server, got {other:?}"),
    }
}

#[test]
fn statements_fail_with_mysqls_codes() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(), directory.path()).unwrap();
    let mut connection = server.connect().unwrap();
    connection.query_drop("USE test").unwrap();
    connection.query_drop("CREATE TABLE e (id INT PRIMARY KEY, v TINYINT NOT NULL, s VARCHAR(3))").unwrap();
    connection.query_drop("INSERT INTO e VALUES (1, 1, 'a')").unwrap();
    for (sql, expected) in [
        ("SELECT nothing FROM e", 1054),
        ("SELECT * FROM missing", 1146),
        ("USE missing", 1049),
        ("SELEC 1", 1064),
        ("INSERT INTO e VALUES (1, 1, 'a')", 1062),
        ("INSERT INTO e VALUES (2, 1000, 'a')", 1264),
        ("INSERT INTO e VALUES (2, 1, 'too long')", 1406),
        ("INSERT INTO e VALUES (2, NULL, 'a')", 1048),
        ("INSERT INTO e (id) VALUES (2)", 1364),
        ("INSERT INTO e VALUES (2, 1)", 1136),
        ("INSERT INTO e (id, id) VALUES (2, 2)", 1110),
        ("INSERT INTO e (nothing) VALUES (2)", 1054),
        ("CREATE TABLE e (a INT)", 1050),
        ("CREATE DATABASE test", 1007),
        ("DROP TABLE missing", 1051),
        ("DROP DATABASE missing", 1008),
        ("CREATE TABLE f (a INT, A INT)", 1060),
        ("CREATE TABLE f (a INT PRIMARY KEY, b INT PRIMARY KEY)", 1068),
        ("SET nonsense = 1", 1193),
        ("KILL 99999", 1094),
    ] {
        assert_eq!(code(connection.query_drop(sql)), expected, "{sql}");
    }
    let rows: Vec<(i32, i32, String)> = connection.query("SELECT * FROM e").unwrap();
    assert_eq!(rows, [(1, 1, "a".to_owned())]);
    server.stop().unwrap();
}

#[test]
fn wrong_users_are_denied_and_broken_packets_harm_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(), directory.path()).unwrap();
    let mut good = server.connect().unwrap();
    let address = server.mysql_address();
    for (user, password) in [("eve", None), ("root", Some("guess"))] {
        let options = OptsBuilder::new()
            .ip_or_hostname(Some(address.ip().to_string()))
            .tcp_port(address.port())
            .user(Some(user))
            .pass(password);
        assert_eq!(code(Conn::new(options)), 1045);
    }
    for garbage in
        [&b""[..], b"\x00", b"GET / HTTP/1.1\r\n\r\n", &[0xFF; 64], b"\x05\x00\x00\x01abcde", b"\x00\x00\x00\x01"]
    {
        let mut stream = TcpStream::connect(address).unwrap();
        let _ = stream.write_all(garbage);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert_eq!(answer.get(4), Some(&10), "the greeting comes whatever follows");
    }
    assert_eq!(good.query_first::<u32, _>("SELECT 1").unwrap(), Some(1));
    server.stop().unwrap();
}

#[test]
fn a_locked_directory_and_a_taken_port_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(), directory.path()).unwrap();
    let second = |directory: &std::path::Path, port: u16| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deltatree"));
        command.arg("serve").arg("--data-dir").arg(directory).args(["--flight-port", "0", "--status-port", "0"]);
        let output = command.arg("--port").arg(port.to_string()).output().unwrap();
        assert!(!output.status.success());
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    let message = second(directory.path(), 0);
    assert!(message.contains("in use by another process"), "{message}");
    let other = tempfile::tempdir().unwrap();
    let message = second(other.path(), server.mysql_address().port());
    assert!(message.contains(&format!("port {}", server.mysql_address().port())), "{message}");
    let file = other.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let message = second(&file, 0);
    assert!(message.contains("data directory"), "{message}");
    server.stop().unwrap();
}
