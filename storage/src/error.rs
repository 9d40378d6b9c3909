//! What can go wrong, and what the caller can do about it.

use std::path::PathBuf;

/// Result of the engine's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller should do. One table in the server maps this to client error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request is wrong (unknown table, wrong column type): mend it.
    Invalid,
    /// Bytes on disk are not what was written: rebuild the named file's table from the row store.
    Corrupt,
    /// The disk or the operating system refused; nothing was lost, try again when it is mended.
    Io,
    /// The caller cancelled.
    Cancelled,
    /// The data directory belongs to another process, or to a newer format.
    Locked,
    /// The data directory was left by an older version: build it again from the row store.
    Outdated,
    /// A bug in the engine.
    Internal,
}

/// An error of the engine. `Display` is one lower-case sentence: what, where, what was expected.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// See [`ErrorKind::Invalid`].
    #[error("{0}")]
    Invalid(String),
    /// See [`ErrorKind::Corrupt`].
    #[error("damaged file {}{}: {reason}", path.display(), at(offset))]
    Corrupt {
        /// The damaged file.
        path: PathBuf,
        /// Where in it, in bytes, if known.
        offset: Option<u64>,
        /// What was expected and what was found.
        reason: String,
    },
    /// See [`ErrorKind::Io`].
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// A verb: "read", "write", "sync".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// See [`ErrorKind::Cancelled`].
    #[error("cancelled")]
    Cancelled,
    /// See [`ErrorKind::Locked`].
    #[error("{0}")]
    Locked(String),
    /// See [`ErrorKind::Outdated`].
    #[error("{0}")]
    Outdated(String),
    /// See [`ErrorKind::Internal`].
    #[error("internal error in the columnar engine: {0}")]
    Internal(String),
}

impl Error {
    /// What the caller should do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::Io { .. } => ErrorKind::Io,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Locked(_) => ErrorKind::Locked,
            Self::Outdated(_) => ErrorKind::Outdated,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// Damage at a place in a file.
    pub fn corrupt(path: impl Into<PathBuf>, offset: impl Into<Option<u64>>, reason: impl Into<String>) -> Self {
        Self::Corrupt { path: path.into(), offset: offset.into(), reason: reason.into() }
    }

    /// A closure for `map_err` on I/O results.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(e: arrow::error::ArrowError) -> Self {
        Self::Internal(e.to_string())
    }
}

fn at(offset: &Option<u64>) -> String {
    offset.map(|o| format!(" at byte {o}")).unwrap_or_default()
}
