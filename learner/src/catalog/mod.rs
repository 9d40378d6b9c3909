//! Definitions of databases, tables, columns, indexes, views and accounts.
//!
//! They live in the row store under the `m` prefix and change through the log like any row, so a
//! replica that has applied an entry also knows the schema by which to decode it.

mod account;
mod account_change;
mod column;
mod constraint;
mod conversion;
mod counter;
mod database;
mod ddl;
mod error;
mod gc_life;
mod import;
mod meta_key;
mod snapshot;
mod sql_type;
mod table;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod view;
mod view_change;

pub use account::{AccountInfo, Grant, GrantScope, Privilege};
pub use account_change::{create_accounts, drop_accounts, replace_accounts};
pub use column::{ColumnDefault, ColumnInfo};
pub use constraint::{CheckInfo, ForeignKeyInfo};
pub use conversion::ColumnConversion;
pub use counter::{raise, reserve};
pub use database::DatabaseInfo;
pub use ddl::{alter_table, create_database, create_table, drop_database, drop_table, truncate_table};
pub use error::CatalogError;
pub use gc_life::set_gc_life;
pub use import::{ImportLock, abandon_import, begin_import, publish_import};
pub(crate) use meta_key::is_definition_key;
pub use meta_key::{auto_increment_key, import_key, import_range, row_id_key, table_change_key, table_definition_key};
pub use snapshot::CatalogSnapshot;
pub use sql_type::SqlType;
pub use table::{IndexInfo, PrimaryKey, TableInfo};
pub use view::ViewInfo;
pub use view_change::{create_view, drop_view};
