//! TPC-H at scale factor 0.01 through the MySQL protocol: loaded by `INSERT`, answered on the columnar
//! path and on the row path, equal to the published answers on both: before and after a restart, while a
//! tenth of the two largest tables is updated and compacted, and after that.

use std::path::Path;

use deltatree_bench::report::Report;
use deltatree_bench::server::{Server, ServerCommand};
use deltatree_bench::tpch::load_mysql::load_over_mysql;
use deltatree_bench::tpch::verify::{verify, verify_updated};
use mysql::prelude::Queryable;

#[test]
fn both_paths_give_the_published_answers() {
    let command = ServerCommand::binary(env!("CARGO_BIN_EXE_deltatree"));
    // Cargo runs tests in the directory of their package; a path fixed at build time would name the clone
    // that built them.
    let answers = Path::new("tests/answers");
    let directory = tempfile::tempdir().unwrap();
    let mut report = Report::new("tpch");

    let server = Server::start(&command, directory.path()).unwrap();
    let mut connection = server.connect().unwrap();
    assert_eq!(load_over_mysql(&mut connection, "tpch", 0.01).unwrap(), 86_805);
    verify(&mut connection, answers, "loaded", &mut report).unwrap();
    drop(connection);
    server.stop().unwrap();

    let server = Server::start(&command, directory.path()).unwrap();
    let mut connection = server.connect().unwrap();
    connection.query_drop("use tpch").unwrap();
    verify(&mut connection, answers, "reopened", &mut report).unwrap();

    verify_updated(&server, &mut connection, answers, &mut report).unwrap();
    let deltas: Vec<(String, u64, u64)> = connection
        .query(
            "select tidb_table, total_delta_rows, total_stable_rows from information_schema.tiflash_tables
             where tidb_table in ('lineitem', 'orders') order by tidb_table",
        )
        .unwrap();
    assert_eq!(deltas, [("lineitem".into(), 0, 60_175), ("orders".into(), 0, 15_000)]);
    assert!(report.succeeded(), "{:?}", report);
}
