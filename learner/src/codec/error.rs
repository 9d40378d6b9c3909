//! What can be wrong with bytes.

/// Result of decoding.
pub type Result<T, E = CodecError> = std::result::Result<T, E>;

/// Bytes that are no key, row or definition, or a value that does not fit its column: one
/// lower-case sentence that says what was expected and what was found.
///
/// From bytes of the row store it means damage (rebuild the replica); from a value it is a fault of
/// the caller, who has to convert values to the column's physical form first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(pub String);

impl CodecError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}
