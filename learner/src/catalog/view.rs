//! A view.

use serde::{Deserialize, Serialize};

use super::ColumnInfo;

/// A query under a name. It shares its database's names with the tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewInfo {
    /// Identity, never reused; of one sequence with tables and databases.
    pub id: u64,
    /// Its database.
    pub database_id: u64,
    /// The database's name.
    pub database: String,
    /// As the user wrote it; looked up without regard to case.
    pub name: String,
    /// The query, as the user wrote it.
    pub definition: String,
    /// Where the query's names without a database are looked up: the current database of whoever
    /// declared the view. Empty if there was none.
    pub current_database: String,
    /// Names and types as of the declaration.
    pub columns: Vec<ColumnInfo>,
    /// Whether the declaration listed the columns' names, so that they are not the query's own.
    pub columns_listed: bool,
    /// `user@host` of whoever declared it.
    pub definer: String,
    /// `SQL SECURITY INVOKER`: whoever reads the view needs rights on what it reads.
    pub invoker_rights: bool,
    /// `WITH CHECK OPTION`: `NONE`, `LOCAL` or `CASCADED`.
    pub check_option: String,
}

impl ViewInfo {
    /// [`ViewInfo::current_database`], if there was one.
    pub fn lookup_database(&self) -> Option<&str> {
        (!self.current_database.is_empty()).then_some(self.current_database.as_str())
    }
}
