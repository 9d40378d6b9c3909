//! Definitions as statements that would make them.

use std::fmt::Write;

use datafusion::sql::sqlparser::ast::ObjectName;
use deltatree_learner::catalog::{ColumnDefault, ColumnInfo, ForeignKeyInfo, PrimaryKey, SqlType, TableInfo, ViewInfo};
use deltatree_storage::types::{ColumnId, StoredType, Value};

use crate::error::{Result, SqlError};
use crate::session::{Session, TextTable};
use crate::statement::insert_batch::repeat;
use crate::statement::parse::{name_parts, quoted};
use crate::types::SessionZone;
use crate::types::display::declaration;
use crate::types::text::{ColumnFormat, write_text};

impl Session {
    /// `SHOW CREATE TABLE`.
    pub(super) fn show_create_table(&self, name: &ObjectName) -> Result<TextTable> {
        let (database, name) = name_parts(name);
        if let Some(view) = self.view(database, name) {
            let mut table = TextTable::new(&["View", "Create View", "character_set_client", "collation_connection"]);
            table.push_all([&view.name, &create_view_text(&view), "utf8mb4", "utf8mb4_bin"]);
            return Ok(table);
        }
        let info = self.table(database, name)?;
        let mut table = TextTable::new(&["Table", "Create Table"]);
        table.push_all([&info.name, &create_table_text(&info)?]);
        Ok(table)
    }

    /// `SHOW CREATE DATABASE`.
    pub(super) fn show_create_database(&self, name: &str, if_not_exists: bool) -> Result<TextTable> {
        let name = self.existing_database(name)?;
        let condition = if if_not_exists { "/*!32312 IF NOT EXISTS*/ " } else { "" };
        let text = format!("CREATE DATABASE {condition}{} /*!40100 DEFAULT CHARACTER SET utf8mb4 */", quoted(&name));
        let mut table = TextTable::new(&["Database", "Create Database"]);
        table.push_all([&name, &text]);
        Ok(table)
    }
}

/// The `CREATE VIEW` statement that makes a view like this one.
fn create_view_text(view: &ViewInfo) -> String {
    let (user, host) = view.definer.rsplit_once('@').unwrap_or((&view.definer, "%"));
    let security = if view.invoker_rights { "INVOKER" } else { "DEFINER" };
    let mut text = format!(
        "CREATE ALGORITHM=UNDEFINED DEFINER={}@{} SQL SECURITY {security} VIEW {}",
        quoted(user),
        quoted(host),
        quoted(&view.name)
    );
    if view.columns_listed {
        let columns: Vec<_> = view.columns.iter().map(|c| quoted(&c.name)).collect();
        write!(text, " ({})", columns.join(", ")).expect("writing to a string cannot fail");
    }
    write!(text, " AS {}", view.definition).expect("writing to a string cannot fail");
    if view.check_option != "NONE" {
        write!(text, " WITH {} CHECK OPTION", view.check_option).expect("writing to a string cannot fail");
    }
    text
}

/// The `CREATE TABLE` statement that makes a table like this one.
pub(super) fn create_table_text(info: &TableInfo) -> Result<String> {
    let mut lines = Vec::new();
    for column in &info.columns {
        lines.push(column_text(column)?);
    }
    let names = |ids: &[ColumnId]| {
        let columns = ids.iter().filter_map(|id| info.position_of(*id)).map(|i| quoted(&info.columns[i].name));
        columns.collect::<Vec<_>>().join(",")
    };
    match &info.primary_key {
        PrimaryKey::Integer { column } => lines.push(format!("PRIMARY KEY ({})", names(&[*column]))),
        PrimaryKey::Columns { columns } => lines.push(format!("PRIMARY KEY ({})", names(columns))),
        PrimaryKey::Hidden => {}
    }
    for index in &info.indexes {
        let unique = if index.unique { "UNIQUE " } else { "" };
        lines.push(format!("{unique}KEY {} ({})", quoted(&index.name), names(&index.columns)));
    }
    for key in &info.foreign_keys {
        lines.push(foreign_key_text(info, key, &names(&key.columns)));
    }
    for check in &info.checks {
        let enforced = if check.enforced { "" } else { " /*!80016 NOT ENFORCED */" };
        lines.push(format!("CONSTRAINT {} CHECK ({}){enforced}", quoted(&check.name), check.condition));
    }
    let mut text = format!("CREATE TABLE {} (\n  {}\n)", quoted(&info.name), lines.join(",\n  "));
    text.push_str(" ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin");
    if info.auto_increment_start > 1 {
        write!(text, " AUTO_INCREMENT={}", info.auto_increment_start).expect("writing to a string cannot fail");
    }
    if !info.comment.is_empty() {
        write!(text, " COMMENT={}", literal(&info.comment)).expect("writing to a string cannot fail");
    }
    Ok(text)
}

