//! Both access paths answer every query alike, whenever nobody writes.

use anyhow::Context;
use mysql::Conn;
use mysql::prelude::Queryable;

use super::queries::{QUERIES, Query};
use crate::report::Report;
use crate::tpch::verify::text_row;

/// A result as text, NULL apart.
type Answer = Vec<Vec<Option<String>>>;

/// Runs each query on the row path and on the columnar path. One that fails, or whose answers differ, is a
/// failure in the report; `state` says there what the tables have gone through. How many agreed, of 22.
///
/// # Errors
/// When a path cannot be chosen.
pub fn compare_paths(connection: &mut Conn, state: &str, report: &mut Report) -> anyhow::Result<u32> {
    let mut by_path = Vec::new();
    for engine in ["tikv", "tiflash"] {
        connection.query_drop(format!("set session tidb_isolation_read_engines = '{engine}'"))?;
        by_path.push(QUERIES.map(|query| answer(connection, &query).with_context(|| format!("on {engine}"))));
    }
    let mut agreed = 0;
    let mut paths = by_path.into_iter();
    let (rows, columns) = (paths.next().into_iter().flatten(), paths.next().into_iter().flatten());
    for (query, (row, columnar)) in QUERIES.iter().zip(rows.zip(columns)) {
        match (row, columnar) {
            (Ok(row), Ok(columnar)) if row == columnar => agreed += 1,
            (Ok(row), Ok(columnar)) => {
                let differs = row.iter().zip(&columnar).find(|(row, columnar)| row != columnar);
                report.failure(format!(
                    "{}, {state}: {} rows on the row path, {} on the columnar path, the first that differ: {differs:?}",
                    query.name(),
                    row.len(),
                    columnar.len(),
                ));
            }
            (row, columnar) => {
                for error in [row.err(), columnar.err()].into_iter().flatten() {
                    report.failure(format!("{}, {state}: {error:#}", query.name()));
                }
            }
        }
    }
    Ok(agreed)
}

/// The rows, sorted: those that a query's order leaves open may come in any.
fn answer(connection: &mut Conn, query: &Query) -> anyhow::Result<Answer> {
    let rows: Vec<mysql::Row> = connection.query(query.sql)?;
    let mut rows = rows
        .into_iter()
        .map(|row| Ok(text_row(row)?.into_iter().map(|cell| cell.map(comparable)).collect()))
        .collect::<anyhow::Result<Answer>>()?;
    rows.sort_unstable();
    Ok(rows)
}

/// A number with an exponent or a point to ten digits: the sum of floating-point numbers depends on their
/// sequence.
fn comparable(text: String) -> String {
    if !text.contains(['.', 'e', 'E']) {
        return text;
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => format!("{number:.9e}"),
        Ok(_) | Err(_) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value() {
        assert_eq!(comparable("1.50".to_owned()), comparable("1.5000".to_owned()));
        assert_eq!(comparable("0.1234567890123".to_owned()), comparable("0.12345678901234".to_owned()));
        assert_ne!(comparable("1.50".to_owned()), comparable("1.51".to_owned()));
        assert_eq!(comparable("12345678901234567".to_owned()), "12345678901234567");
        assert_eq!(comparable("Q.E.D.".to_owned()), "Q.E.D.");
    }
}
