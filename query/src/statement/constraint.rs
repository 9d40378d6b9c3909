//! Constraints that are no keys: foreign keys, which are kept and shown but not enforced, and `CHECK`.

use datafusion::sql::sqlparser::ast::{
    CheckConstraint, ColumnDef, ColumnOption, ForeignKeyConstraint, Ident, ReferentialAction, TableConstraint,
};
use deltatree_learner::catalog::{CheckInfo, ForeignKeyInfo, TableInfo};

use super::definition::{self, DeclaredKey};
use super::parse::name_parts;
use crate::error::{Result, SqlError};

/// Adds a table's foreign key or check to its definition; keys are passed over. `database` is the
/// table's own.
pub(super) fn add(table: &mut TableInfo, constraint: &TableConstraint, database: &str) -> Result<()> {
    match constraint {
        TableConstraint::ForeignKey(key) => add_foreign_key(table, key, database),
        TableConstraint::Check(check) => add_check(table, check),
        _ => Ok(()),
    }
}

/// Adds the checks that a column declares. Foreign keys declared there are none in MySQL.
pub(super) fn add_of_column(table: &mut TableInfo, column: &ColumnDef) -> Result<()> {
    for option in &column.options {
        if let ColumnOption::Check(check) = &option.option {
            let named = CheckConstraint { name: check.name.clone().or(option.name.clone()), ..check.clone() };
            add_check(table, &named)?;
        }
    }
    Ok(())
}

/// Removes a foreign key, or with `checks` a check, by its name. False if there is none.
pub(super) fn remove(table: &mut TableInfo, name: &str, checks: bool) -> bool {
    let before = table.foreign_keys.len() + table.checks.len();
    table.foreign_keys.retain(|key| !key.name.eq_ignore_ascii_case(name));
    if checks {
        table.checks.retain(|check| !check.name.eq_ignore_ascii_case(name));
    }
    table.foreign_keys.len() + table.checks.len() < before
}

/// The index that a foreign key needs, if no key begins with its columns.
pub(super) fn index_of(table: &TableInfo, key: &ForeignKeyConstraint) -> Result<Option<DeclaredKey>> {
    let columns: Vec<_> = key.columns.iter().map(|c| c.value.clone()).collect();
    let ids = definition::column_ids(table, &columns)?;
    let primary: Vec<_> = table.primary_key_positions().iter().map(|&i| table.columns[i].id).collect();
    if primary.starts_with(&ids) || table.indexes.iter().any(|index| index.columns.starts_with(&ids)) {
        return Ok(None);
    }
    let name = key.index_name.as_ref().or(key.name.as_ref()).map(|n| n.value.clone());
    let name = name.filter(|name| !table.indexes.iter().any(|index| index.name.eq_ignore_ascii_case(name)));
    Ok(Some(DeclaredKey { name, columns, unique: false, primary: false }))
}

fn add_foreign_key(table: &mut TableInfo, key: &ForeignKeyConstraint, database: &str) -> Result<()> {
    let names: Vec<_> = key.columns.iter().map(|c| c.value.clone()).collect();
    let columns = definition::column_ids(table, &names)?;
    if key.referred_columns.len() != columns.len() {
        let message = "Incorrect foreign key definition for 'foreign key without name': Key reference and table \
                       reference don't match";
        return Err(SqlError::new(1239, message));
    }
    let taken: Vec<&str> = table.foreign_keys.iter().map(|k| k.name.as_str()).collect();
    let name = unique_name(key.name.as_ref(), &taken, &format!("{}_ibfk_", table.name), 1826, "foreign key")?;
    let (referenced_database, referenced_table) = name_parts(&key.foreign_table);
    table.foreign_keys.push(ForeignKeyInfo {
        name,
        columns,
        referenced_database: referenced_database.unwrap_or(database).to_owned(),
        referenced_table: referenced_table.to_owned(),
        referenced_columns: key.referred_columns.iter().map(|c| c.value.clone()).collect(),
        on_delete: action(key.on_delete),
        on_update: action(key.on_update),
    });
    Ok(())
}

fn action(action: Option<ReferentialAction>) -> String {
    action.map(|action| action.to_string()).unwrap_or_default()
}

fn add_check(table: &mut TableInfo, check: &CheckConstraint) -> Result<()> {
    let taken: Vec<&str> = table.checks.iter().map(|c| c.name.as_str()).collect();
    let name = unique_name(check.name.as_ref(), &taken, &format!("{}_chk_", table.name), 3822, "check")?;
    table.checks.push(CheckInfo { name, condition: check.expr.to_string(), enforced: check.enforced.unwrap_or(true) });
    Ok(())
}

/// The name given, or else the prefix with the first free number.
fn unique_name(given: Option<&Ident>, taken: &[&str], prefix: &str, code: u16, kind: &str) -> Result<String> {
    let is_taken = |name: &str| taken.iter().any(|t| t.eq_ignore_ascii_case(name));
    match given {
        Some(name) if is_taken(&name.value) => {
            Err(SqlError::new(code, format!("Duplicate {kind} constraint name '{}'", name.value)))
        }
        Some(name) => Ok(name.value.clone()),
        None => {
            let mut numbered = (1_u32..).map(|n| format!("{prefix}{n}"));
            numbered.find(|name| !is_taken(name)).ok_or_else(|| SqlError::internal("no constraint name left"))
        }
    }
}
