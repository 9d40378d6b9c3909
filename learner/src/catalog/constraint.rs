//! Constraints besides keys.

use deltatree_storage::types::ColumnId;
use serde::{Deserialize, Serialize};

/// A foreign key, as declared. It is shown to whoever asks, and not enforced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKeyInfo {
    /// Name, given or made up.
    pub name: String,
    /// The referencing columns, in key order.
    pub columns: Vec<ColumnId>,
    /// Database of the table referenced.
    pub referenced_database: String,
    /// The table referenced. It need not exist.
    pub referenced_table: String,
    /// Its columns, in key order.
    pub referenced_columns: Vec<String>,
    /// `ON DELETE`: `CASCADE`, `SET NULL`, …; empty if not given.
    pub on_delete: String,
    /// `ON UPDATE`, likewise.
    pub on_update: String,
}

/// A `CHECK` constraint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckInfo {
    /// Name, given or made up.
    pub name: String,
    /// The condition, as SQL.
    pub condition: String,
    /// False for `NOT ENFORCED`.
    pub enforced: bool,
}
