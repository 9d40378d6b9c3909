//! Columns and keys as `CREATE TABLE` and `ALTER TABLE` declare them.

use datafusion::sql::sqlparser::ast::{ColumnDef, ColumnOption, Expr, IndexColumn, TableConstraint};
use deltatree_learner::catalog::{ColumnDefault, ColumnInfo, IndexInfo, PrimaryKey, SqlType, TableInfo};
use deltatree_storage::types::{ColumnId, Value};

use crate::error::{Result, SqlError};
use crate::types::SessionZone;
use crate::types::coerce::{Assignment, cast_value};
use crate::types::literal::literal_value;
use crate::types::parse::sql_type;

/// A declared column, and the keys that it declares for itself.
pub(super) struct DeclaredColumn {
    pub(super) info: ColumnInfo,
    pub(super) primary: bool,
    pub(super) unique: bool,
}

/// A declared key of a table.
pub(super) struct DeclaredKey {
    /// Name, if it was given.
    pub(super) name: Option<String>,
    /// Columns, by name.
    pub(super) columns: Vec<String>,
    pub(super) unique: bool,
    pub(super) primary: bool,
}

/// Reads a column's declaration. `collation` is the table's.
pub(super) fn column(def: &ColumnDef, id: ColumnId, collation: &str, zone: SessionZone) -> Result<DeclaredColumn> {
    let options: Vec<_> = def.options.iter().map(|o| &o.option).collect();
    column_of_options(&def.name.value, &def.data_type, &options, id, collation, zone)
}

/// Reads a column's declaration, taken apart.
pub(super) fn column_of_options(
    name: &str,
    data_type: &datafusion::sql::sqlparser::ast::DataType,
    options: &[&ColumnOption],
    id: ColumnId,
    collation: &str,
    zone: SessionZone,
) -> Result<DeclaredColumn> {
    if name.is_empty() || name.len() > 64 || name.ends_with(' ') {
        return Err(SqlError::new(1166, format!("Incorrect column name '{name}'")));
    }
    let info =
        ColumnInfo { collation: collation.to_owned(), ..ColumnInfo::new(id, name, sql_type(data_type, name)?, true) };
    let mut column = DeclaredColumn { info, primary: false, unique: false };
    // `SERIAL` is short for BIGINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE.
    if data_type.to_string().eq_ignore_ascii_case("serial") {
        column.info.nullable = false;
        column.info.auto_increment = true;
        column.unique = true;
    }
    let mut default = None;
    for option in options {
        match option {
            ColumnOption::Null => column.info.nullable = true,
            ColumnOption::NotNull => column.info.nullable = false,
            ColumnOption::Default(expr) => default = Some(expr),
            ColumnOption::PrimaryKey(_) => column.primary = true,
            ColumnOption::Unique(_) => column.unique = true,
            ColumnOption::Comment(comment) => column.info.comment.clone_from(comment),
            ColumnOption::Collation(name) => {
                column.info.collation = name.to_string().trim_matches(['`', '\'']).to_lowercase()
            }
            ColumnOption::CharacterSet(name) if name.to_string().eq_ignore_ascii_case("binary") => {
                column.info.collation = "binary".to_owned();
            }
            ColumnOption::OnUpdate(expr) if is_now(expr) => column.info.on_update_now = true,
            ColumnOption::OnUpdate(_) => {
                return Err(SqlError::new(1294, format!("Invalid ON UPDATE clause for '{name}' column")));
            }
            ColumnOption::DialectSpecific(tokens) => {
                let words: Vec<_> = tokens.iter().map(|t| t.to_string().to_ascii_uppercase()).collect();
                if words.iter().any(|w| w == "AUTO_INCREMENT") {
                    column.info.auto_increment = true;
                    column.info.nullable = false;
                }
            }
            ColumnOption::Generated { .. } => return Err(SqlError::not_supported("generated columns")),
            // Checks are the table's; the others have no meaning here.
            _ => {}
        }
    }
    if let Some(default) = default {
        column.info.default = read_default(default, &column.info, zone)?;
    }
    if column.primary {
        column.info.nullable = false;
    }
    Ok(column)
}

