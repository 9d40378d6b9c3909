//! Databases, tables, columns and keys.

use arrow::array::{AsArray, RecordBatch};
use datafusion::sql::sqlparser::ast::ObjectName;
use deltatree_learner::catalog::{ColumnDefault, ColumnInfo, IndexInfo, PrimaryKey, TableInfo};

use super::create::default_text;
use crate::error::{Result, SqlError};
use crate::session::{Session, TextTable};
use crate::statement::parse::{name_parts, quoted};
use crate::types::display::declaration;

const INFORMATION_SCHEMA: &str = "information_schema";

impl Session {
    /// `SHOW DATABASES`.
    pub(super) fn show_databases(&self) -> TextTable {
        let catalog = self.node.group().catalog();
        let mut names: Vec<_> = catalog.databases().map(|d| d.name.as_str()).chain([INFORMATION_SCHEMA]).collect();
        names.retain(|name| self.sees_database(name));
        names.sort_unstable();
        let mut table = TextTable::new(&["Database"]);
        names.iter().for_each(|name| table.push_all([name]));
        table
    }

    /// The database meant, by its declared name.
    fn shown_database(&self, database: Option<&str>) -> Result<String> {
        self.existing_database(self.database_or_current(database)?)
    }

    /// `SHOW TABLES`.
    pub(super) async fn show_tables(&mut self, database: Option<&str>, full: bool) -> Result<RecordBatch> {
        let database = self.shown_database(database)?;
        let header = format!("Tables_in_{database}");
        let mut names: Vec<(String, &str)> = Vec::new();
        if database == INFORMATION_SCHEMA {
            names.extend(self.information_schema_tables().await?.into_iter().map(|name| (name, "SYSTEM VIEW")));
        } else {
            let catalog = self.node.group().catalog();
            if let Some(id) = catalog.database(&database).map(|d| d.id) {
                names.extend(catalog.tables_of(id).map(|t| (t.name.clone(), "BASE TABLE")));
                names.extend(catalog.views_of(id).map(|v| (v.name.clone(), "VIEW")));
            }
            names.retain(|(name, _)| self.sees_table(&database, name));
            names.sort_by_cached_key(|(name, _)| name.to_lowercase());
        }
        if full {
            let mut table = TextTable::new(&[header.as_str(), "Table_type"]);
            names.iter().for_each(|(name, kind)| table.push_all([name, kind]));
            table.into_batch()
        } else {
            let mut table = TextTable::new(&[header]);
            names.iter().for_each(|(name, _)| table.push_all([name]));
            table.into_batch()
        }
    }

    async fn information_schema_tables(&mut self) -> Result<Vec<String>> {
        let sql = "SELECT TABLE_NAME FROM information_schema.TABLES \
                   WHERE TABLE_SCHEMA = 'information_schema' ORDER BY TABLE_NAME";
        let mut names = Vec::new();
        for batch in self.inner_query(sql).await? {
            let column = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8)?;
            names.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        Ok(names)
    }

    /// A query of the server's own.
    async fn inner_query(&mut self, sql: &str) -> Result<Vec<RecordBatch>> {
        let statement = crate::rewrite::parse(sql)?.into_iter().next();
        let Some(datafusion::sql::sqlparser::ast::Statement::Query(query)) = statement else {
            return Err(SqlError::internal("not a query"));
        };
        let query = self.rewrite_query(*query, &[])?;
        let read = self.read().await?;
        self.collect_query(query, read).await
    }

    /// `SHOW TABLE STATUS`.
    pub(super) fn show_table_status(&self, database: Option<&str>) -> Result<TextTable> {
        let database = self.shown_database(database)?;
        let mut table = TextTable::new(&[
            "Name",
            "Engine",
            "Version",
            "Row_format",
            "Rows",
            "Avg_row_length",
            "Data_length",
            "Max_data_length",
            "Index_length",
            "Data_free",
            "Auto_increment",
            "Create_time",
            "Update_time",
            "Check_time",
            "Collation",
            "Checksum",
            "Create_options",
            "Comment",
        ]);
        for number in
            ["Version", "Rows", "Avg_row_length", "Data_length", "Max_data_length", "Index_length", "Data_free"]
        {
            table = table.number(number);
        }
        let catalog = self.node.group().catalog();
        let id = catalog.database(&database).map(|d| d.id);
        for info in id.into_iter().flat_map(|id| catalog.tables_of(id)) {
            let text = |s: &str| Some(s.to_owned());
            let created = chrono::DateTime::from_timestamp_millis(info.created_ms as i64);
            let generated = info.columns.iter().any(|c| c.auto_increment);
            table.push([
                Some(info.name.clone()),
                text("InnoDB"),
                text("10"),
                text("Compact"),
                Some(self.estimated_rows(info).to_string()),
                text("0"),
                text("0"),
                text("0"),
                text("0"),
                text("0"),
                generated.then(|| info.auto_increment_start.to_string()),
                created.map(|t| t.format("%Y-%m-%d %H:%M:%S").to_string()),
                None,
                None,
                text("utf8mb4_bin"),
                None,
                text(""),
                Some(info.comment.clone()),
            ]);
        }
        for view in id.into_iter().flat_map(|id| catalog.views_of(id)) {
            let mut row = [const { None }; 18];
            row[0] = Some(view.name.clone());
            row[17] = Some("VIEW".to_owned());
            table.push(row);
        }
        Ok(table)
    }

