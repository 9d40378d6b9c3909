//! Definitions of databases, tables, columns and indexes.
//!
//! They live in the row store under the `m` prefix and change through the log like any row, so a
//! replica that has applied an entry also knows the schema by which to decode it.

mod column;
mod database;
mod sql_type;
mod table;

pub use column::{ColumnDefault, ColumnInfo};
pub use database::DatabaseInfo;
pub use sql_type::SqlType;
pub use table::{IndexInfo, PrimaryKey, TableInfo};
