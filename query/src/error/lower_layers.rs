//! Errors of the columnar engine and of Arrow, in MySQL's terms.

use deltatree_storage::error::{Error as StorageError, ErrorKind};

use super::SqlError;

impl From<StorageError> for SqlError {
    fn from(e: StorageError) -> Self {
        match e.kind() {
            ErrorKind::Cancelled => Self::interrupted(),
            ErrorKind::Invalid | ErrorKind::Corrupt | ErrorKind::Io | ErrorKind::Locked | ErrorKind::Internal => {
                Self::internal(e.to_string())
            }
        }
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
