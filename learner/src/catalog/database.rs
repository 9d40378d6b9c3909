//! A database (MySQL's word for a schema).

use serde::{Deserialize, Serialize};

/// A named collection of tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseInfo {
    /// Identity, never reused.
    pub id: u64,
    /// As the user wrote it; looked up without regard to case.
    pub name: String,
}
