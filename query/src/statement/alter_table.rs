//! `ALTER TABLE`, `CREATE INDEX`, `DROP INDEX`.
//!
//! Columns are added and dropped without touching rows: a row written before a column existed reads as
//! the column's original default. How an index is added is told in [`super::add_index`], how a column is given another
//! type in [`super::convert_column`].

use datafusion::sql::sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, ColumnDef, CreateIndex, Ident, MySQLColumnPosition,
    ObjectName, RenameTableNameKind, TableConstraint,
};
use deltatree_learner::catalog::{ColumnDefault, ColumnInfo, TableInfo};
use deltatree_storage::types::ColumnId;

use super::constraint;
use super::convert_column::keeps_values;
use super::definition::{self, DeclaredKey};
use super::parse::name_parts;
use super::row_batches::Alone;
use super::rows::implicit_default;
use crate::error::{Result, SqlError};
use crate::session::{Session, StatementResult};
use crate::types::SessionZone;

impl Session {
    /// Runs `ALTER TABLE`: each operation in turn, as a schema change of its own.
    pub(super) async fn alter_table(&mut self, alter: &AlterTable) -> Result<StatementResult> {
        let (database, mut name) = name_parts(&alter.name);
        let database = database.map(str::to_owned);
        let mut renamed;
        let table = self.table(database.as_deref(), name)?.id;
        let alone = self.change_alone(table).await?;
        for operation in &alter.operations {
            match operation {
                AlterTableOperation::AddConstraint { constraint, .. } => {
                    if let Some(key) = definition::key(constraint)? {
                        if key.primary {
                            return Err(SqlError::not_supported("adding a primary key to an existing table"));
                        }
                        self.add_index(database.as_deref(), name, &key, &alone).await?;
                    } else {
                        self.add_constraint(database.as_deref(), name, constraint, &alone).await?;
                    }
                }
                AlterTableOperation::AddColumn { column_def, column_position, if_not_exists, .. } => {
                    let unique = self
                        .add_column(database.as_deref(), name, column_def, column_position.as_ref(), *if_not_exists)
                        .await?;
                    if unique {
                        let columns = vec![column_def.name.value.clone()];
                        let key = DeclaredKey { name: None, columns, unique: true, primary: false };
                        self.add_index(database.as_deref(), name, &key, &alone).await?;
                    }
                }
                AlterTableOperation::RenameTable { table_name } => {
                    let (RenameTableNameKind::As(to) | RenameTableNameKind::To(to)) = table_name;
                    self.rename_tables(&[(alter.name.clone(), to.clone())]).await?;
                    renamed = name_parts(to).1.to_owned();
                    name = &renamed;
                }
                AlterTableOperation::ModifyColumn { col_name, data_type, options, column_position } => {
                    let def = (col_name, col_name, data_type, options.iter().collect());
                    self.redefine_column(database.as_deref(), name, &def, column_position.as_ref(), &alone).await?;
                }
                AlterTableOperation::ChangeColumn { old_name, new_name, data_type, options, column_position } => {
                    let def = (old_name, new_name, data_type, options.iter().collect());
                    self.redefine_column(database.as_deref(), name, &def, column_position.as_ref(), &alone).await?;
                }
                other => {
                    let zone = self.time_zone();
                    self.change_table(database.as_deref(), name, |table| change_definition(table, other, zone)).await?;
                }
            }
        }
        Ok(StatementResult::done())
    }

    async fn add_constraint(
        &mut self,
        database: Option<&str>,
        name: &str,
        declared: &TableConstraint,
        alone: &Alone,
    ) -> Result<()> {
        let table = self.table(database, name)?;
        if let TableConstraint::ForeignKey(key) = declared
            && let Some(index) = constraint::index_of(&table, key)?
        {
            self.add_index(database, name, &index, alone).await?;
        }
        let mut wanted = TableInfo::clone(&table);
        constraint::add(&mut wanted, declared, &table.database)?;
        self.try_checks(&wanted)?;
        if let Some(check) = wanted.checks.get(table.checks.len()) {
            self.try_rows(&wanted, &check.name).await?;
        }
        self.change_table(database, name, |info| constraint::add(info, declared, &table.database)).await?;
        Ok(())
    }

