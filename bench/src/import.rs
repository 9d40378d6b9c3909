//! The bench `import`: TPC-H's tables from Parquet files into a server, beside DuckDB.
//!
//! DeltaTree writes every row twice, into the row store and into packs, checks primary keys, and has both on
//! disk when the statement returns; the time ends when a columnar query has counted every row. DuckDB writes
//! columns only, without keys, and checkpoints.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use deltatree_query::tpch::generator;
use deltatree_query::tpch::schema::Table;
use mysql::Conn;
use mysql::prelude::Queryable;
use parquet::basic::Compression;

use crate::cli::Common;
use crate::engine::{parquet_path, write_parquet};
use crate::peer::{Package, Peer};
use crate::report::{Report, Target, align_right, number, table};
use crate::server::{Server, ServerCommand};

/// Bytes of a mebibyte.
const MIB: f64 = (1 << 20) as f64;

/// Options of `deltatree-bench import`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Scale factor [default: 1, quick: 0.2]
    #[arg(long)]
    scale: Option<f64>,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// One table.
struct Loaded {
    table: Table,
    rows: u64,
    bytes: u64,
    deltatree: Duration,
    duckdb: Option<Duration>,
}

/// Runs it. Blocks.
///
/// # Errors
/// When the files cannot be written, the server does not start or a statement fails.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let scale = options.scale.unwrap_or(if options.common.quick { 0.2 } else { 1.0 });
    let mut report = Report::new("import");
    let directory = tempfile::tempdir()?;
    generator::prepare();
    write_parquet(directory.path(), scale, Compression::SNAPPY)?;
    let server = Server::start(&ServerCommand::built_in()?, &directory.path().join("deltatree"))?;
    let mut connection = server.connect()?;
    let mut peer = if Package::DuckDb.present() {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let peer = Peer::start(Package::DuckDb, directory.path(), threads)?;
        report.version("duckdb", peer.version());
        Some(peer)
    } else {
        println!("duckdb is absent: python3 -c 'import duckdb' fails");
        None
    };
    let mut loaded = Vec::new();
    for table in Table::ALL {
        let file = parquet_path(directory.path(), table);
        let bytes = std::fs::metadata(&file)?.len();
        let duckdb = peer.as_mut().map(|peer| into_duckdb(peer, table, &file)).transpose()?;
        let (deltatree, rows) = into_deltatree(&mut connection, table, &file)?;
        if let Some((_, others)) = duckdb
            && others != rows
        {
            report.failure(format!("{table}: {rows} rows, {others} in duckdb"));
        }
        loaded.push(Loaded { table, rows, bytes, deltatree, duckdb: duckdb.map(|(time, _)| time) });
    }
    drop(connection);
    server.stop()?;
    print(scale, &loaded);
    figures(scale, &loaded, &mut report);
    Ok(report)
}

/// The time until a columnar query has counted all rows, and their number by the statement's own account.
fn into_deltatree(connection: &mut Conn, table: Table, file: &Path) -> anyhow::Result<(Duration, u64)> {
    connection.query_drop(table.ddl())?;
    connection.query_drop("set tidb_isolation_read_engines = 'tiflash'")?;
    let start = Instant::now();
    let job: mysql::Row =
        connection.query_first(format!("import into {table} from '{}'", file.display()))?.context("no job")?;
    let schema = generator::batches(table, 0.01, 1, 1, 1).schema();
    let key = schema.field(0).name();
    // Of the column, not from metadata alone.
    let counted: u64 =
        connection.query_first(format!("select count(*) from {table} where {key} >= 0"))?.context("no count")?;
    let time = start.elapsed();
    connection.query_drop("set tidb_isolation_read_engines = 'tikv,tiflash,tidb'")?;
    let imported: u64 = job.get("Imported_Rows").context("the job does not tell its rows")?;
    anyhow::ensure!(counted == imported, "{table}: {imported} rows imported, {counted} counted");
    Ok((time, counted))
}

fn into_duckdb(peer: &mut Peer, table: Table, file: &Path) -> anyhow::Result<(Duration, u64)> {
    let load = peer.run(&format!("create table {table} as select * from read_parquet('{}')", file.display()))?;
    let checkpoint = peer.run("checkpoint")?;
    let count = peer.run(&format!("select count(*) from {table}"))?;
    let rows = count.rows.first().and_then(|row| row.first()?.as_deref()).context("no count")?;
    Ok((load.elapsed + checkpoint.elapsed + count.elapsed, rows.parse()?))
}

fn print(scale: f64, loaded: &[Loaded]) {
    println!("TPC-H, scale factor {scale}, from Parquet with Snappy");
    let mut shown = table(&["table", "rows", "MiB", "deltatree s", "rows/s", "duckdb s", "ratio"]);
    for l in loaded {
        let seconds = l.deltatree.as_secs_f64();
        let duckdb = l.duckdb.map(|time| time.as_secs_f64());
        shown.add_row([
            l.table.to_string(),
            l.rows.to_string(),
            number(l.bytes as f64 / MIB),
            number(seconds),
            number(l.rows as f64 / seconds),
            duckdb.map_or("absent".to_owned(), number),
            duckdb.map_or(String::new(), |time| number(seconds / time)),
        ]);
    }
    align_right(&mut shown, 1..7);
    println!("{shown}");
}

fn figures(scale: f64, loaded: &[Loaded], report: &mut Report) {
    let seconds: f64 = loaded.iter().map(|l| l.deltatree.as_secs_f64()).sum();
    let rows: u64 = loaded.iter().map(|l| l.rows).sum();
    let bytes: u64 = loaded.iter().map(|l| l.bytes).sum();
    // The target is for scale factor 1; larger ones may take as many times as long.
    report.figure_with_target("import of all tables", seconds, "s", Target::AtMost(60.0 * scale.max(1.0)));
    report.figure("rows", rows as f64 / seconds, "rows/s");
    report.figure("parquet read", bytes as f64 / MIB / seconds, "MiB/s");
    if let Some(duckdb) = loaded.iter().map(|l| Some(l.duckdb?.as_secs_f64())).sum::<Option<f64>>() {
        report.figure("duckdb", duckdb, "s");
        report.figure_with_target("deltatree / duckdb", seconds / duckdb, "x", Target::AtMost(5.0));
    }
}
