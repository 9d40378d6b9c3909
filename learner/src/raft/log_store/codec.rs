//! Bytes of log entries and of Raft's own state.

use openraft::{AnyError, StorageIOError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::raft::StorageError;

/// Encodes. Fails only if the value cannot be written down, which is a bug.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StorageError> {
    postcard::to_allocvec(value).map_err(|e| StorageIOError::write_logs(AnyError::new(&e)).into())
}

/// Like [`encode`], appending to `buffer`.
pub(super) fn encode_into<T: Serialize>(value: &T, buffer: Vec<u8>) -> Result<Vec<u8>, StorageError> {
    postcard::to_extend(value, buffer).map_err(|e| StorageIOError::write_logs(AnyError::new(&e)).into())
}

/// Decodes what [`encode`] wrote.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StorageError> {
    postcard::from_bytes(bytes).map_err(|e| StorageIOError::read_logs(AnyError::new(&e)).into())
}

pub(super) fn read_error(e: impl std::error::Error + 'static) -> StorageError {
    StorageIOError::read_logs(AnyError::new(&e)).into()
}

pub(super) fn write_error(e: impl std::error::Error + 'static) -> StorageError {
    StorageIOError::write_logs(AnyError::new(&e)).into()
}
