//! `statistics`, `key_column_usage` and `table_constraints`.

use deltatree_learner::catalog::{CatalogSnapshot, TableInfo};
use deltatree_storage::types::ColumnId;

use super::relation::Kind::{Text, UInt};
use super::relation::{Cell, Relation};

/// An index or the primary key: name, whether it is unique, columns.
struct Key<'a> {
    name: &'a str,
    unique: bool,
    columns: Vec<ColumnId>,
}

fn keys(table: &TableInfo) -> Vec<Key<'_>> {
    let primary: Vec<_> = table.primary_key_positions().iter().map(|&i| table.columns[i].id).collect();
    let primary = (!primary.is_empty()).then_some(Key { name: "PRIMARY", unique: true, columns: primary });
    let secondary = table.indexes.iter().map(|i| Key { name: &i.name, unique: i.unique, columns: i.columns.clone() });
    primary.into_iter().chain(secondary).collect()
}

pub(super) fn statistics(catalog: &CatalogSnapshot) -> Relation {
    let mut out = Relation::new(&[
        ("TABLE_CATALOG", Text),
        ("TABLE_SCHEMA", Text),
        ("TABLE_NAME", Text),
        ("NON_UNIQUE", UInt),
        ("INDEX_SCHEMA", Text),
        ("INDEX_NAME", Text),
        ("SEQ_IN_INDEX", UInt),
        ("COLUMN_NAME", Text),
        ("COLLATION", Text),
        ("CARDINALITY", UInt),
        ("SUB_PART", UInt),
        ("PACKED", Text),
        ("NULLABLE", Text),
        ("INDEX_TYPE", Text),
        ("COMMENT", Text),
        ("INDEX_COMMENT", Text),
        ("IS_VISIBLE", Text),
        ("EXPRESSION", Text),
    ]);
    for table in catalog.tables() {
        for key in keys(table) {
            for (i, id) in key.columns.iter().enumerate() {
                let Some(column) = table.position_of(*id).map(|i| &table.columns[i]) else { continue };
                out.push(vec![
                    "def".into(),
                    table.database.as_str().into(),
                    table.name.as_str().into(),
                    u64::from(!key.unique).into(),
                    table.database.as_str().into(),
                    key.name.into(),
                    (i as u64 + 1).into(),
                    column.name.as_str().into(),
                    "A".into(),
                    Cell::Null,
                    Cell::Null,
                    Cell::Null,
                    if column.nullable { "YES" } else { "" }.into(),
                    "BTREE".into(),
                    "".into(),
                    "".into(),
                    "YES".into(),
                    Cell::Null,
                ]);
            }
        }
    }
    out
}

pub(super) fn key_column_usage(catalog: &CatalogSnapshot) -> Relation {
    let mut out = Relation::new(&[
        ("CONSTRAINT_CATALOG", Text),
        ("CONSTRAINT_SCHEMA", Text),
        ("CONSTRAINT_NAME", Text),
        ("TABLE_CATALOG", Text),
        ("TABLE_SCHEMA", Text),
        ("TABLE_NAME", Text),
        ("COLUMN_NAME", Text),
        ("ORDINAL_POSITION", UInt),
        ("POSITION_IN_UNIQUE_CONSTRAINT", UInt),
        ("REFERENCED_TABLE_SCHEMA", Text),
        ("REFERENCED_TABLE_NAME", Text),
        ("REFERENCED_COLUMN_NAME", Text),
    ]);
    for table in catalog.tables() {
        for key in keys(table).into_iter().filter(|key| key.unique) {
            for (i, id) in key.columns.iter().enumerate() {
                let Some(column) = table.position_of(*id).map(|i| &table.columns[i]) else { continue };
                out.push(vec![
                    "def".into(),
                    table.database.as_str().into(),
                    key.name.into(),
                    "def".into(),
                    table.database.as_str().into(),
                    table.name.as_str().into(),
                    column.name.as_str().into(),
                    (i as u64 + 1).into(),
                    Cell::Null,
                    Cell::Null,
                    Cell::Null,
                    Cell::Null,
                ]);
            }
        }
    }
    out
}

pub(super) fn table_constraints(catalog: &CatalogSnapshot) -> Relation {
    let mut out = Relation::new(&[
        ("CONSTRAINT_CATALOG", Text),
        ("CONSTRAINT_SCHEMA", Text),
        ("CONSTRAINT_NAME", Text),
        ("TABLE_SCHEMA", Text),
        ("TABLE_NAME", Text),
        ("CONSTRAINT_TYPE", Text),
        ("ENFORCED", Text),
    ]);
    for table in catalog.tables() {
        for key in keys(table).into_iter().filter(|key| key.unique) {
            out.push(vec![
                "def".into(),
                table.database.as_str().into(),
                key.name.into(),
                table.database.as_str().into(),
                table.name.as_str().into(),
                if key.name == "PRIMARY" { "PRIMARY KEY" } else { "UNIQUE" }.into(),
                "YES".into(),
            ]);
        }
    }
    out
}
