//! TPC-H at scale factor 0.01 through the MySQL protocol: loaded by `INSERT`, answered on the columnar
//! path and on the row path, equal to the published answers on both, before and after a restart.

use std::path::Path;

use deltatree_bench::report::Report;
use deltatree_bench::server::{Server, ServerCommand};
use deltatree_bench::tpch::load_mysql::load_over_mysql;
use deltatree_bench::tpch::verify::verify;
use mysql::prelude::Queryable;

#[test]
fn both_paths_give_the_published_answers() {
    let command = ServerCommand::binary(env!("CARGO_BIN_EXE_deltatree"));
    let answers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/answers");
    let directory = tempfile::tempdir().unwrap();
    let mut report = Report::new("tpch");

    let server = Server::start(&command, directory.path()).unwrap();
    let mut connection = server.connect().unwrap();
    assert_eq!(load_over_mysql(&mut connection, "tpch", 0.01).unwrap(), 86_805);
    verify(&mut connection, &answers, &mut report).unwrap();
    drop(connection);
    server.stop().unwrap();

    let server = Server::start(&command, directory.path()).unwrap();
    let mut connection = server.connect().unwrap();
    connection.query_drop("use tpch").unwrap();
    verify(&mut connection, &answers, &mut report).unwrap();
    assert!(report.succeeded(), "{:?}", report);
}
