//! `schemata` and `tables`.

use deltatree_learner::catalog::CatalogSnapshot;

use super::DATABASES;
use super::relation::Kind::{Text, Time, UInt};
use super::relation::{Cell, Relation};
use crate::planner::QueryReads;

const CHARSET: &str = "utf8mb4";
const COLLATION: &str = "utf8mb4_bin";

pub(super) fn schemata(catalog: &CatalogSnapshot) -> Relation {
    let mut out = Relation::new(&[
        ("CATALOG_NAME", Text),
        ("SCHEMA_NAME", Text),
        ("DEFAULT_CHARACTER_SET_NAME", Text),
        ("DEFAULT_COLLATION_NAME", Text),
        ("SQL_PATH", Text),
        ("DEFAULT_ENCRYPTION", Text),
    ]);
    let mut names: Vec<_> = catalog.databases().map(|d| d.name.clone()).collect();
    names.extend(DATABASES.iter().map(|&d| d.to_owned()));
    names.sort();
    names.dedup();
    for name in names {
        out.push(vec!["def".into(), name.into(), CHARSET.into(), COLLATION.into(), Cell::Null, "NO".into()]);
    }
    out
}

pub(super) fn tables(reads: &QueryReads) -> Relation {
    let mut out = Relation::new(&[
        ("TABLE_CATALOG", Text),
        ("TABLE_SCHEMA", Text),
        ("TABLE_NAME", Text),
        ("TABLE_TYPE", Text),
        ("ENGINE", Text),
        ("VERSION", UInt),
        ("ROW_FORMAT", Text),
        ("TABLE_ROWS", UInt),
        ("AVG_ROW_LENGTH", UInt),
        ("DATA_LENGTH", UInt),
        ("MAX_DATA_LENGTH", UInt),
        ("INDEX_LENGTH", UInt),
        ("DATA_FREE", UInt),
        ("AUTO_INCREMENT", UInt),
        ("CREATE_TIME", Time),
        ("UPDATE_TIME", Time),
        ("CHECK_TIME", Time),
        ("TABLE_COLLATION", Text),
        ("CHECKSUM", UInt),
        ("CREATE_OPTIONS", Text),
        ("TABLE_COMMENT", Text),
        ("TIDB_TABLE_ID", UInt),
    ]);
    for table in reads.catalog().tables() {
        let statistics = reads.peek(table).map(|peek| peek.statistics);
        let rows = statistics.as_ref().map(|s| s.rows);
        let bytes = statistics.as_ref().map(|s| s.columns.iter().map(|c| c.bytes).sum::<u64>());
        let counts_up = table.columns.iter().any(|c| c.auto_increment);
        out.push(vec![
            "def".into(),
            table.database.as_str().into(),
            table.name.as_str().into(),
            "BASE TABLE".into(),
            "InnoDB".into(),
            10u64.into(),
            "Compact".into(),
            rows.into(),
            rows.zip(bytes).map(|(rows, bytes)| bytes.checked_div(rows).unwrap_or(0)).into(),
            bytes.into(),
            0u64.into(),
            0u64.into(),
            0u64.into(),
            counts_up.then_some(table.auto_increment_start).into(),
            Cell::Time(table.created_ms),
            Cell::Null,
            Cell::Null,
            COLLATION.into(),
            Cell::Null,
            "".into(),
            table.comment.as_str().into(),
            table.id.0.into(),
        ]);
    }
    for view in reads.catalog().views() {
        let mut row = vec![Cell::Null; 22];
        row[0] = "def".into();
        row[1] = view.database.as_str().into();
        row[2] = view.name.as_str().into();
        row[3] = "VIEW".into();
        row[20] = "VIEW".into();
        row[21] = view.id.into();
        out.push(row);
    }
    for (database, name) in super::names() {
        let mut row = vec![Cell::Null; 22];
        row[0] = "def".into();
        row[1] = database.into();
        row[2] = name.to_uppercase().into();
        row[3] = "SYSTEM VIEW".into();
        row[20] = "".into();
        out.push(row);
    }
    out
}
