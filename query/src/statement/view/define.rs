//! Running `CREATE VIEW` and `DROP VIEW`.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::sql::sqlparser::ast::{ObjectName, Query, TableFactor};
use deltatree_learner::catalog::{self, CatalogError, ColumnInfo, ViewInfo};
use deltatree_storage::types::ColumnId;

use super::{CreateView, definition};
use crate::error::{Result, SqlError};
use crate::session::{Session, StatementResult, schema_change_failed};
use crate::statement::parse::{name_parts, quoted};
use crate::types::field::sql_type_of;

impl Session {
    /// Runs `CREATE VIEW`: the query must be one that can be planned now.
    pub(in crate::statement) async fn create_view(&mut self, create: &CreateView) -> Result<StatementResult> {
        let (database, name) = self.new_table_name(&create.name)?;
        self.commit().await?;
        let query = definition(&create.definition)?;
        let schema = self.query_schema(query).await?;
        let definer = create.definer.clone().unwrap_or_else(|| self.current_account());
        let view = ViewInfo {
            id: 0,
            database_id: 0,
            database: database.clone(),
            name: name.to_owned(),
            definition: create.definition.clone(),
            current_database: self.database().unwrap_or_default().to_owned(),
            columns: columns(&schema, &create.columns)?,
            columns_listed: !create.columns.is_empty(),
            definer: format!("{}@{}", definer.0, definer.1),
            invoker_rights: create.invoker_rights,
            check_option: create.check_option.to_owned(),
        };
        let created = self
            .change_schema(|definitions| {
                if create.replace && definitions.table(&database, name).is_some() {
                    return Err(SqlError::wrong_object(&database, name, "VIEW"));
                }
                catalog::create_view(definitions, view.clone(), create.replace).map_err(schema_change_failed)
            })
            .await;
        self.or_note(created.map(drop), 1050, create.if_not_exists)?;
        Ok(StatementResult::done())
    }

    /// Runs `DROP VIEW`: those that exist are dropped even if others do not.
    pub(in crate::statement) async fn drop_views(
        &mut self,
        names: &[ObjectName],
        if_exists: bool,
    ) -> Result<StatementResult> {
        let mut missing = Vec::new();
        for name in names {
            let (database, name) = name_parts(name);
            let database = self.database_or_current(database)?.to_owned();
            let dropped = self
                .change_schema(|definitions| {
                    if definitions.table(&database, name).is_some() {
                        return Err(SqlError::wrong_object(&database, name, "VIEW"));
                    }
                    match catalog::drop_view(definitions, &database, name) {
                        Ok(ops) => Ok((true, ops)),
                        Err(CatalogError::UnknownTable(_)) => Ok((false, Vec::new())),
                        Err(e) => Err(schema_change_failed(e)),
                    }
                })
                .await?;
            if !dropped {
                missing.push(format!("{database}.{name}"));
            }
        }
        self.dropped(&missing, if_exists)
    }

    /// A view by the name that a statement uses.
    pub(in crate::statement) fn view(&self, database: Option<&str>, name: &str) -> Option<Arc<ViewInfo>> {
        let database = database.or(self.database())?;
        self.node.group().catalog().view(database, name).cloned()
    }

    /// 1356 in the place of an error about something that a view reads, not the statement itself.
    pub(in crate::statement) async fn blame_view(&mut self, query: &Query, e: SqlError) -> SqlError {
        if !matches!(e.code, 1054 | 1146 | 1305) {
            return e;
        }
        let catalog = self.node.group().catalog();
        let mut used = Vec::new();
        let collected = crate::rewrite::each_table(&mut query.clone(), |factor| {
            if let TableFactor::Table { name, .. } = factor {
                let (database, name) = name_parts(name);
                used.extend(database.or(self.database()).and_then(|d| catalog.view(d, name)).cloned());
            }
            Ok(())
        });
        if collected.is_err() {
            return e;
        }
        for view in used {
            let name = format!("{}.{}", quoted(&view.database), quoted(&view.name));
            let sound = match definition(&format!("SELECT 1 FROM {name}")) {
                Ok(query) => self.query_schema(query).await.is_ok(),
                Err(_) => false,
            };
            if !sound {
                return SqlError::invalid_view(&view);
            }
        }
        e
    }
}

/// A view's columns: the query's, under the names listed if there are any.
fn columns(schema: &Schema, listed: &[String]) -> Result<Vec<ColumnInfo>> {
    if !listed.is_empty() && listed.len() != schema.fields().len() {
        let message = "In definition of view, derived table or common table expression, SELECT list and column \
                       names list have different column counts";
        return Err(SqlError::new(1353, message));
    }
    let mut seen = HashSet::new();
    let mut columns = Vec::with_capacity(schema.fields().len());
    for (i, field) in schema.fields().iter().enumerate() {
        let name = listed.get(i).unwrap_or(field.name());
        if !seen.insert(name.to_lowercase()) {
            return Err(SqlError::duplicate_column(name));
        }
        columns.push(column(i, name, field)?);
    }
    Ok(columns)
}

fn column(position: usize, name: &str, field: &Field) -> Result<ColumnInfo> {
    let id = u32::try_from(position + 1).map_err(|_| SqlError::new(1117, "Too many columns"))?;
    let sql_type = sql_type_of(field).ok_or_else(|| SqlError::not_supported(format!("a view with column {field}")))?;
    Ok(ColumnInfo::new(ColumnId(id), name, sql_type, field.is_nullable()))
}
