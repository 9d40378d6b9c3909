//! Schema changes as key-value mutations.
//!
//! A schema change is one transaction: read [`crate::codec::meta_range`] at its start into a
//! [`CatalogSnapshot`], call one function here, buffer the returned [`KeyOp`]s, commit. Every change
//! writes the schema version, so of two concurrent ones the second is a write conflict and starts
//! again. Rows and index entries of a dropped table are not touched here: whoever drops it removes
//! [`crate::codec::table_range`] afterwards, when no snapshot reads it any more.

use std::collections::BTreeSet;

use deltatree_storage::types::{ColumnId, TableId};

use super::meta_key::{
    auto_increment_key, database_key, encode_database, encode_table, encode_u64, next_id_key, row_id_key,
    schema_version_key, table_definition_key, view_key,
};
use super::{CatalogError, CatalogSnapshot, DatabaseInfo, IndexInfo, PrimaryKey, TableInfo};
use crate::codec::fits;
use crate::table_write::KeyOp;

type Result<T> = std::result::Result<T, CatalogError>;

/// `CREATE DATABASE`.
///
/// # Errors
/// If one of that name exists.
pub fn create_database(catalog: &CatalogSnapshot, name: &str) -> Result<(DatabaseInfo, Vec<KeyOp>)> {
    if catalog.database(name).is_some() {
        return Err(CatalogError::DatabaseExists(name.into()));
    }
    let info = DatabaseInfo { id: catalog.next_id(), name: name.into() };
    let mut ops = changed(catalog);
    ops.push(put(next_id_key(), encode_u64(info.id + 1)));
    ops.push(put(database_key(info.id), encode_database(&info)?));
    Ok((info, ops))
}

/// `DROP DATABASE`, with its tables and views. Returns the ids of the tables.
///
/// # Errors
/// If there is none of that name.
pub fn drop_database(catalog: &CatalogSnapshot, name: &str) -> Result<(Vec<TableId>, Vec<KeyOp>)> {
    let info = catalog.database(name).ok_or_else(|| CatalogError::UnknownDatabase(name.into()))?;
    let tables: Vec<_> = catalog.tables_of(info.id).map(|t| at_rest(t).map(|t| t.id)).collect::<Result<_>>()?;
    let mut ops = changed(catalog);
    ops.push(KeyOp::Delete { key: database_key(info.id) });
    tables.iter().for_each(|&t| remove_table(t, &mut ops));
    ops.extend(catalog.views_of(info.id).map(|view| KeyOp::Delete { key: view_key(view.id) }));
    Ok((tables, ops))
}

/// `CREATE TABLE`. The ids of the table and its database, the database's name as it was declared and
/// the schema version are filled in here; column and index ids are the caller's, from 1.
///
/// # Errors
/// If the database (by `info.database`) does not exist, a table of that name does, or the definition
/// contradicts itself.
pub fn create_table(catalog: &CatalogSnapshot, mut info: TableInfo) -> Result<(TableInfo, Vec<KeyOp>)> {
    let database =
        catalog.database(&info.database).ok_or_else(|| CatalogError::UnknownDatabase(info.database.clone()))?;
    if catalog.table_in(database.id, &info.name).is_some() || catalog.view_in(database.id, &info.name).is_some() {
        return Err(CatalogError::TableExists(format!("{}.{}", database.name, info.name)));
    }
    info.id = TableId(catalog.next_id());
    info.database_id = database.id;
    info.database = database.name.clone();
    info.schema_version = catalog.version() + 1;
    (info.import, info.loaded) = (None, None);
    check(&info)?;
    let mut ops = changed(catalog);
    ops.push(put(next_id_key(), encode_u64(info.id.0 + 1)));
    ops.push(put(table_definition_key(info.id), encode_table(&info)?));
    Ok((info, ops))
}

/// `DROP TABLE`.
///
/// # Errors
/// If there is none of that id.
pub fn drop_table(catalog: &CatalogSnapshot, table: TableId) -> Result<Vec<KeyOp>> {
    at_rest(existing(catalog, table)?)?;
    let mut ops = changed(catalog);
    remove_table(table, &mut ops);
    Ok(ops)
}

/// `TRUNCATE TABLE`: a new, empty table of the same definition takes the name. Its counters start
/// again.
///
/// # Errors
/// If there is none of that id.
pub fn truncate_table(catalog: &CatalogSnapshot, table: TableId) -> Result<(TableInfo, Vec<KeyOp>)> {
    let mut info = at_rest(existing(catalog, table)?)?.clone();
    info.id = TableId(catalog.next_id());
    info.schema_version = catalog.version() + 1;
    info.loaded = None;
    info.forget_unfinished();
    let mut ops = changed(catalog);
    remove_table(table, &mut ops);
    ops.push(put(next_id_key(), encode_u64(info.id.0 + 1)));
    ops.push(put(table_definition_key(info.id), encode_table(&info)?));
    Ok((info, ops))
}