fn foreign_key_text(info: &TableInfo, key: &ForeignKeyInfo, columns: &str) -> String {
    let referenced: Vec<_> = key.referenced_columns.iter().map(|c| quoted(c)).collect();
    let mut table = quoted(&key.referenced_table);
    if !key.referenced_database.eq_ignore_ascii_case(&info.database) {
        table = format!("{}.{table}", quoted(&key.referenced_database));
    }
    let mut text = format!(
        "CONSTRAINT {} FOREIGN KEY ({columns}) REFERENCES {table} ({})",
        quoted(&key.name),
        referenced.join(",")
    );
    for (event, action) in [("DELETE", &key.on_delete), ("UPDATE", &key.on_update)] {
        if !action.is_empty() {
            write!(text, " ON {event} {action}").expect("writing to a string cannot fail");
        }
    }
    text
}

fn column_text(column: &ColumnInfo) -> Result<String> {
    let mut text = format!("{} {}", quoted(&column.name), declaration(&column.sql_type));
    if column.sql_type.stored() == StoredType::Utf8
        && column.collation != "utf8mb4_bin"
        && !matches!(column.sql_type, SqlType::Json)
    {
        write!(text, " COLLATE {}", column.collation).expect("writing to a string cannot fail");
    }
    if !column.nullable {
        text.push_str(" NOT NULL");
    } else if matches!(column.sql_type, SqlType::Timestamp { .. }) {
        text.push_str(" NULL");
    }
    let no_default = matches!(column.sql_type, SqlType::Text { .. } | SqlType::Blob { .. } | SqlType::Json);
    match &column.default {
        ColumnDefault::None | ColumnDefault::Value(Value::Null) if column.nullable && !no_default => {
            text.push_str(" DEFAULT NULL");
        }
        ColumnDefault::None | ColumnDefault::Value(Value::Null) => {}
        ColumnDefault::Now => {
            text.push_str(" DEFAULT ");
            text.push_str(&now_text(&column.sql_type));
        }
        ColumnDefault::Value(value) => {
            text.push_str(" DEFAULT ");
            text.push_str(&literal(&value_text(value, &column.sql_type)?));
        }
    }
    if column.auto_increment {
        text.push_str(" AUTO_INCREMENT");
    }
    if column.on_update_now {
        text.push_str(" ON UPDATE ");
        text.push_str(&now_text(&column.sql_type));
    }
    if !column.comment.is_empty() {
        text.push_str(" COMMENT ");
        text.push_str(&literal(&column.comment));
    }
    Ok(text)
}

/// A column's default as `DESCRIBE` prints it.
pub(super) fn default_text(column: &ColumnInfo) -> Result<Option<String>> {
    match &column.default {
        ColumnDefault::None | ColumnDefault::Value(Value::Null) => Ok(None),
        ColumnDefault::Now => Ok(Some(now_text(&column.sql_type))),
        ColumnDefault::Value(value) => value_text(value, &column.sql_type).map(Some),
    }
}

/// `CURRENT_TIMESTAMP` with as many digits as the column has.
pub(super) fn now_text(sql_type: &SqlType) -> String {
    match sql_type {
        SqlType::DateTime { fsp } | SqlType::Timestamp { fsp } if *fsp > 0 => format!("CURRENT_TIMESTAMP({fsp})"),
        _ => "CURRENT_TIMESTAMP".to_owned(),
    }
}

fn value_text(value: &Value, sql_type: &SqlType) -> Result<String> {
    let array = repeat(value, sql_type.stored(), 1)?;
    let field = arrow::datatypes::Field::new("default", sql_type.stored().arrow(), true);
    let format = ColumnFormat::new(&crate::types::field::with_sql_type(field, sql_type), SessionZone::UTC);
    let mut text = Vec::new();
    write_text(&array, 0, &format, &mut text)?;
    String::from_utf8(text).map_err(|_| SqlError::internal("a default that is no text"))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
