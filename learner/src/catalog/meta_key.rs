//! Keys and values of definitions in the row store.
//!
//! | key | value |
//! |---|---|
//! | `m_db_` id (8, big-endian) | [`DatabaseInfo`], JSON |
//! | `m_table_` id (8, big-endian) | [`TableInfo`], JSON |
//! | `m_view_` id (8, big-endian) | [`ViewInfo`], JSON |
//! | `m_account_` id (8, big-endian) | [`AccountInfo`], JSON |
//! | `m_change_` id (8, big-endian) | nothing: whoever changes the table's definition holds its lock |
//! | `m_next_id` | smallest id never used (8, little-endian) |
//! | `m_schema_version` | number of schema changes so far (8, little-endian) |
//! | `m_gc_life` | how long overwritten versions stay readable, in milliseconds (8, little-endian) |
//! | `m_auto_` table id (8, big-endian) | next `AUTO_INCREMENT` value (8, little-endian) |
//! | `m_rowid_` table id (8, big-endian) | next hidden row id (8, little-endian) |
//! | `m_import_` job id (8, big-endian) | what is known of an import, as its front end writes it |
//!
//! JSON, because a definition is small, read rarely, and gains fields over time. Every schema change
//! writes `m_schema_version`, so two of them at once are a write conflict, whatever they change.

use bytes::Bytes;
use deltatree_storage::types::TableId;

use super::{AccountInfo, CatalogError, DatabaseInfo, TableInfo, ViewInfo};

const DATABASE: &[u8] = b"m_db_";
const TABLE: &[u8] = b"m_table_";
const CHANGE: &[u8] = b"m_change_";
const VIEW: &[u8] = b"m_view_";
const ACCOUNT: &[u8] = b"m_account_";
const NEXT_ID: &[u8] = b"m_next_id";
const SCHEMA_VERSION: &[u8] = b"m_schema_version";
const GC_LIFE: &[u8] = b"m_gc_life";
const AUTO_INCREMENT: &[u8] = b"m_auto_";
const ROW_ID: &[u8] = b"m_rowid_";
const IMPORT: &[u8] = b"m_import_";

/// What a key under `m` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetaKey {
    Database(u64),
    Table(TableId),
    View(u64),
    Account(u64),
    NextId,
    SchemaVersion,
    GcLife,
}

impl MetaKey {
    /// `None` for keys that are no definition (counters of rows, other users of the prefix).
    pub(super) fn parse(key: &[u8]) -> Option<Self> {
        let id = |prefix| key.strip_prefix(prefix)?.try_into().ok().map(u64::from_be_bytes);
        match key {
            NEXT_ID => Some(Self::NextId),
            SCHEMA_VERSION => Some(Self::SchemaVersion),
            GC_LIFE => Some(Self::GcLife),
            _ => id(DATABASE)
                .map(Self::Database)
                .or_else(|| id(TABLE).map(|t| Self::Table(TableId(t))))
                .or_else(|| id(VIEW).map(Self::View))
                .or_else(|| id(ACCOUNT).map(Self::Account)),
        }
    }
}

/// Whether a key holds a definition, so that writing it changes the schema.
pub(crate) fn is_definition_key(key: &[u8]) -> bool {
    key.starts_with(b"m") && MetaKey::parse(key).is_some()
}

pub(super) fn database_key(id: u64) -> Bytes {
    with_id(DATABASE, id)
}

pub(super) fn view_key(id: u64) -> Bytes {
    with_id(VIEW, id)
}

pub(super) fn account_key(id: u64) -> Bytes {
    with_id(ACCOUNT, id)
}

pub(super) fn gc_life_key() -> Bytes {
    Bytes::from_static(GC_LIFE)
}

/// The key of a table's definition. It is written by every change of the table's schema, so a
/// transaction that must not overlap with one asserts that this key is unchanged since its start.
pub fn table_definition_key(table: TableId) -> Bytes {
    with_id(TABLE, table.0)
}

/// The key whose lock belongs to whoever changes a table's definition in several steps. It is never written.
pub fn table_change_key(table: TableId) -> Bytes {
    with_id(CHANGE, table.0)
}

/// The key of a table's `AUTO_INCREMENT` counter. See [`super::reserve`].
pub fn auto_increment_key(table: TableId) -> Bytes {
    with_id(AUTO_INCREMENT, table.0)
}

/// The key of a table's hidden row-id counter. See [`super::reserve`].
pub fn row_id_key(table: TableId) -> Bytes {
    with_id(ROW_ID, table.0)
}

/// The key of an import's record. It is no definition: writing it changes no schema.
pub fn import_key(job: u64) -> Bytes {
    with_id(IMPORT, job)
}

/// Bounds of all imports' records, by job.
pub fn import_range() -> (Bytes, Bytes) {
    (Bytes::from_static(IMPORT), crate::codec::prefix_end(IMPORT))
}

pub(super) fn next_id_key() -> Bytes {
    Bytes::from_static(NEXT_ID)
}

pub(super) fn schema_version_key() -> Bytes {
    Bytes::from_static(SCHEMA_VERSION)
}

fn with_id(prefix: &[u8], id: u64) -> Bytes {
    [prefix, &id.to_be_bytes()].concat().into()
}

pub(super) fn encode_u64(v: u64) -> Bytes {
    Bytes::copy_from_slice(&v.to_le_bytes())
}

pub(super) fn decode_u64(what: &str, bytes: &[u8]) -> Result<u64, CatalogError> {
    bytes
        .try_into()
        .map(u64::from_le_bytes)
        .map_err(|_| CatalogError::Corrupt(format!("{what} has {} bytes instead of 8", bytes.len())))
}

pub(super) fn encode_database(info: &DatabaseInfo) -> Result<Bytes, CatalogError> {
    encode("database", &info.name, info)
}

pub(super) fn encode_table(info: &TableInfo) -> Result<Bytes, CatalogError> {
    encode("table", &info.name, info)
}

pub(super) fn encode_view(info: &ViewInfo) -> Result<Bytes, CatalogError> {
    encode("view", &info.name, info)
}

pub(super) fn encode_account(info: &AccountInfo) -> Result<Bytes, CatalogError> {
    encode("account", &info.user, info)
}

fn encode(what: &str, name: &str, info: &impl serde::Serialize) -> Result<Bytes, CatalogError> {
    serde_json::to_vec(info)
        .map(Bytes::from)
        .map_err(|e| CatalogError::Invalid(format!("the definition of {what} {name} cannot be stored: {e}")))
}

pub(super) fn decode<T: serde::de::DeserializeOwned>(what: &str, id: u64, bytes: &[u8]) -> Result<T, CatalogError> {
    serde_json::from_slice(bytes).map_err(|e| CatalogError::Corrupt(format!("the definition of {what} {id}: {e}")))
}