    /// Returns whether the column was declared unique.
    async fn add_column(
        &mut self,
        database: Option<&str>,
        name: &str,
        def: &ColumnDef,
        position: Option<&MySQLColumnPosition>,
        if_not_exists: bool,
    ) -> Result<bool> {
        let zone = self.time_zone();
        if if_not_exists && self.table(database, name)?.column_position(&def.name.value).is_some() {
            return Ok(false);
        }
        let mut column = definition::column(def, ColumnId(0), ColumnInfo::DEFAULT_COLLATION, zone)?;
        if column.primary || column.info.auto_increment {
            return Err(SqlError::not_supported("adding a primary key or AUTO_INCREMENT column"));
        }
        column.info.origin_default = match &column.info.default {
            ColumnDefault::Value(value) => value.clone(),
            ColumnDefault::Now => self.current_timestamp(&column.info.sql_type),
            ColumnDefault::None if column.info.nullable => deltatree_storage::types::Value::Null,
            ColumnDefault::None => implicit_default(&column.info)?,
        };
        self.change_table(database, name, |table| {
            if table.column_position(&column.info.name).is_some() {
                return Err(SqlError::duplicate_column(&column.info.name));
            }
            let mut info = column.info.clone();
            info.id = ColumnId(table.next_column_id);
            table.next_column_id += 1;
            let at = place(table, position)?.unwrap_or(table.columns.len());
            table.columns.insert(at, info);
            Ok(())
        })
        .await?;
        Ok(column.unique)
    }

    /// Gives a column a new declaration. Only if not all of its values are stored as the new one has it, rows are
    /// rewritten.
    async fn redefine_column(
        &mut self,
        database: Option<&str>,
        name: &str,
        redefinition: &Redefinition<'_>,
        position: Option<&MySQLColumnPosition>,
        alone: &Alone,
    ) -> Result<()> {
        let zone = self.time_zone();
        let table = self.table(database, name)?;
        let (at, new) = redefined(&table, redefinition, zone)?;
        let old = &table.columns[at];
        if !keeps_values(&old.sql_type, &new.sql_type) || old.nullable && !new.nullable {
            return self.convert_column(&table, at, new, position, alone).await;
        }
        self.change_table(database, name, |table| {
            let (at, new) = redefined(table, redefinition, zone)?;
            table.columns[at] = new;
            move_column(table, at, position)
        })
        .await?;
        Ok(())
    }

    /// `CREATE INDEX`.
    pub(super) async fn create_index(&mut self, create: &CreateIndex) -> Result<StatementResult> {
        let (database, name) = name_parts(&create.table_name);
        let key = DeclaredKey {
            name: create.name.as_ref().map(|n| name_parts(n).1.to_owned()),
            columns: definition::key_columns(&create.columns)?,
            unique: create.unique,
            primary: false,
        };
        let table = self.table(database, name)?.id;
        let alone = self.change_alone(table).await?;
        let added = self.add_index(database, name, &key, &alone).await;
        self.or_note(added, 1061, create.if_not_exists)?;
        Ok(StatementResult::done())
    }

    /// `DROP INDEX name ON table`.
    pub(super) async fn drop_index(
        &mut self,
        names: &[ObjectName],
        table: Option<&ObjectName>,
    ) -> Result<StatementResult> {
        let table = table.ok_or_else(|| SqlError::parse("", 1))?;
        let (database, name) = name_parts(table);
        let table = self.table(database, name)?.id;
        let _alone = self.change_alone(table).await?;
        for index in names {
            let index = name_parts(index).1;
            self.change_table(database, name, |table| remove_index(table, index)).await?;
        }
        Ok(StatementResult::done())
    }
}

