//! `ALTER TABLE`, `CREATE INDEX`, `DROP INDEX`.
//!
//! Columns are added and dropped without touching rows: a row written before a column existed reads as
//! the column's original default. An index is filled in the transaction that defines it, while no other
//! transaction commits: an entry for every row, and from then on by every writer.

use datafusion::sql::sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, ColumnDef, CreateIndex, Ident, MySQLColumnPosition,
    ObjectName, RenameTableNameKind, TableConstraint,
};
use deltatree_learner::catalog::{self, CatalogSnapshot, ColumnDefault, ColumnInfo, IndexInfo, TableInfo};
use deltatree_learner::codec::{decode_row, decode_row_key, meta_range, row_range};
use deltatree_learner::table_write::{KeyOp, RowWriter};
use deltatree_learner::{Transaction, TxnOptions};
use deltatree_storage::types::{ColumnId, KeyRange, TableId};

use super::constraint;
use super::definition::{self, DeclaredKey};
use super::dispatch::{MAX_RETRIES, lost_race};
use super::parse::name_parts;
use super::rows::implicit_default;
use crate::error::{Result, SqlError};
use crate::session::{Session, StatementResult, schema_change_failed, write_failed};
use crate::types::SessionZone;

impl Session {
    /// Runs `ALTER TABLE`: each operation in turn, as a schema change of its own.
    pub(super) async fn alter_table(&mut self, alter: &AlterTable) -> Result<StatementResult> {
        let (database, mut name) = name_parts(&alter.name);
        let database = database.map(str::to_owned);
        let mut renamed;
        for operation in &alter.operations {
            match operation {
                AlterTableOperation::AddConstraint { constraint, .. } => {
                    if let Some(key) = definition::key(constraint)? {
                        if key.primary {
                            return Err(SqlError::not_supported("adding a primary key to an existing table"));
                        }
                        self.add_index(database.as_deref(), name, &key).await?;
                    } else {
                        self.add_constraint(database.as_deref(), name, constraint).await?;
                    }
                }
                AlterTableOperation::AddColumn { column_def, column_position, if_not_exists, .. } => {
                    let unique = self
                        .add_column(database.as_deref(), name, column_def, column_position.as_ref(), *if_not_exists)
                        .await?;
                    if unique {
                        let columns = vec![column_def.name.value.clone()];
                        let key = DeclaredKey { name: None, columns, unique: true, primary: false };
                        self.add_index(database.as_deref(), name, &key).await?;
                    }
                }
                AlterTableOperation::RenameTable { table_name } => {
                    let (RenameTableNameKind::As(to) | RenameTableNameKind::To(to)) = table_name;
                    self.rename_tables(&[(alter.name.clone(), to.clone())]).await?;
                    renamed = name_parts(to).1.to_owned();
                    name = &renamed;
                }
                other => {
                    let zone = self.time_zone();
                    self.change_table(database.as_deref(), name, |table| change_definition(table, other, zone)).await?;
                }
            }
        }
        Ok(StatementResult::done())
    }

