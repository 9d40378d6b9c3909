//! Definitions of a table while it is imported into.
//!
//! An import does not write into the table. It fills a *hidden* table, an id that no definition names, so
//! nobody can read what is there. One schema change then makes the hidden id the table's own, as
//! `TRUNCATE` gives a table a new one:
//!
//! ```text
//! begin     m_table_7: t, import {job 9}               id 9 is taken, and named by nothing else
//!           … rows and index entries under t9, outside the log …
//! publish   m_table_7 removed, m_table_9: t, loaded    in one entry
//!    or
//! abandon   m_table_7: t                               what is under t9 is dropped
//! ```
//!
//! While the lock is there nobody else may write the table or change its definition: a writer that planned
//! its statement before fails by the schema version, whoever plans after is told.

use deltatree_storage::types::{TableId, Timestamp};
use serde::{Deserialize, Serialize};

use super::ddl::{at_rest, changed, existing, put, remove_table};
use super::meta_key::{auto_increment_key, encode_table, encode_u64, next_id_key, row_id_key, table_definition_key};
use super::{CatalogError, CatalogSnapshot, TableInfo};
use crate::table_write::KeyOp;

type Result<T> = std::result::Result<T, CatalogError>;

/// Says that a table is being imported into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportLock {
    /// Id of the hidden table, and number of the job.
    pub staging: TableId,
}

/// Locks a table for an import. Returns the hidden table: the definition under the id that is to be filled.
///
/// # Errors
/// If there is no table of that id, or it is being imported into already.
pub fn begin_import(catalog: &CatalogSnapshot, table: TableId) -> Result<(TableInfo, Vec<KeyOp>)> {
    let target = at_rest(existing(catalog, table)?)?;
    let staging = TableId(catalog.next_id());
    let mut locked =
        TableInfo { schema_version: catalog.version() + 1, import: Some(ImportLock { staging }), ..target.clone() };
    // The rows that come would lack it; whoever has begun it is told by the schema version.
    locked.forget_unfinished();
    let mut ops = changed(catalog);
    ops.push(put(next_id_key(), encode_u64(staging.0 + 1)));
    ops.push(put(table_definition_key(table), encode_table(&locked)?));
    Ok((TableInfo { id: staging, import: None, ..locked }, ops))
}

/// Makes the hidden table the table of that name, in place of the locked one, whose id is returned: whatever
/// is left under it may be removed. `at` is a timestamp of just now: whoever reads at an older one is not to
/// find rows that were not there before.
///
/// # Errors
/// If no table is locked by this import: it was abandoned.
pub fn publish_import(catalog: &CatalogSnapshot, staging: TableId, at: Timestamp) -> Result<(TableId, Vec<KeyOp>)> {
    let target = locked_by(catalog, staging)?;
    let info = TableInfo {
        id: staging,
        schema_version: catalog.version() + 1,
        import: None,
        loaded: Some(at),
        ..target.clone()
    };
    let mut ops = changed(catalog);
    remove_table(target.id, &mut ops);
    ops.push(put(table_definition_key(staging), encode_table(&info)?));
    Ok((target.id, ops))
}

/// Gives the table back as it was before the import. What is under the hidden id is the caller's to remove.
///
/// # Errors
/// If no table is locked by this import.
pub fn abandon_import(catalog: &CatalogSnapshot, staging: TableId) -> Result<Vec<KeyOp>> {
    let target = locked_by(catalog, staging)?;
    let info = TableInfo { schema_version: catalog.version() + 1, import: None, ..target.clone() };
    let mut ops = changed(catalog);
    ops.extend([auto_increment_key(staging), row_id_key(staging)].map(|key| KeyOp::Delete { key }));
    ops.push(put(table_definition_key(target.id), encode_table(&info)?));
    Ok(ops)
}

fn locked_by(catalog: &CatalogSnapshot, staging: TableId) -> Result<&TableInfo> {
    let mut locked = catalog.tables().filter(|t| t.import == Some(ImportLock { staging }));
    let none = || CatalogError::Invalid(format!("import job {} is not running", staging.0));
    locked.next().map(|t| &**t).ok_or_else(none)
}
