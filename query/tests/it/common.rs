//! A server of its own for each test.

use std::path::Path;

use deltatree_bench::server::{Server, ServerCommand};
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};

/// Runs a test with a server over a fresh directory.
pub(crate) fn with_server(test: impl FnOnce(&Server)) {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    test(&server);
    server.stop().unwrap();
}

/// Starts a server over a directory.
pub(crate) fn start(directory: &Path) -> Server {
    Server::start(&ServerCommand::binary(env!("CARGO_BIN_EXE_deltatree")), directory).unwrap()
}

/// `root`, in database `test`.
pub(crate) fn connect(server: &Server) -> Conn {
    let mut connection = server.connect().unwrap();
    connection.query_drop("USE test").unwrap();
    connection
}

/// Somebody else.
pub(crate) fn connect_as(server: &Server, user: &str, password: &str) -> Result<Conn, mysql::Error> {
    let address = server.mysql_address();
    let options = OptsBuilder::new()
        .ip_or_hostname(Some(address.ip().to_string()))
        .tcp_port(address.port())
        .user(Some(user))
        .pass(Some(password))
        .prefer_socket(false);
    Conn::new(options)
}

/// The server's error code.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, mysql::Error>) -> u16 {
    match result {
        Err(mysql::Error::MySqlError(e)) => e.code,
        other => panic!("expected an error of the server, got {other:?}"),
    }
}
