//! `columns`.

use deltatree_learner::catalog::{CatalogSnapshot, ColumnDefault, ColumnInfo, SqlType, TableInfo};
use deltatree_storage::types::Value;

use super::relation::Kind::{Text, UInt};
use super::relation::{Cell, Relation};
use crate::predicate_convert::value_scalar;
use crate::types::SessionZone;
use crate::types::display::declaration;
use crate::types::field::arrow_field;
use crate::types::text::{ColumnFormat, write_text};

pub(super) fn columns(catalog: &CatalogSnapshot) -> Relation {
    let mut out = Relation::new(&[
        ("TABLE_CATALOG", Text),
        ("TABLE_SCHEMA", Text),
        ("TABLE_NAME", Text),
        ("COLUMN_NAME", Text),
        ("ORDINAL_POSITION", UInt),
        ("COLUMN_DEFAULT", Text),
        ("IS_NULLABLE", Text),
        ("DATA_TYPE", Text),
        ("CHARACTER_MAXIMUM_LENGTH", UInt),
        ("CHARACTER_OCTET_LENGTH", UInt),
        ("NUMERIC_PRECISION", UInt),
        ("NUMERIC_SCALE", UInt),
        ("DATETIME_PRECISION", UInt),
        ("CHARACTER_SET_NAME", Text),
        ("COLLATION_NAME", Text),
        ("COLUMN_TYPE", Text),
        ("COLUMN_KEY", Text),
        ("EXTRA", Text),
        ("PRIVILEGES", Text),
        ("COLUMN_COMMENT", Text),
        ("GENERATION_EXPRESSION", Text),
        ("SRS_ID", UInt),
    ]);
    for table in catalog.tables() {
        for (i, column) in table.columns.iter().enumerate() {
            out.push(row(&table.database, &table.name, i, column, column_key(table, column)));
        }
    }
    for view in catalog.views() {
        for (i, column) in view.columns.iter().enumerate() {
            out.push(row(&view.database, &view.name, i, column, ""));
        }
    }
    out
}

fn row(database: &str, table: &str, position: usize, column: &ColumnInfo, key: &str) -> Vec<Cell> {
    let declared = declaration(&column.sql_type);
    let facts = TypeFacts::of(&column.sql_type);
    let is_text = facts.characters.is_some() && !facts.binary;
    vec![
        "def".into(),
        database.into(),
        table.into(),
        column.name.as_str().into(),
        (position as u64 + 1).into(),
        default(column),
        if column.nullable { "YES" } else { "NO" }.into(),
        base_name(&declared).into(),
        facts.characters.into(),
        facts.characters.map(|n| if facts.binary { n } else { n.saturating_mul(4) }).into(),
        facts.precision.into(),
        facts.scale.into(),
        facts.fraction.into(),
        is_text.then_some("utf8mb4").into(),
        is_text.then_some(column.collation.as_str()).into(),
        declared.into(),
        key.into(),
        extra(column).into(),
        "select,insert,update,references".into(),
        column.comment.as_str().into(),
        "".into(),
        Cell::Null,
    ]
}

fn default(column: &ColumnInfo) -> Cell {
    match &column.default {
        ColumnDefault::None => Cell::Null,
        ColumnDefault::Value(value) => default_text(value, column).into(),
        ColumnDefault::Now => "CURRENT_TIMESTAMP".into(),
    }
}

/// A constant default as text; `None` for NULL.
fn default_text(value: &Value, column: &ColumnInfo) -> Option<String> {
    let array = value_scalar(value, column.sql_type.stored())?.to_array().ok()?;
    let mut text = Vec::new();
    let format = ColumnFormat::new(&arrow_field(column), SessionZone::UTC);
    let present = write_text(&array, 0, &format, &mut text).ok()?;
    present.then(|| String::from_utf8_lossy(&text).into_owned())
}

/// `PRI`, `UNI`, `MUL` or nothing.
pub(super) fn column_key(table: &TableInfo, column: &ColumnInfo) -> &'static str {
    if table.primary_key_positions().iter().any(|&i| table.columns[i].id == column.id) {
        return "PRI";
    }
    let mut leading = table.indexes.iter().filter(|i| i.columns.first() == Some(&column.id));
    match leading.clone().find(|i| i.unique && i.columns.len() == 1).or_else(|| leading.next()) {
        Some(index) if index.unique && index.columns.len() == 1 => "UNI",
        Some(_) => "MUL",
        None => "",
    }
}

fn extra(column: &ColumnInfo) -> String {
    let mut words = Vec::new();
    if column.auto_increment {
        words.push("auto_increment");
    }
    if matches!(column.default, ColumnDefault::Now) {
        words.push("DEFAULT_GENERATED");
    }
    if column.on_update_now {
        words.push("on update CURRENT_TIMESTAMP");
    }
    words.join(" ")
}

/// `decimal(15,2) unsigned` → `decimal`.
fn base_name(declared: &str) -> String {
    declared.split(['(', ' ']).next().unwrap_or(declared).to_owned()
}

#[derive(Default)]
struct TypeFacts {
    characters: Option<u64>,
    binary: bool,
    precision: Option<u64>,
    scale: Option<u64>,
    fraction: Option<u64>,
}

impl TypeFacts {
    fn of(sql_type: &SqlType) -> Self {
        let integer = |precision| Self { precision: Some(precision), scale: Some(0), ..Self::default() };
        let text = |n: u64| Self { characters: Some(n), ..Self::default() };
        let binary = |n: u32| Self { characters: Some(n.into()), binary: true, ..Self::default() };
        let time = |fsp: u8| Self { fraction: Some(fsp.into()), ..Self::default() };
        match sql_type {
            SqlType::TinyInt { .. } => integer(3),
            SqlType::SmallInt { .. } => integer(5),
            SqlType::MediumInt { .. } => integer(7),
            SqlType::Int { .. } => integer(10),
            SqlType::BigInt { unsigned: false } => integer(19),
            SqlType::BigInt { unsigned: true } => integer(20),
            SqlType::Float => Self { precision: Some(12), ..Self::default() },
            SqlType::Double => Self { precision: Some(22), ..Self::default() },
            SqlType::Decimal { precision, scale } => {
                Self { precision: Some((*precision).into()), scale: Some((*scale).into()), ..Self::default() }
            }
            SqlType::Char { length } | SqlType::VarChar { length } => text((*length).into()),
            SqlType::Text { limit } => text((*limit).into()),
            SqlType::Enum { values } => text(values.iter().map(|v| v.chars().count() as u64).max().unwrap_or(0)),
            SqlType::Set { values } => {
                text(values.iter().map(|v| v.chars().count() as u64 + 1).sum::<u64>().saturating_sub(1))
            }
            SqlType::Binary { length } | SqlType::VarBinary { length } => binary(*length),
            SqlType::Blob { limit } => binary(*limit),
            SqlType::Time { fsp } | SqlType::DateTime { fsp } | SqlType::Timestamp { fsp } => time(*fsp),
            SqlType::Bit { length } => Self { precision: Some((*length).into()), ..Self::default() },
            SqlType::Date | SqlType::Year | SqlType::Json => Self::default(),
        }
    }
}
