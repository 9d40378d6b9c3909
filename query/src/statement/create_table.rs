//! `CREATE TABLE`.

use std::time::{SystemTime, UNIX_EPOCH};

use datafusion::sql::sqlparser::ast::{
    CommentDef, CreateTable, CreateTableLikeKind, CreateTableOptions, Expr, SqlOption, TableConstraint,
    Value as AstValue,
};
use deltatree_learner::catalog::{self, ColumnInfo, PrimaryKey, TableInfo};
use deltatree_storage::types::ColumnId;

use super::constraint;
use super::definition::{self, DeclaredKey};
use super::parse::name_parts;
use crate::error::{Result, SqlError};
use crate::session::{Session, StatementResult, schema_change_failed};

/// Columns that a table may have.
const MAX_COLUMNS: usize = 4096;

impl Session {
    /// Runs `CREATE TABLE`.
    pub(super) async fn create_table(&mut self, create: &CreateTable) -> Result<StatementResult> {
        let (database, name) = self.new_table_name(&create.name)?;
        if create.temporary {
            return Err(SqlError::not_supported("temporary tables"));
        }
        if create.query.is_some() {
            return Err(SqlError::not_supported("CREATE TABLE … SELECT"));
        }
        let mut table = match &create.like {
            Some(CreateTableLikeKind::Plain(like) | CreateTableLikeKind::Parenthesized(like)) => {
                let (from_database, from) = name_parts(&like.name);
                // Foreign keys are not copied, as in MySQL.
                TableInfo { foreign_keys: Vec::new(), ..TableInfo::clone(&*self.table(from_database, from)?) }
            }
            None => self.declared_table(create, name, &database)?,
        };
        if let Some(column) = table.columns.iter().find(|c| c.collation.ends_with("_ci")) {
            let message = format!("Column '{}' compares by bytes, not as {} does", column.name, column.collation);
            self.diagnostics.warn(vec![SqlError::new(1105, message)]);
        }
        table.database = database;
        name.clone_into(&mut table.name);
        table.created_ms =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| u64::try_from(t.as_millis()).unwrap_or(0));
        let created = self
            .change_schema(|definitions| {
                catalog::create_table(definitions, table.clone()).map_err(schema_change_failed)
            })
            .await;
        self.or_note(created.map(drop), 1050, create.if_not_exists)?;
        Ok(StatementResult::done())
    }

    /// The definition that the statement spells out.
    fn declared_table(&self, create: &CreateTable, name: &str, database: &str) -> Result<TableInfo> {
        if create.columns.is_empty() {
            return Err(SqlError::new(1113, "A table must have at least 1 column"));
        }
        if create.columns.len() > MAX_COLUMNS {
            return Err(SqlError::new(1117, "Too many columns"));
        }
        let options = Options::read(&create.table_options)?;
        let mut table = TableInfo {
            columnar: self.variables.switch("deltatree_columnar_by_default"),
            auto_increment_start: options.auto_increment,
            comment: options.comment,
            ..TableInfo::new(database, name, Vec::new(), PrimaryKey::Hidden)
        };
        let mut keys = Vec::new();
        for def in &create.columns {
            if table.column_position(&def.name.value).is_some() {
                return Err(SqlError::duplicate_column(&def.name.value));
            }
            let column = definition::column(def, ColumnId(table.next_column_id), &options.collation, self.time_zone())?;
            table.next_column_id += 1;
            let columns = vec![column.info.name.clone()];
            if column.primary {
                keys.push(DeclaredKey { name: None, columns: columns.clone(), unique: true, primary: true });
            }
            if column.unique {
                keys.push(DeclaredKey { name: None, columns, unique: true, primary: false });
            }
            table.columns.push(column.info);
        }
        for constraint in &create.constraints {
            keys.extend(definition::key(constraint)?);
        }
        add_keys(&mut table, &keys)?;
        for def in &create.columns {
            constraint::add_of_column(&mut table, def)?;
        }
        for declared in &create.constraints {
            if let TableConstraint::ForeignKey(key) = declared
                && let Some(index) = constraint::index_of(&table, key)?
            {
                let index = definition::new_index(&mut table, &index)?;
                table.indexes.push(index);
            }
            constraint::add(&mut table, declared, database)?;
        }
        self.try_checks(&table)?;
        let generated: Vec<_> = table.columns.iter().filter(|c| c.auto_increment).collect();
        let indexed = |id| {
            let primary = table.primary_key_positions().first().map(|&p| table.columns[p].id);
            primary == Some(id) || table.indexes.iter().any(|i| i.columns.first() == Some(&id))
        };
        if generated.len() > 1 || generated.iter().any(|c| !indexed(c.id)) {
            let message =
                "Incorrect table definition; there can be only one auto column and it must be defined as a key";
            return Err(SqlError::new(1075, message));
        }
        Ok(table)
    }
}

fn add_keys(table: &mut TableInfo, keys: &[DeclaredKey]) -> Result<()> {
    let mut primary = keys.iter().filter(|k| k.primary);
    if let Some(key) = primary.next() {
        let columns = definition::column_ids(table, &key.columns)?;
        for id in &columns {
            if let Some(position) = table.position_of(*id) {
                table.columns[position].nullable = false;
            }
        }
        table.primary_key = definition::primary_key(table, columns);
    }
    if primary.next().is_some() {
        return Err(SqlError::multiple_primary_key());
    }
    // Named keys first: a generated name must not take one that was given.
    let secondary = || keys.iter().filter(|k| !k.primary);
    for key in secondary().filter(|k| k.name.is_some()).chain(secondary().filter(|k| k.name.is_none())) {
        let index = definition::new_index(table, key)?;
        table.indexes.push(index);
    }
    Ok(())
}

/// The table options that mean something here; the others are read and dropped.
struct Options {
    auto_increment: u64,
    comment: String,
    collation: String,
}

impl Options {
    fn read(options: &CreateTableOptions) -> Result<Self> {
        let mut found =
            Self { auto_increment: 1, comment: String::new(), collation: ColumnInfo::DEFAULT_COLLATION.to_owned() };
        let (CreateTableOptions::Plain(options)
        | CreateTableOptions::Options(options)
        | CreateTableOptions::With(options)
        | CreateTableOptions::TableProperties(options)) = options
        else {
            return Ok(found);
        };
        for option in options {
            match option {
                SqlOption::Comment(CommentDef::WithEq(text) | CommentDef::WithoutEq(text)) => {
                    found.comment.clone_from(text);
                }
                SqlOption::KeyValue { key, value } => found.set(&key.value, value)?,
                _ => {}
            }
        }
        Ok(found)
    }

    fn set(&mut self, key: &str, value: &Expr) -> Result<()> {
        let text = match value {
            Expr::Value(v) => match &v.value {
                AstValue::Number(n, _) => n.clone(),
                other => other.clone().into_string().unwrap_or_default(),
            },
            other => other.to_string(),
        };
        match key.to_ascii_uppercase().as_str() {
            "AUTO_INCREMENT" => {
                self.auto_increment = text.parse::<u64>().map_err(|_| SqlError::parse(&text, 1))?.max(1);
            }
            "COLLATE" | "DEFAULT COLLATE" => self.collation = text.to_lowercase(),
            _ => {}
        }
        Ok(())
    }
}