    async fn add_constraint(&mut self, database: Option<&str>, name: &str, declared: &TableConstraint) -> Result<()> {
        let table = self.table(database, name)?;
        if let TableConstraint::ForeignKey(key) = declared
            && let Some(index) = constraint::index_of(&table, key)?
        {
            self.add_index(database, name, &index).await?;
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

    /// `CREATE INDEX`.
    pub(super) async fn create_index(&mut self, create: &CreateIndex) -> Result<StatementResult> {
        let (database, name) = name_parts(&create.table_name);
        let key = DeclaredKey {
            name: create.name.as_ref().map(|n| name_parts(n).1.to_owned()),
            columns: definition::key_columns(&create.columns)?,
            unique: create.unique,
            primary: false,
        };
        let added = self.add_index(database, name, &key).await;
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
        for index in names {
            let index = name_parts(index).1;
            self.change_table(database, name, |table| remove_index(table, index)).await?;
        }
        Ok(StatementResult::done())
    }

    async fn add_index(&mut self, database: Option<&str>, name: &str, key: &DeclaredKey) -> Result<()> {
        self.commit().await?;
        let id = self.table(database, name)?.id;
        let _alone = self.node.commit_gate().close().await;
        let mut retries = 0;
        loop {
            match self.add_index_once(id, key).await {
                Err(e) if lost_race(&e) && retries < MAX_RETRIES => retries += 1,
                result => return result,
            }
        }
    }

    /// Nobody begins to commit through this front end meanwhile. If somebody had begun before, or does through
    /// another, it has been in vain.
    async fn add_index_once(&self, id: TableId, key: &DeclaredKey) -> Result<()> {
        let mut transaction = self.node.group().begin(TxnOptions::optimistic()).await?;
        transaction.expect_unwritten(id);
        let definitions = definitions(&transaction)?;
        let (table, index, ops) = with_index(&definitions, id, key)?;
        fill_index(&mut transaction, &table, &index).map_err(|e| write_failed_in(e, &table))?;
        for op in ops {
            transaction.write(op)?;
        }
        transaction.commit().await.map_err(|e| write_failed(e, &definitions))?;
        Ok(())
    }
}

/// All definitions as the transaction sees them.
pub(super) fn definitions(transaction: &Transaction) -> Result<CatalogSnapshot> {
    let (start, end) = meta_range();
    let mut entries = Vec::new();
    for row in transaction.scan(start, end, false) {
        let row = row?;
        entries.push((row.key().to_vec(), row.value().to_vec()));
    }
    CatalogSnapshot::load(entries).map_err(schema_change_failed)
}

fn with_index(
    definitions: &CatalogSnapshot,
    table: TableId,
    key: &DeclaredKey,
) -> Result<(TableInfo, IndexInfo, Vec<KeyOp>)> {
    let table = definitions.table_by_id(table).ok_or_else(|| SqlError::unknown_table("", "?"))?;
    let mut table = TableInfo::clone(table);
    let index = definition::add_index(&mut table, key)?;
    let (table, ops) = catalog::alter_table(definitions, table).map_err(schema_change_failed)?;
    Ok((table, index, ops))
}

/// Why an index could not be filled.
enum FillError {
    Group(deltatree_learner::Error),
    Codec(deltatree_learner::codec::CodecError),
}

/// Enters every row into an index.
fn fill_index(
    transaction: &mut Transaction,
    table: &TableInfo,
    index: &IndexInfo,
) -> std::result::Result<(), FillError> {
    let (start, end) = row_range(table.id, &KeyRange::ALL);
    let writer = RowWriter::new(table);
    for row in transaction.scan(start, end, false) {
        let row = row.map_err(FillError::Group)?;
        let (_, key) = decode_row_key(row.key(), table.key_kind()).map_err(FillError::Codec)?;
        let values = decode_row(table, &key, row.value()).map_err(FillError::Codec)?;
        let entry = writer.index_entry(index, &key, &values).map_err(FillError::Codec)?;
        transaction.write(entry).map_err(FillError::Group)?;
    }
    Ok(())
}

/// A duplicate is named by the new definition, which nobody else knows yet.
fn write_failed_in(e: FillError, table: &TableInfo) -> SqlError {
    match e {
        FillError::Group(deltatree_learner::Error::DuplicateKey { key }) => {
            SqlError::new(1062, deltatree_learner::table_write::duplicate_message(table, &key))
        }
        FillError::Group(e) => e.into(),
        FillError::Codec(e) => SqlError::internal(e.to_string()),
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
        AlterTableOperation::ModifyColumn { col_name, data_type, options, column_position } => {
            let def = (col_name, col_name, data_type, options.iter().collect::<Vec<_>>());
            redefine(table, def, column_position.as_ref(), zone)
        }
        AlterTableOperation::ChangeColumn { old_name, new_name, data_type, options, column_position } => {
            let def = (old_name, new_name, data_type, options.iter().collect::<Vec<_>>());
            redefine(table, def, column_position.as_ref(), zone)
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
fn place(table: &TableInfo, position: Option<&MySQLColumnPosition>) -> Result<Option<usize>> {
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

/// Gives a column a new declaration, as long as its stored form stays.
fn redefine(
    table: &mut TableInfo,
    (old_name, new_name, data_type, options): Redefinition<'_>,
    position: Option<&MySQLColumnPosition>,
    zone: SessionZone,
) -> Result<()> {
    let at = existing(table, old_name)?;
    let old = table.columns[at].clone();
    let mut new =
        definition::column_of_options(&new_name.value, data_type, &options, old.id, &old.collation, zone)?.info;
    if new.sql_type.stored() != old.sql_type.stored() {
        return Err(SqlError::not_supported("changing how a column is stored"));
    }
    if table.primary_key_positions().contains(&at) {
        new.nullable = false;
    } else if old.nullable && !new.nullable {
        return Err(SqlError::not_supported("making a column NOT NULL that may hold NULL"));
    }
    new.origin_default = old.origin_default;
    table.columns[at] = new;
    if let Some(to) = place(table, position)? {
        let column = table.columns.remove(at);
        table.columns.insert(if to > at { to - 1 } else { to }, column);
    }
    Ok(())
}