/// Reads a `DEFAULT` clause.
pub(super) fn read_default(expr: &Expr, column: &ColumnInfo, zone: SessionZone) -> Result<ColumnDefault> {
    let invalid = || SqlError::invalid_default(&column.name);
    if is_now(expr) {
        return match column.sql_type {
            SqlType::DateTime { .. } | SqlType::Timestamp { .. } => Ok(ColumnDefault::Now),
            _ => Err(invalid()),
        };
    }
    let value = literal_value(expr).ok_or_else(invalid)?;
    if value.is_null() {
        return if column.nullable { Ok(ColumnDefault::Value(Value::Null)) } else { Err(invalid()) };
    }
    cast_value(&value, column, 1, &mut Assignment::strict(zone)).map(ColumnDefault::Value).map_err(|_| invalid())
}

/// `CURRENT_TIMESTAMP`, by any of its names.
fn is_now(expr: &Expr) -> bool {
    let name = match expr {
        Expr::Function(function) => function.name.to_string(),
        Expr::Identifier(name) => name.value.clone(),
        Expr::Nested(inner) => return is_now(inner),
        _ => return false,
    };
    ["current_timestamp", "now", "localtime", "localtimestamp"].contains(&name.to_lowercase().as_str())
}

/// Reads a key's declaration; `None` for constraints that are not keys.
pub(super) fn key(constraint: &TableConstraint) -> Result<Option<DeclaredKey>> {
    let (name, columns, unique, primary) = match constraint {
        TableConstraint::PrimaryKey(key) => (None, &key.columns, true, true),
        TableConstraint::Unique(key) => (key.index_name.as_ref().or(key.name.as_ref()), &key.columns, true, false),
        TableConstraint::Index(key) => (key.name.as_ref(), &key.columns, false, false),
        TableConstraint::FulltextOrSpatial(_) => return Err(SqlError::not_supported("FULLTEXT and SPATIAL indexes")),
        TableConstraint::ForeignKey(_) | TableConstraint::Check(_) => return Ok(None),
        other => return Err(SqlError::not_supported(other)),
    };
    let columns = key_columns(columns)?;
    Ok(Some(DeclaredKey { name: name.map(|n| n.value.clone()), columns, unique, primary }))
}

/// Names of a key's columns. A prefix length (`name(10)`) is read, and the whole column indexed.
pub(super) fn key_columns(columns: &[IndexColumn]) -> Result<Vec<String>> {
    columns
        .iter()
        .map(|column| match &column.column.expr {
            Expr::Identifier(name) => Ok(name.value.clone()),
            Expr::Function(prefixed) => Ok(prefixed.name.to_string().trim_matches('`').to_owned()),
            other => Err(SqlError::not_supported(format!("index on expression {other}"))),
        })
        .collect()
}

/// Ids of a key's columns. Fails with 1072 for one that does not exist.
pub(super) fn column_ids(table: &TableInfo, names: &[String]) -> Result<Vec<ColumnId>> {
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        let position = table.column_position(name).ok_or_else(|| SqlError::key_column_missing(name))?;
        let id = table.columns[position].id;
        if ids.contains(&id) {
            return Err(SqlError::duplicate_column(name));
        }
        ids.push(id);
    }
    Ok(ids)
}

/// How rows are keyed by these columns.
pub(super) fn primary_key(table: &TableInfo, columns: Vec<ColumnId>) -> PrimaryKey {
    let single = match columns.as_slice() {
        [column] => table.position_of(*column).map(|i| &table.columns[i].sql_type),
        _ => None,
    };
    let integer = single.is_some_and(SqlType::is_integer);
    match columns.as_slice() {
        [column] if integer => PrimaryKey::Integer { column: *column },
        _ => PrimaryKey::Columns { columns },
    }
}

/// An index of a table, with an id of its own. Fails with 1061 if its name is taken.
pub(super) fn new_index(table: &mut TableInfo, key: &DeclaredKey) -> Result<IndexInfo> {
    let columns = column_ids(table, &key.columns)?;
    let taken = |name: &str| {
        name.eq_ignore_ascii_case("PRIMARY") || table.maintained_indexes().any(|i| i.name.eq_ignore_ascii_case(name))
    };
    let name = match &key.name {
        Some(name) if taken(name) => return Err(SqlError::duplicate_key_name(name)),
        Some(name) => name.clone(),
        None => {
            let first = key.columns.first().cloned().unwrap_or_default();
            let numbered = (2..).map(|n| format!("{first}_{n}"));
            std::iter::once(first.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(first)
        }
    };
    let index = IndexInfo { id: table.next_index_id, name, columns, unique: key.unique };
    table.next_index_id += 1;
    Ok(index)
}
