//! Changes of definitions: databases, dropping, renaming, copies.
//!
//! A schema change commits the open transaction, then runs as one of its own: it reads all definitions,
//! computes the keys to change, and commits. If another schema change came first, it starts again.

use datafusion::sql::sqlparser::ast::{self, ObjectName};
use deltatree_learner::catalog::{self, CatalogError, CatalogSnapshot, TableInfo};
use deltatree_learner::codec::meta_range;
use deltatree_learner::table_write::KeyOp;
use deltatree_learner::{LeaderGroup, Transaction, TxnOptions};
use deltatree_storage::types::TableId;

use super::dispatch::{MAX_RETRIES, lost_race};
use super::parse::name_parts;
use crate::error::{Result, SqlError};
use crate::session::{Completion, Session, StatementResult, schema_change_failed, write_failed};

/// Databases that cannot be dropped.
const SYSTEM_DATABASES: [&str; 2] = ["mysql", "information_schema"];

/// Changes definitions in a transaction of its own. `change` may be called more than once, each time with newer
/// definitions.
pub(crate) async fn change_definitions<T>(
    group: &LeaderGroup,
    change: impl Fn(&CatalogSnapshot) -> Result<(T, Vec<KeyOp>)>,
) -> Result<T> {
    let mut retries = 0;
    loop {
        match change_definitions_once(group, &change).await {
            Err(e) if lost_race(&e) && retries < MAX_RETRIES => retries += 1,
            result => return result,
        }
    }
}

async fn change_definitions_once<T>(
    group: &LeaderGroup,
    change: &impl Fn(&CatalogSnapshot) -> Result<(T, Vec<KeyOp>)>,
) -> Result<T> {
    let mut transaction = group.begin(TxnOptions::optimistic()).await?;
    let definitions = definitions(&transaction)?;
    let (result, ops) = change(&definitions)?;
    for op in ops {
        transaction.write(op)?;
    }
    transaction.commit().await.map_err(|e| write_failed(e, &definitions))?;
    Ok(result)
}

/// Changes the definition of a table, which has, or had, this name. Returns the new one, and what has to be written.
pub(super) fn change_table<T>(
    definitions: &CatalogSnapshot,
    table: TableId,
    name: &str,
    change: impl FnOnce(&mut TableInfo) -> Result<T>,
) -> Result<((TableInfo, T), Vec<KeyOp>)> {
    let table = definitions.table_by_id(table).ok_or_else(|| SqlError::unknown_table("", name))?;
    let mut table = TableInfo::clone(table);
    let result = change(&mut table)?;
    let (table, ops) = catalog::alter_table(definitions, table).map_err(schema_change_failed)?;
    Ok(((table, result), ops))
}

/// All definitions as the transaction sees them.
fn definitions(transaction: &Transaction) -> Result<CatalogSnapshot> {
    let (start, end) = meta_range();
    let mut entries = Vec::new();
    for row in transaction.scan(start, end, false) {
        let row = row?;
        entries.push((row.key().to_vec(), row.value().to_vec()));
    }
    CatalogSnapshot::load(entries).map_err(schema_change_failed)
}

impl Session {
    /// Runs a schema change. `change` may be called more than once, each time with newer definitions.
    pub(super) async fn change_schema<T>(
        &mut self,
        change: impl Fn(&CatalogSnapshot) -> Result<(T, Vec<KeyOp>)>,
    ) -> Result<T> {
        self.commit().await?;
        change_definitions(self.node.group(), change).await
    }

    /// Replaces a table's definition by what `change` makes of the newest one.
    pub(super) async fn change_table(
        &mut self,
        database: Option<&str>,
        name: &str,
        change: impl Fn(&mut TableInfo) -> Result<()>,
    ) -> Result<TableInfo> {
        let id = self.table(database, name)?.id;
        self.change_schema(move |definitions| {
            let ((table, ()), ops) = change_table(definitions, id, name, &change)?;
            Ok((table, ops))
        })
        .await
    }

    /// Removes the rows of dropped tables. Their definitions are gone already, so a failure only leaves
    /// space to be reclaimed.
    async fn drop_data(&self, tables: &[TableId]) {
        for &table in tables {
            if let Err(e) = self.node.group().drop_table_data(table).await {
                tracing::warn!("cannot remove the rows of dropped table {table}: {e}");
            }
        }
    }

