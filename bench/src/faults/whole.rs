//! What must hold once nothing is wrong any more.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mysql::prelude::Queryable;
use mysql::{Conn, Row, Value};

use super::cluster::Servers;
use super::history::Path;

/// Makes the table that [`await_service`] writes.
///
/// # Errors
/// When the server refuses.
pub fn create(connection: &mut Conn) -> mysql::Result<()> {
    connection.query_drop("create table fault_signs (id bigint not null primary key, v bigint)")
}

/// Waits until every front end writes, and reads on both paths.
///
/// # Errors
/// When one does not in time: its last error.
pub fn await_service(servers: &Servers, within: Duration) -> anyhow::Result<()> {
    let deadline = Instant::now() + within;
    for speaker in servers.speakers() {
        loop {
            let Err(error) = serves(servers, speaker) else { break };
            if Instant::now() > deadline {
                let what = format!("{} does not serve within {} s", servers.name(speaker), within.as_secs());
                return Err(error.context(what));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

fn serves(servers: &Servers, speaker: usize) -> anyhow::Result<()> {
    let mut connection = servers.connect(speaker)?;
    connection.query_drop(format!("replace into fault_signs values ({speaker}, 1)")).context("cannot write")?;
    for path in Path::ALL {
        path.choose(&mut connection)?;
        let counted = "select count(*) from fault_signs where v >= 0";
        connection.query_drop(counted).with_context(|| format!("cannot read, {path:?}"))?;
    }
    Ok(())
}

/// Compares tables on the row path, on the columnar path and by their indexes, through every front end and at
/// one timestamp each. Returns the differences, in words.
pub fn paths_agree(servers: &Servers, tables: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for speaker in servers.speakers() {
        for table in tables {
            let compared = servers.connect(speaker).and_then(|mut connection| compare(&mut connection, table));
            wrong.extend(compared.err().map(|error| format!("{}, {table}: {error:#}", servers.name(speaker))));
        }
    }
    wrong
}

fn compare(connection: &mut Conn, table: &str) -> anyhow::Result<()> {
    let indexes: Vec<Row> = connection.query(format!("show index from {table}"))?;
    let mut names: Vec<String> = indexes.iter().filter_map(|row| row.get("Key_name")).collect();
    names.dedup();
    names.retain(|name| name != "PRIMARY");
    connection.query_drop("begin")?;
    let all = |connection: &mut Conn, hint: &str| -> anyhow::Result<Vec<Vec<Value>>> {
        let rows: Vec<Row> = connection.query(format!("select * from {table} {hint} order by id"))?;
        Ok(rows.into_iter().map(Row::unwrap).collect())
    };
    Path::Row.choose(connection)?;
    let rows = all(connection, "")?;
    for name in names {
        let first: Option<String> = indexes
            .iter()
            .find(|row| row.get::<String, _>("Key_name").as_deref() == Some(name.as_str()))
            .and_then(|row| row.get("Column_name"));
        let column = first.unwrap_or_default();
        let hint = format!("force index ({name}) where {column} >= 0");
        differ(&rows, &all(connection, &hint)?).with_context(|| format!("by the index {name}"))?;
    }
    Path::Columnar.choose(connection)?;
    differ(&rows, &all(connection, "")?).context("on the columnar path")?;
    connection.query_drop("commit")?;
    Ok(())
}

/// Fails with the first difference.
fn differ(rows: &[Vec<Value>], others: &[Vec<Value>]) -> anyhow::Result<()> {
    if let Some((row, other)) = rows.iter().zip(others).find(|(row, other)| row != other) {
        bail!("{other:?} instead of {row:?}");
    }
    if rows.len() != others.len() {
        bail!("{} rows instead of {}", others.len(), rows.len());
    }
    Ok(())
}
