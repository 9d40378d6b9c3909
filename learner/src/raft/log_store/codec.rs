//! Bytes of log entries and of Raft's own state, and errors of the log as Raft wants them.

use openraft::{AnyError, StorageIOError};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::raft::StorageError;

/// Encodes, appending to `buffer`. Fails only if the value cannot be written down, which is a bug.
pub(super) fn encode_into<T: Serialize>(value: &T, buffer: Vec<u8>) -> Result<Vec<u8>> {
    postcard::to_extend(value, buffer).map_err(|e| Error::Internal(format!("the log cannot hold this: {e}")))
}

pub(super) fn read_error(e: Error) -> StorageError {
    StorageIOError::read_logs(AnyError::new(&e)).into()
}

pub(super) fn write_error(e: Error) -> StorageError {
    StorageIOError::write_logs(AnyError::new(&e)).into()
}