    /// Database and name of a table or view to be made. Fails with 1046, 1049, 1044 or 1103.
    pub(super) fn new_table_name<'n>(&self, name: &'n ObjectName) -> Result<(String, &'n str)> {
        let (database, name) = name_parts(name);
        let database = self.existing_database(self.database_or_current(database)?)?;
        if database == "information_schema" {
            return Err(self.denied_database(&database));
        }
        if name.is_empty() || name.len() > 64 {
            return Err(SqlError::new(1103, format!("Incorrect table name '{name}'")));
        }
        Ok((database, name))
    }

    /// The result, but for an error of this code a note if the statement says so, as `IF EXISTS` does.
    pub(super) fn or_note(&mut self, result: Result<()>, code: u16, noted: bool) -> Result<()> {
        match result {
            Err(e) if noted && e.code == code => {
                self.note(e);
                Ok(())
            }
            result => result,
        }
    }

    /// How a `DROP` of tables or views ends that did not find some of them.
    pub(super) fn dropped(&mut self, missing: &[String], if_exists: bool) -> Result<StatementResult> {
        if !missing.is_empty() {
            let e = SqlError::new(1051, format!("Unknown table '{}'", missing.join(",")));
            self.or_note(Err(e), 1051, if_exists)?;
        }
        Ok(StatementResult::done())
    }

    /// `CREATE DATABASE`.
    pub(super) async fn create_database(&mut self, name: &ObjectName, if_not_exists: bool) -> Result<StatementResult> {
        let name = name_parts(name).1.to_owned();
        if name.is_empty() || name.len() > 64 {
            return Err(SqlError::new(1102, format!("Incorrect database name '{name}'")));
        }
        let exists = || SqlError::database_exists(&name);
        if name.eq_ignore_ascii_case("information_schema") {
            return Err(exists());
        }
        let created = self
            .change_schema(|definitions| {
                if definitions.database(&name).is_some() {
                    return Err(exists());
                }
                catalog::create_database(definitions, &name).map_err(schema_change_failed)
            })
            .await;
        self.or_note(created.map(drop), 1007, if_not_exists)?;
        Ok(StatementResult::Ok(Completion::affected(1)))
    }

    /// `DROP DATABASE`.
    pub(super) async fn drop_databases(&mut self, names: &[ObjectName], if_exists: bool) -> Result<StatementResult> {
        let mut dropped = 0;
        for name in names {
            let name = name_parts(name).1;
            if SYSTEM_DATABASES.iter().any(|s| s.eq_ignore_ascii_case(name)) {
                return Err(self.denied_database(name));
            }
            let result = self
                .change_schema(|definitions| match catalog::drop_database(definitions, name) {
                    Err(CatalogError::UnknownDatabase(_)) => Err(SqlError::cannot_drop_database(name)),
                    result => result.map_err(schema_change_failed),
                })
                .await;
            match result {
                Ok(tables) => {
                    dropped += tables.len() as u64;
                    self.drop_data(&tables).await;
                    if self.database.as_deref().is_some_and(|d| d.eq_ignore_ascii_case(name)) {
                        self.database = None;
                    }
                }
                Err(e) if e.code == 1008 && if_exists => self.note(e),
                Err(e) => return Err(e),
            }
        }
        Ok(StatementResult::Ok(Completion::affected(dropped)))
    }

    /// `DROP TABLE`.
    pub(super) async fn drop_tables(&mut self, names: &[ObjectName], if_exists: bool) -> Result<StatementResult> {
        let mut missing = Vec::new();
        self.commit().await?;
        for name in names {
            let (database, name) = name_parts(name);
            match self.table(database, name) {
                Ok(table) => {
                    let id = table.id;
                    let dropped = self
                        .change_schema(|definitions| {
                            catalog::drop_table(definitions, id).map(|ops| ((), ops)).map_err(schema_change_failed)
                        })
                        .await;
                    match dropped {
                        Ok(()) => self.drop_data(&[id]).await,
                        // Somebody else dropped it first.
                        Err(e) if e.code == 1146 => missing.push(format!("{}.{}", table.database, table.name)),
                        Err(e) => return Err(e),
                    }
                }
                Err(e) if matches!(e.code, 1146 | 1049 | 1347) => {
                    let database = database.or(self.database.as_deref()).unwrap_or_default();
                    missing.push(format!("{database}.{name}"));
                }
                Err(e) => return Err(e),
            }
        }
        self.dropped(&missing, if_exists)
    }

    /// `TRUNCATE TABLE`.
    pub(super) async fn truncate_tables(&mut self, truncate: &ast::Truncate) -> Result<StatementResult> {
        for target in &truncate.table_names {
            let (database, name) = name_parts(&target.name);
            let id = self.table(database, name)?.id;
            self.change_schema(|definitions| catalog::truncate_table(definitions, id).map_err(schema_change_failed))
                .await?;
            self.drop_data(&[id]).await;
        }
        Ok(StatementResult::done())
    }

    /// `RENAME TABLE`.
    pub(super) async fn rename_tables(&mut self, pairs: &[(ObjectName, ObjectName)]) -> Result<()> {
        for (from, to) in pairs {
            let (database, name) = name_parts(from);
            let (new_database, new_name) = name_parts(to);
            let new_database = new_database.or(database).or(self.database.as_deref()).map(str::to_owned);
            let new_database = new_database.ok_or_else(SqlError::no_database)?;
            self.change_table(database, name, |table| {
                table.database.clone_from(&new_database);
                new_name.clone_into(&mut table.name);
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// `ALTER TABLE … SET TIFLASH REPLICA`.
    pub(super) async fn set_columnar_replica(&mut self, table: &ObjectName, replicas: u64) -> Result<()> {
        if replicas > 1 {
            let message =
                format!("the tiflash replica count: {replicas} should be less than the total tiflash server count: 1");
            return Err(SqlError::internal(message));
        }
        let (database, name) = name_parts(table);
        self.change_table(database, name, |table| {
            table.columnar = replicas > 0;
            Ok(())
        })
        .await?;
        Ok(())
    }
}
