//! A column of a table.

use deltatree_storage::types::{ColumnId, Value};
use serde::{Deserialize, Serialize};

use super::SqlType;

/// A column as declared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnInfo {
    /// Identity, stable over renames, never reused within the table.
    pub id: ColumnId,
    /// As the user wrote it; looked up without regard to case.
    pub name: String,
    /// Declared type.
    pub sql_type: SqlType,
    /// False for `NOT NULL` and for primary-key columns.
    pub nullable: bool,
    /// What an `INSERT` that leaves the column out stores.
    pub default: ColumnDefault,
    /// `ON UPDATE CURRENT_TIMESTAMP`.
    pub on_update_now: bool,
    /// `AUTO_INCREMENT`.
    pub auto_increment: bool,
    /// What rows written before the column was added hold.
    pub origin_default: Value,
    /// `COMMENT`.
    pub comment: String,
    /// `COLLATE`, for text: [`ColumnInfo::DEFAULT_COLLATION`] unless declared otherwise.
    pub collation: String,
}

impl ColumnInfo {
    /// Collation of text that declares none.
    pub const DEFAULT_COLLATION: &str = "utf8mb4_bin";

    /// A column declared by no more than this: no default, no comment, the usual collation.
    pub fn new(id: ColumnId, name: impl Into<String>, sql_type: SqlType, nullable: bool) -> Self {
        Self {
            id,
            name: name.into(),
            sql_type,
            nullable,
            default: ColumnDefault::None,
            on_update_now: false,
            auto_increment: false,
            origin_default: Value::Null,
            comment: String::new(),
            collation: Self::DEFAULT_COLLATION.into(),
        }
    }
}

/// The `DEFAULT` clause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ColumnDefault {
    /// No clause: NULL if the column may be NULL, an error (1364) otherwise.
    None,
    /// A constant, in the column's physical form.
    Value(Value),
    /// `CURRENT_TIMESTAMP`.
    Now,
}

impl ColumnDefault {
    /// The constant, if it is one.
    pub fn constant(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::None | Self::Now => None,
        }
    }
}
