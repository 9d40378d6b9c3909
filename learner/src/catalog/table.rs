//! A table with its columns and indexes.

use deltatree_storage::types::{ColumnId, ColumnSchema, KeyKind, TableId, TableSchema, Timestamp};
use serde::{Deserialize, Serialize};

use super::{CheckInfo, ColumnConversion, ColumnInfo, ForeignKeyInfo, ImportLock};

/// A table as declared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableInfo {
    /// Identity. `TRUNCATE` gives the table a new one; ids are never reused.
    pub id: TableId,
    /// Id of the database that it belongs to.
    pub database_id: u64,
    /// Name of that database.
    pub database: String,
    /// As the user wrote it; looked up without regard to case.
    pub name: String,
    /// Grows with each change of this definition; stamped on every row and log entry.
    pub schema_version: u64,
    /// In declaration order, which is the order of scans.
    pub columns: Vec<ColumnInfo>,
    /// How rows are keyed.
    pub primary_key: PrimaryKey,
    /// Secondary indexes that may be read.
    pub indexes: Vec<IndexInfo>,
    /// Indexes being filled: every writer maintains them, nobody reads them yet.
    #[serde(default)]
    pub filling: Vec<IndexInfo>,
    /// The column that is being given another type.
    #[serde(default)]
    pub converting: Option<ColumnConversion>,
    /// Smallest column id never used.
    pub next_column_id: u32,
    /// Smallest index id never used.
    pub next_index_id: u32,
    /// Whether the columnar learner keeps a copy.
    pub columnar: bool,
    /// First `AUTO_INCREMENT` value asked for at creation, 1 otherwise.
    pub auto_increment_start: u64,
    /// `COMMENT`.
    pub comment: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub created_ms: u64,
    /// Foreign keys, as declared.
    #[serde(default)]
    pub foreign_keys: Vec<ForeignKeyInfo>,
    /// `CHECK` constraints.
    #[serde(default)]
    pub checks: Vec<CheckInfo>,
    /// The import that fills the table; while there is one, nothing else may change the table.
    #[serde(default)]
    pub import: Option<ImportLock>,
    /// Set if rows of before do not go with this definition: they are not in the log (see
    /// [`super::publish_import`]), or lack a column that was converted (see [`super::ColumnConversion`]). Nobody
    /// may read the table by it at or before this timestamp.
    #[serde(default)]
    pub loaded: Option<Timestamp>,
}

/// How the rows of a table are keyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrimaryKey {
    /// One integer column. Its value is the row key, unsigned ones with the top bit flipped.
    Integer {
        /// The column.
        column: ColumnId,
    },
    /// One or more columns of any other shape: the row key is their memcomparable encoding.
    Columns {
        /// In key order.
        columns: Vec<ColumnId>,
    },
    /// None declared: the row key is a hidden integer that the table hands out.
    Hidden,
}

/// A secondary index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexInfo {
    /// Identity, never reused within the table.
    pub id: u32,
    /// As the user wrote it; looked up without regard to case.
    pub name: String,
    /// In index order.
    pub columns: Vec<ColumnId>,
    /// Whether two rows may not hold equal non-NULL values.
    pub unique: bool,
}

impl TableInfo {
    /// A table declared by no more than this, with a columnar copy. Ids, the schema version and the time
    /// are for whoever creates it.
    pub fn new(
        database: impl Into<String>,
        name: impl Into<String>,
        columns: Vec<ColumnInfo>,
        primary_key: PrimaryKey,
    ) -> Self {
        Self {
            id: TableId(0),
            database_id: 0,
            database: database.into(),
            name: name.into(),
            schema_version: 0,
            next_column_id: columns.iter().map(|c| c.id.0 + 1).max().unwrap_or(1),
            columns,
            primary_key,
            indexes: Vec::new(),
            filling: Vec::new(),
            converting: None,
            next_index_id: 1,
            columnar: true,
            auto_increment_start: 1,
            comment: String::new(),
            created_ms: 0,
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            import: None,
            loaded: None,
        }
    }

    /// The indexes that a change of a row changes too.
    pub fn maintained_indexes(&self) -> impl Iterator<Item = &IndexInfo> {
        self.indexes.iter().chain(&self.filling)
    }

    /// Position of a column by name, without regard to case.
    pub fn column_position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name))
    }

    /// Position of a column by id.
    pub fn position_of(&self, id: ColumnId) -> Option<usize> {
        self.columns.iter().position(|c| c.id == id)
    }

    /// Positions of the primary key's columns; empty for a hidden key.
    pub fn primary_key_positions(&self) -> Vec<usize> {
        match &self.primary_key {
            PrimaryKey::Integer { column } => self.position_of(*column).into_iter().collect(),
            PrimaryKey::Columns { columns } => columns.iter().filter_map(|c| self.position_of(*c)).collect(),
            PrimaryKey::Hidden => Vec::new(),
        }
    }

    /// What the row keys are.
    pub fn key_kind(&self) -> KeyKind {
        match self.primary_key {
            PrimaryKey::Columns { .. } => KeyKind::Bytes,
            PrimaryKey::Integer { .. } | PrimaryKey::Hidden => KeyKind::Int,
        }
    }

    /// Forgets what somebody has begun to add: indexes that are not filled, a column that is not converted.
    /// Returns whether there was anything.
    pub fn forget_unfinished(&mut self) -> bool {
        let nothing = self.filling.is_empty() && self.converting.is_none();
        self.filling.clear();
        self.converting = None;
        !nothing
    }

    /// The columnar engine's view of this table: the columns in the order of scans, then the hidden one.
    ///
    /// The key column is shared only for signed 64-bit keys; other integer keys are stored beside it.
    pub fn columnar_schema(&self) -> TableSchema {
        let key_column = match self.primary_key {
            PrimaryKey::Integer { column } => self
                .position_of(column)
                .filter(|&i| self.columns[i].sql_type.stored() == deltatree_storage::types::StoredType::Int64),
            PrimaryKey::Columns { .. } | PrimaryKey::Hidden => None,
        };
        TableSchema {
            table: self.id,
            version: self.schema_version,
            key: self.key_kind(),
            key_column,
            columns: self
                .as_stored()
                .columns
                .iter()
                .map(|c| ColumnSchema {
                    id: c.id,
                    name: c.name.clone(),
                    data_type: c.sql_type.stored(),
                    nullable: c.nullable,
                    default: c.origin_default.clone(),
                })
                .collect(),
        }
    }
}
