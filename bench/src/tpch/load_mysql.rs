//! TPC-H over the MySQL protocol: `INSERT` statements of many rows.

use anyhow::Context;
use deltatree_query::tpch::generator;
use deltatree_query::tpch::insert_text::insert_statement;
use deltatree_query::tpch::schema::Table;
use mysql::Conn;
use mysql::prelude::Queryable;

/// Rows of one statement.
const ROWS_A_STATEMENT: usize = 1000;

/// Creates a database with the eight tables and fills them; how many rows there are.
///
/// # Errors
/// When a statement fails. Blocks for as long as the load takes.
pub fn load_over_mysql(connection: &mut Conn, database: &str, scale: f64) -> anyhow::Result<u64> {
    connection.query_drop(format!("create database {database}"))?;
    connection.query_drop(format!("use {database}"))?;
    let mut rows = 0;
    for table in Table::ALL {
        connection.query_drop(table.ddl())?;
        for batch in generator::batches(table, scale, ROWS_A_STATEMENT, 1, 1) {
            let Some(sql) = insert_statement(table.name(), &batch)? else { continue };
            connection.query_drop(sql).with_context(|| format!("cannot insert into {table}"))?;
            anyhow::ensure!(
                connection.affected_rows() == batch.num_rows() as u64,
                "{} of {} rows went into {table}",
                connection.affected_rows(),
                batch.num_rows()
            );
            rows += batch.num_rows() as u64;
        }
    }
    Ok(rows)
}
