//! `statistics`.

use deltatree_learner::catalog::{CatalogSnapshot, TableInfo};
use deltatree_storage::types::ColumnId;

use super::relation::Kind::{Text, UInt};
use super::relation::{Cell, Relation};

/// An index or the primary key: name, whether it is unique, columns.
pub(super) struct Key<'a> {
    pub(super) name: &'a str,
    pub(super) unique: bool,
    pub(super) columns: Vec<ColumnId>,
}

pub(super) fn keys(table: &TableInfo) -> Vec<Key<'_>> {
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
