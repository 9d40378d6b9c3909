//! The population into a server, by `LOAD DATA LOCAL` over several connections: the server commits ten
//! thousand rows at a time, and the commits of several connections share their syncs.

use std::io::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, anyhow, ensure};
use mysql::prelude::Queryable;
use mysql::{Conn, LocalInfileHandler};

use super::generate::Part;
use super::lines::Lines;
use super::scale::Scale;
use super::schema::Table;
use crate::server::Server;

/// Connections that load at once.
const CONNECTIONS: usize = 4;

/// Creates the tables in the database `test` and fills them; how many rows there are. Blocks.
///
/// # Errors
/// When a statement fails, or does not load every row.
pub fn load(server: &Server, scale: Scale) -> anyhow::Result<u64> {
    let mut connection = server.connect()?;
    for table in Table::ALL {
        connection.query_drop(table.ddl()).with_context(|| format!("cannot create {}", table.name()))?;
    }
    let parts = Part::all(scale);
    let (next, rows) = (AtomicUsize::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        let mut loaders = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut connection = server.connect()?;
            let (parts, next, rows) = (&parts, &next, &rows);
            loaders.push(scope.spawn(move || -> anyhow::Result<()> {
                while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for lines in part.lines(scale)? {
                        rows.fetch_add(insert(&mut connection, lines)?, Ordering::Relaxed);
                    }
                }
                Ok(())
            }));
        }
        for loader in loaders {
            loader.join().map_err(|_| anyhow!("a loading thread failed"))??;
        }
        anyhow::Ok(())
    })?;
    // Access paths are chosen by statistics.
    for table in Table::ALL {
        connection.query_drop(format!("analyze table {}", table.name()))?;
    }
    Ok(rows.into_inner())
}

/// The same through one connection. Blocks.
///
/// # Errors
/// As [`load`].
pub fn load_alone(connection: &mut Conn, scale: Scale) -> anyhow::Result<u64> {
    for table in Table::ALL {
        connection.query_drop(table.ddl()).with_context(|| format!("cannot create {}", table.name()))?;
    }
    let mut rows = 0;
    for part in Part::all(scale) {
        for lines in part.lines(scale)? {
            rows += insert(connection, lines)?;
        }
    }
    Ok(rows)
}

fn insert(connection: &mut Conn, lines: Lines) -> anyhow::Result<u64> {
    let Lines { table, rows, text } = lines;
    let send = move |_: &[u8], file: &mut mysql::LocalInfile<'_>| file.write_all(text.as_bytes());
    connection.set_local_infile_handler(Some(LocalInfileHandler::new(send)));
    let name = table.name();
    connection
        .query_drop(format!("load data local infile '{name}' into table {name}"))
        .with_context(|| format!("cannot load {name}"))?;
    let loaded = connection.affected_rows();
    // Rows that have a key twice, or that lack a field, would be left out with a warning.
    ensure!(loaded == rows && connection.warnings() == 0, "{loaded} of {rows} rows went into {name}");
    Ok(rows)
}
