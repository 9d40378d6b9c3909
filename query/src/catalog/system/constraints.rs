//! `table_constraints`, `key_column_usage`, `referential_constraints` and `check_constraints`.

use deltatree_learner::catalog::{CatalogSnapshot, TableInfo};

use super::indexes::keys;
use super::relation::Kind::{Text, UInt};
use super::relation::{Cell, Relation};

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
        let mut push = |constraint: &str, id, position: usize, referenced: [Cell; 4]| {
            let Some(column) = table.position_of(id).map(|i| &table.columns[i]) else { return };
            let mut row = vec![
                "def".into(),
                table.database.as_str().into(),
                constraint.into(),
                "def".into(),
                table.database.as_str().into(),
                table.name.as_str().into(),
                column.name.as_str().into(),
                (position as u64 + 1).into(),
            ];
            row.extend(referenced);
            out.push(row);
        };
        for key in keys(table).into_iter().filter(|key| key.unique) {
            for (i, id) in key.columns.iter().enumerate() {
                push(key.name, *id, i, [const { Cell::Null }; 4]);
            }
        }
        for key in &table.foreign_keys {
            for (i, (id, referenced)) in key.columns.iter().zip(&key.referenced_columns).enumerate() {
                let referenced = [
                    (i as u64 + 1).into(),
                    key.referenced_database.as_str().into(),
                    key.referenced_table.as_str().into(),
                    referenced.as_str().into(),
                ];
                push(&key.name, *id, i, referenced);
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
    let mut push = |table: &TableInfo, name: &str, kind: &str, enforced: bool| {
        out.push(vec![
            "def".into(),
            table.database.as_str().into(),
            name.into(),
            table.database.as_str().into(),
            table.name.as_str().into(),
            kind.into(),
            if enforced { "YES" } else { "NO" }.into(),
        ]);
    };
    for table in catalog.tables() {
        for key in keys(table).into_iter().filter(|key| key.unique) {
            push(table, key.name, if key.name == "PRIMARY" { "PRIMARY KEY" } else { "UNIQUE" }, true);
        }
        for key in &table.foreign_keys {
            push(table, &key.name, "FOREIGN KEY", false);
        }
        for check in &table.checks {
            push(table, &check.name, "CHECK", check.enforced);
        }
    }
    out
}

pub(super) fn referential_constraints(catalog: &CatalogSnapshot) -> Relation {
    let mut out = Relation::new(&[
        ("CONSTRAINT_CATALOG", Text),
        ("CONSTRAINT_SCHEMA", Text),
        ("CONSTRAINT_NAME", Text),
        ("UNIQUE_CONSTRAINT_CATALOG", Text),
        ("UNIQUE_CONSTRAINT_SCHEMA", Text),
        ("UNIQUE_CONSTRAINT_NAME", Text),
        ("MATCH_OPTION", Text),
        ("UPDATE_RULE", Text),
        ("DELETE_RULE", Text),
        ("TABLE_NAME", Text),
        ("REFERENCED_TABLE_NAME", Text),
    ]);
    let rule = |action: &str| if action.is_empty() { "NO ACTION".to_owned() } else { action.to_owned() };
    for table in catalog.tables() {
        for key in &table.foreign_keys {
            let referenced = catalog.table(&key.referenced_database, &key.referenced_table);
            out.push(vec![
                "def".into(),
                table.database.as_str().into(),
                key.name.as_str().into(),
                "def".into(),
                key.referenced_database.as_str().into(),
                referenced.and_then(|t| unique_key(t, &key.referenced_columns)).into(),
                "NONE".into(),
                rule(&key.on_update).into(),
                rule(&key.on_delete).into(),
                table.name.as_str().into(),
                key.referenced_table.as_str().into(),
            ]);
        }
    }
    out
}

/// The name of the unique key over these columns.
fn unique_key(table: &TableInfo, columns: &[String]) -> Option<String> {
    let ids: Option<Vec<_>> =
        columns.iter().map(|name| table.column_position(name).map(|i| table.columns[i].id)).collect();
    let ids = ids?;
    keys(table).into_iter().find(|key| key.unique && key.columns == ids).map(|key| key.name.to_owned())
}

pub(super) fn check_constraints(catalog: &CatalogSnapshot) -> Relation {
    let mut out = Relation::new(&[
        ("CONSTRAINT_CATALOG", Text),
        ("CONSTRAINT_SCHEMA", Text),
        ("CONSTRAINT_NAME", Text),
        ("CHECK_CLAUSE", Text),
    ]);
    for table in catalog.tables() {
        for check in &table.checks {
            out.push(vec![
                "def".into(),
                table.database.as_str().into(),
                check.name.as_str().into(),
                check.condition.as_str().into(),
            ]);
        }
    }
    out
}
