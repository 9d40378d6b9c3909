//! Why a committed entry could not be applied.

use deltatree_storage::error::ErrorKind;
use deltatree_storage::types::TableId;

use crate::catalog::CatalogError;
use crate::codec::CodecError;

/// An error of apply. None of them is the fault of the transaction: the entry is committed, and this
/// replica cannot show it. A replica that meets one stops applying and says so.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A mutation is damaged.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A definition is damaged.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The engine refused. A `Corrupt` one is mended by [`super::ColumnarApplier::rebuild`].
    #[error("table {table}: {source}")]
    Storage {
        /// The table.
        table: TableId,
        /// Why.
        source: deltatree_storage::error::Error,
    },
    /// The row store could not be read for a rebuild.
    #[error("cannot read the row store: {0}")]
    RowSource(String),
    /// The row store does not hold any more what a rebuild has to start from.
    #[error("the row store has no versions as of timestamp {ts} any more: its safe point is {safe_point}")]
    RowsGone {
        /// Asked for.
        ts: u64,
        /// The oldest that can be read.
        safe_point: u64,
    },
}

impl ApplyError {
    /// Of a row store that could not be read.
    pub(crate) fn of_rows(e: crate::Error) -> Self {
        match e {
            crate::Error::SnapshotTooOld { ts, safe_point } => Self::RowsGone { ts, safe_point },
            other => Self::RowSource(other.to_string()),
        }
    }
}

impl From<ApplyError> for crate::Error {
    fn from(e: ApplyError) -> Self {
        match e {
            ApplyError::Storage { table, source } => match source.kind() {
                ErrorKind::Io => {
                    Self::Io { action: "apply to the columnar engine", reason: format!("table {table}: {source}") }
                }
                ErrorKind::Corrupt => {
                    Self::Corrupt { what: "columnar table", reason: format!("table {table}: {source}") }
                }
                ErrorKind::Invalid
                | ErrorKind::Cancelled
                | ErrorKind::Locked
                | ErrorKind::Outdated
                | ErrorKind::Internal => Self::Internal(format!("cannot apply to columnar table {table}: {source}")),
            },
            ApplyError::Codec(e) => Self::Corrupt { what: "log entry", reason: e.to_string() },
            ApplyError::Catalog(e) => Self::Corrupt { what: "definition in the log", reason: e.to_string() },
            ApplyError::RowsGone { ts, safe_point } => Self::SnapshotTooOld { ts, safe_point },
            ApplyError::RowSource(reason) => Self::Io { action: "build a columnar table from the row store", reason },
        }
    }
}