/// `ALTER TABLE` and `RENAME TABLE`: `info` replaces the definition of the table with its id. Its
/// schema version is filled in here. Rows are not rewritten: a new column reads as its
/// `origin_default`, and an index must be filled by the caller in the same or a later transaction.
///
/// # Errors
/// If there is no table of that id, its new name is taken or its new database unknown, or the
/// definition contradicts itself or the one that it replaces.
pub fn alter_table(catalog: &CatalogSnapshot, mut info: TableInfo) -> Result<(TableInfo, Vec<KeyOp>)> {
    let old = at_rest(existing(catalog, info.id)?)?;
    let database =
        catalog.database(&info.database).ok_or_else(|| CatalogError::UnknownDatabase(info.database.clone()))?;
    if catalog.table_in(database.id, &info.name).is_some_and(|t| t.id != info.id)
        || catalog.view_in(database.id, &info.name).is_some()
    {
        return Err(CatalogError::TableExists(format!("{}.{}", database.name, info.name)));
    }
    info.database_id = database.id;
    info.database = database.name.clone();
    info.schema_version = catalog.version() + 1;
    check(&info)?;
    if info.primary_key != old.primary_key {
        return Err(CatalogError::Invalid(format!("the primary key of table {} cannot be changed", old.name)));
    }
    let before = old.as_stored();
    for column in &info.as_stored().columns {
        match before.position_of(column.id).map(|i| &before.columns[i]) {
            Some(before) if before.sql_type.stored() != column.sql_type.stored() => {
                return Err(CatalogError::Invalid(format!(
                    "column {} is stored in another way: it needs a new id and its rows a rewrite",
                    column.name
                )));
            }
            None if !column.nullable && column.origin_default.is_null() => {
                return Err(CatalogError::Invalid(format!("rows that exist have no value for column {}", column.name)));
            }
            Some(_) | None => {}
        }
    }
    if info.next_column_id < old.next_column_id || info.next_index_id < old.next_index_id {
        return Err(CatalogError::Invalid(format!("ids of table {} must not be used again", old.name)));
    }
    let mut ops = changed(catalog);
    ops.push(put(table_definition_key(info.id), encode_table(&info)?));
    Ok((info, ops))
}

/// What every schema change writes.
pub(super) fn changed(catalog: &CatalogSnapshot) -> Vec<KeyOp> {
    vec![put(schema_version_key(), encode_u64(catalog.version() + 1))]
}

pub(super) fn existing(catalog: &CatalogSnapshot, table: TableId) -> Result<&TableInfo> {
    catalog.table_by_id(table).map(|t| &**t).ok_or_else(|| CatalogError::UnknownTable(table.to_string()))
}

/// The table, unless it is being imported into.
pub(super) fn at_rest(table: &TableInfo) -> Result<&TableInfo> {
    match table.import {
        None => Ok(table),
        Some(_) => Err(CatalogError::Importing(table.name.clone())),
    }
}

pub(super) fn remove_table(table: TableId, ops: &mut Vec<KeyOp>) {
    for key in [table_definition_key(table), auto_increment_key(table), row_id_key(table)] {
        ops.push(KeyOp::Delete { key });
    }
}

pub(super) fn put(key: bytes::Bytes, value: bytes::Bytes) -> KeyOp {
    KeyOp::Put { key, value }
}

/// Whether a definition is one that rows can be stored by.
fn check(info: &TableInfo) -> Result<()> {
    let invalid = |reason: String| Err(CatalogError::Invalid(format!("table {}: {reason}", info.name)));
    let mut ids = BTreeSet::new();
    let mut names = BTreeSet::new();
    let hidden = info.converting.as_ref().map(|conversion| &conversion.to);
    if info.converting.as_ref().is_some_and(|conversion| info.position_of(conversion.from).is_none()) {
        return invalid("the column that is being converted does not exist".into());
    }
    for column in info.columns.iter().chain(hidden) {
        let shown = hidden != Some(column);
        if shown && !names.insert(column.name.to_lowercase()) {
            return invalid(format!("two columns are named {}", column.name));
        }
        if !ids.insert(column.id) || column.id.0 >= info.next_column_id {
            return invalid(format!("column id {} is used twice or not yet handed out", column.id));
        }
        for default in [Some(&column.origin_default), column.default.constant()].into_iter().flatten() {
            if !default.is_null() && !fits(column.sql_type.stored(), default) {
                return invalid(format!("the default of column {} does not fit its type", column.name));
            }
        }
    }
    if info.columns.is_empty() {
        return invalid("it has no column".into());
    }
    let key_columns: &[ColumnId] = match &info.primary_key {
        PrimaryKey::Integer { column } => std::slice::from_ref(column),
        PrimaryKey::Columns { columns } if columns.is_empty() => return invalid("the primary key is empty".into()),
        PrimaryKey::Columns { columns } => columns,
        PrimaryKey::Hidden => &[],
    };
    for id in key_columns {
        match info.position_of(*id) {
            Some(i) if info.columns[i].nullable => {
                return invalid(format!("column {} of the primary key may not be NULL", info.columns[i].name));
            }
            Some(_) => {}
            None => return invalid(format!("the primary key names column {id}, which does not exist")),
        }
    }
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    let stored = info.as_stored();
    let copies: &[IndexInfo] = info.converting.as_ref().map_or(&[], |conversion| &conversion.indexes);
    for index in info.maintained_indexes().chain(copies) {
        if !copies.contains(index) && !names.insert(index.name.to_lowercase()) {
            return invalid(format!("two indexes are named {}", index.name));
        }
        if !ids.insert(index.id) || index.id >= info.next_index_id {
            return invalid(format!("index id {} is used twice or not yet handed out", index.id));
        }
        if index.columns.is_empty() || index.columns.iter().any(|c| stored.position_of(*c).is_none()) {
            return invalid(format!("index {} names no column or one that does not exist", index.name));
        }
    }
    Ok(())
}
