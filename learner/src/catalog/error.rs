//! Why a schema cannot be read or changed.

/// An error of the catalog. `Display` is one lower-case sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// No database of that name (MySQL 1049).
    #[error("unknown database '{0}'")]
    UnknownDatabase(String),
    /// A database of that name exists (MySQL 1007).
    #[error("database '{0}' exists")]
    DatabaseExists(String),
    /// No table of that name or id (MySQL 1146).
    #[error("table '{0}' does not exist")]
    UnknownTable(String),
    /// A table of that name exists (MySQL 1050).
    #[error("table '{0}' already exists")]
    TableExists(String),
    /// The definition contradicts itself: mend the statement.
    #[error("{0}")]
    Invalid(String),
    /// An import fills the table, and nothing else may change it meanwhile (TiDB 8258).
    #[error("table '{0}' is being imported into")]
    Importing(String),
    /// A counter has reached its end (MySQL 1467).
    #[error("no more {0} can be handed out")]
    Exhausted(&'static str),
    /// Stored definitions are not what was written.
    #[error("damaged catalog: {0}")]
    Corrupt(String),
}
