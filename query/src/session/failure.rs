//! Errors of the leader group, with the names that only a session can look up.

use deltatree_learner::Error as GroupError;
use deltatree_learner::catalog::{CatalogError, CatalogSnapshot};
use deltatree_learner::codec::{KeyShape, key_shape};
use deltatree_learner::table_write::duplicate_message;

use crate::error::SqlError;

/// What a client is told of a failed write. A key that exists is shown by its table's columns.
pub(crate) fn write_failed(e: GroupError, catalog: &CatalogSnapshot) -> SqlError {
    if let GroupError::DuplicateKey { key } = &e {
        let table = match key_shape(key) {
            Some(KeyShape::Row { table, .. } | KeyShape::Index { table, .. }) => catalog.table_by_id(table),
            Some(KeyShape::Meta) | None => None,
        };
        if let Some(table) = table {
            return SqlError::new(1062, duplicate_message(table, key));
        }
    }
    e.into()
}

/// What a client is told of a failed schema change.
pub(crate) fn schema_change_failed(e: CatalogError) -> SqlError {
    match e {
        CatalogError::UnknownDatabase(name) => SqlError::unknown_database(&name),
        CatalogError::DatabaseExists(name) => SqlError::database_exists(&name),
        CatalogError::UnknownTable(name) => SqlError::unknown_table("", &name),
        CatalogError::TableExists(name) => SqlError::table_exists(name.rsplit('.').next().unwrap_or(&name)),
        CatalogError::Importing(name) => SqlError::importing(&name),
        CatalogError::Invalid(_) => SqlError::new(1105, e.to_string()),
        CatalogError::Exhausted(_) => SqlError::new(1467, e.to_string()),
        CatalogError::Corrupt(_) => SqlError::internal(e.to_string()),
    }
}
