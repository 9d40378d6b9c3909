//! Errors of the leader group, the columnar engine and Arrow, in MySQL's (and TiDB's) terms.

use deltatree_learner::Error as GroupError;
use deltatree_learner::codec::CodecError;
use deltatree_storage::error::{Error as StorageError, ErrorKind};

use super::SqlError;

impl From<StorageError> for SqlError {
    fn from(e: StorageError) -> Self {
        Self::from_columnar(&e)
    }
}

impl SqlError {
    fn from_columnar(e: &StorageError) -> Self {
        match e.kind() {
            ErrorKind::Cancelled => Self::interrupted(),
            ErrorKind::Invalid
            | ErrorKind::Corrupt
            | ErrorKind::Io
            | ErrorKind::Locked
            | ErrorKind::Outdated
            | ErrorKind::Internal => Self::internal(e.to_string()),
        }
    }
}

/// A duplicate key is shown in its encoded form here: the session knows the table and words it better.
impl From<GroupError> for SqlError {
    fn from(e: GroupError) -> Self {
        match e {
            GroupError::DuplicateKey { .. } => Self::new(1062, format!("Duplicate entry: {e}")),
            GroupError::WriteConflict { .. } => Self::write_conflict(e),
            GroupError::LockWaitTimeout { .. } => Self::lock_wait_timeout(),
            GroupError::Deadlock { .. } => Self::deadlock(),
            GroupError::SchemaChanged { .. } => Self::schema_changed(),
            GroupError::TxnTooLarge { .. } => Self::new(8004, e.to_string()),
            GroupError::NotLeader { .. } | GroupError::NoLeader { .. } => Self::new(9005, e.to_string()),
            // The client must look before it repeats anything: TiDB's "result undetermined".
            GroupError::OutcomeUnknown(_) => Self::new(8501, e.to_string()),
            GroupError::Timeout { .. } => Self::columnar_timeout(e),
            GroupError::Closed => Self::new(1053, "Server shutdown in progress"),
            GroupError::SnapshotTooOld { .. } => Self::new(9006, e.to_string()),
            GroupError::DiskFull { .. } => Self::new(1021, e.to_string()),
            GroupError::Invalid(_)
            | GroupError::NoColumnarReplica
            | GroupError::Locked(_)
            | GroupError::Io { .. }
            | GroupError::Corrupt { .. }
            | GroupError::Internal(_) => Self::internal(e.to_string()),
            GroupError::Columnar(inner) => Self::from_columnar(&inner),
        }
    }
}

/// Bytes of the row store that do not read as a row.
impl From<CodecError> for SqlError {
    fn from(e: CodecError) -> Self {
        Self::internal(e.to_string())
    }
}

impl From<arrow::error::ArrowError> for SqlError {
    fn from(e: arrow::error::ArrowError) -> Self {
        match e {
            arrow::error::ArrowError::ExternalError(inner) => match inner.downcast::<SqlError>() {
                Ok(e) => *e,
                Err(inner) => Self::internal(inner.to_string()),
            },
            arrow::error::ArrowError::DivideByZero => Self::division_by_zero(),
            arrow::error::ArrowError::ArithmeticOverflow(what) => {
                Self::new(1690, format!("value is out of range: {what}"))
            }
            other => Self::internal(other.to_string()),
        }
    }
}