/// Operations on the definition alone.
fn change_definition(table: &mut TableInfo, operation: &AlterTableOperation, zone: SessionZone) -> Result<()> {
    match operation {
        AlterTableOperation::DropColumn { column_names, if_exists, .. } => {
            for name in column_names {
                match drop_column(table, name) {
                    Err(e) if e.code == 1091 && *if_exists => {}
                    result => result?,
                }
            }
            Ok(())
        }
        AlterTableOperation::DropIndex { name } => remove_index(table, &name.value),
        AlterTableOperation::DropConstraint { name, .. } => {
            if constraint::remove(table, &name.value, true) {
                Ok(())
            } else {
                remove_index(table, &name.value)
            }
        }
        AlterTableOperation::DropForeignKey { name, .. } => {
            if constraint::remove(table, &name.value, false) {
                Ok(())
            } else {
                Err(SqlError::cannot_drop(&name.value))
            }
        }
        AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
            let at = existing(table, old_column_name)?;
            if table.column_position(&new_column_name.value).is_some_and(|p| p != at) {
                return Err(SqlError::duplicate_column(&new_column_name.value));
            }
            table.columns[at].name.clone_from(&new_column_name.value);
            Ok(())
        }
        AlterTableOperation::AlterColumn { column_name, op } => {
            let at = existing(table, column_name)?;
            match op {
                AlterColumnOperation::SetDefault { value } => {
                    table.columns[at].default = definition::read_default(value, &table.columns[at], zone)?;
                }
                AlterColumnOperation::DropDefault => table.columns[at].default = ColumnDefault::None,
                other => return Err(SqlError::not_supported(other)),
            }
            Ok(())
        }
        // How to go about it.
        AlterTableOperation::Algorithm { .. }
        | AlterTableOperation::Lock { .. }
        | AlterTableOperation::AutoIncrement { .. }
        | AlterTableOperation::SetOptionsParens { .. } => Ok(()),
        other => Err(SqlError::not_supported(format!("ALTER TABLE {other}"))),
    }
}

fn existing(table: &TableInfo, name: &Ident) -> Result<usize> {
    let message = || SqlError::unknown_column(&name.value, &table.name);
    table.column_position(&name.value).ok_or_else(message)
}

/// Where a column shall go; `None` for "where it is".
pub(super) fn place(table: &TableInfo, position: Option<&MySQLColumnPosition>) -> Result<Option<usize>> {
    match position {
        None => Ok(None),
        Some(MySQLColumnPosition::First) => Ok(Some(0)),
        Some(MySQLColumnPosition::After(name)) => existing(table, name).map(|at| Some(at + 1)),
    }
}

fn drop_column(table: &mut TableInfo, name: &Ident) -> Result<()> {
    let at = table.column_position(&name.value).ok_or_else(|| SqlError::cannot_drop(&name.value))?;
    if table.columns.len() == 1 {
        return Err(SqlError::new(1090, "You can't delete all columns with ALTER TABLE; use DROP TABLE instead"));
    }
    let id = table.columns[at].id;
    if table.primary_key_positions().contains(&at) {
        return Err(SqlError::not_supported("dropping a column of the primary key"));
    }
    if table.indexes.iter().any(|i| i.columns.len() > 1 && i.columns.contains(&id)) {
        return Err(SqlError::not_supported(format!(
            "dropping column '{}' of an index over several columns",
            name.value
        )));
    }
    table.indexes.retain(|i| !i.columns.contains(&id));
    table.foreign_keys.retain(|key| !key.columns.contains(&id));
    table.columns.remove(at);
    Ok(())
}

fn remove_index(table: &mut TableInfo, name: &str) -> Result<()> {
    let at = table.indexes.iter().position(|i| i.name.eq_ignore_ascii_case(name));
    table.indexes.remove(at.ok_or_else(|| SqlError::cannot_drop(name))?);
    Ok(())
}

type Redefinition<'a> = (
    &'a Ident,
    &'a Ident,
    &'a datafusion::sql::sqlparser::ast::DataType,
    Vec<&'a datafusion::sql::sqlparser::ast::ColumnOption>,
);

/// The column that is meant, and its new declaration.
fn redefined(
    table: &TableInfo,
    (old_name, new_name, data_type, options): &Redefinition<'_>,
    zone: SessionZone,
) -> Result<(usize, ColumnInfo)> {
    let at = existing(table, old_name)?;
    let old = &table.columns[at];
    if table.column_position(&new_name.value).is_some_and(|p| p != at) {
        return Err(SqlError::duplicate_column(&new_name.value));
    }
    let mut new =
        definition::column_of_options(&new_name.value, data_type, options, old.id, &old.collation, zone)?.info;
    if table.primary_key_positions().contains(&at) {
        new.nullable = false;
    }
    new.origin_default = old.origin_default.clone();
    Ok((at, new))
}

/// Moves a column to where a statement wants it.
pub(super) fn move_column(table: &mut TableInfo, at: usize, position: Option<&MySQLColumnPosition>) -> Result<()> {
    if let Some(to) = place(table, position)? {
        let column = table.columns.remove(at);
        table.columns.insert(if to > at { to - 1 } else { to }, column);
    }
    Ok(())
}