    /// `SHOW COLUMNS`, `DESCRIBE`.
    pub(super) async fn show_columns(
        &mut self,
        name: &ObjectName,
        database: Option<&str>,
        full: bool,
    ) -> Result<RecordBatch> {
        let (own, name) = name_parts(name);
        let database = self.shown_database(database.or(own))?;
        if database == INFORMATION_SCHEMA {
            return self.show_system_columns(name).await;
        }
        let view = self.view(Some(&database), name);
        let info = if view.is_some() { None } else { Some(self.table(Some(&database), name)?) };
        let columns = match (&view, &info) {
            (Some(view), _) => view.columns.as_slice(),
            (None, Some(info)) => info.columns.as_slice(),
            (None, None) => &[],
        };
        let mut table = if full {
            TextTable::new(&["Field", "Type", "Collation", "Null", "Key", "Default", "Extra", "Privileges", "Comment"])
        } else {
            TextTable::new(&["Field", "Type", "Null", "Key", "Default", "Extra"])
        };
        for column in columns {
            let text = |s: &str| Some(s.to_owned());
            let null = text(if column.nullable { "YES" } else { "NO" });
            let (field, kind) = (Some(column.name.clone()), Some(declaration(&column.sql_type)));
            let (key, default, extra) = (
                text(info.as_ref().map_or("", |info| key_kind(info, column))),
                default_text(column)?,
                Some(extra(column)),
            );
            if full {
                let is_text = column.sql_type.stored() == deltatree_storage::types::StoredType::Utf8;
                let collation = is_text.then(|| column.collation.clone());
                let comment = Some(column.comment.clone());
                let privileges = text("select,insert,update,references");
                table.push([field, kind, collation, null, key, default, extra, privileges, comment]);
            } else {
                table.push([field, kind, null, key, default, extra]);
            }
        }
        table.into_batch()
    }

    async fn show_system_columns(&mut self, name: &str) -> Result<RecordBatch> {
        let sql = format!("SELECT * FROM information_schema.{} LIMIT 0", quoted(name));
        let batches = self.inner_query(&sql).await?;
        let mut table = TextTable::new(&["Field", "Type", "Null", "Key", "Default", "Extra"]);
        for field in batches.first().map(RecordBatch::schema).iter().flat_map(|s| s.fields()) {
            let kind = crate::types::field::sql_type_of(field).map(|t| declaration(&t)).unwrap_or_default();
            let null = if field.is_nullable() { "YES" } else { "NO" };
            let text = |s: &str| Some(s.to_owned());
            table.push([text(field.name()), Some(kind), text(null), text(""), None, text("")]);
        }
        table.into_batch()
    }

    /// `SHOW INDEX`.
    pub(super) fn show_index(&self, name: &ObjectName, database: Option<&str>) -> Result<TextTable> {
        let (own, name) = name_parts(name);
        let info = self.table(database.or(own), name)?;
        let mut table = TextTable::new(&[
            "Table",
            "Non_unique",
            "Key_name",
            "Seq_in_index",
            "Column_name",
            "Collation",
            "Cardinality",
            "Sub_part",
            "Packed",
            "Null",
            "Index_type",
            "Comment",
            "Index_comment",
            "Visible",
            "Expression",
        ]);
        table = table.number("Non_unique").number("Seq_in_index").number("Cardinality").number("Sub_part");
        let primary = match &info.primary_key {
            PrimaryKey::Integer { column } => vec![*column],
            PrimaryKey::Columns { columns } => columns.clone(),
            PrimaryKey::Hidden => Vec::new(),
        };
        let primary = IndexInfo { id: 0, name: "PRIMARY".to_owned(), columns: primary, unique: true };
        let rows = self.estimated_rows(&info).to_string();
        for index in std::iter::once(&primary).chain(&info.indexes) {
            for (n, column) in (1..).zip(&index.columns) {
                let Some(column) = info.position_of(*column).map(|i| &info.columns[i]) else { continue };
                let text = |s: &str| Some(s.to_owned());
                table.push([
                    Some(info.name.clone()),
                    text(if index.unique { "0" } else { "1" }),
                    Some(index.name.clone()),
                    Some(n.to_string()),
                    Some(column.name.clone()),
                    text("A"),
                    Some(rows.clone()),
                    None,
                    None,
                    text(if column.nullable { "YES" } else { "" }),
                    text("BTREE"),
                    text(""),
                    text(""),
                    text("YES"),
                    None,
                ]);
            }
        }
        Ok(table)
    }
}

/// `PRI`, `UNI`, `MUL`, or nothing.
fn key_kind(table: &TableInfo, column: &ColumnInfo) -> &'static str {
    let primary = match &table.primary_key {
        PrimaryKey::Integer { column: id } => *id == column.id,
        PrimaryKey::Columns { columns } => columns.contains(&column.id),
        PrimaryKey::Hidden => false,
    };
    let leads =
        |unique: bool| table.indexes.iter().any(|i| i.unique == unique && i.columns.first() == Some(&column.id));
    let alone = table.indexes.iter().any(|i| i.unique && i.columns == [column.id]);
    if primary {
        "PRI"
    } else if alone {
        "UNI"
    } else if leads(true) || leads(false) {
        "MUL"
    } else {
        ""
    }
}

fn extra(column: &ColumnInfo) -> String {
    let mut words = Vec::new();
    if column.auto_increment {
        words.push("auto_increment".to_owned());
    }
    if column.default == ColumnDefault::Now {
        words.push("DEFAULT_GENERATED".to_owned());
    }
    if column.on_update_now {
        words.push(format!("on update {}", super::create::now_text(&column.sql_type)));
    }
    words.join(" ")
}
