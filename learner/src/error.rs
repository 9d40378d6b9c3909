//! What can go wrong in the leader group, and what the caller can do about it.

use std::path::PathBuf;

use bytes::Bytes;

/// Result of the group's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller should do. One table in the server maps this to client error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request is wrong: mend it.
    Invalid,
    /// A key that had to be new exists: tell the user (MySQL 1062).
    DuplicateKey,
    /// Another transaction changed a key first: the user may run the transaction again (MySQL 9007).
    WriteConflict,
    /// Another transaction held a lock for too long: the user may try again (MySQL 1205).
    LockWaitTimeout,
    /// Waiting would close a circle of transactions: roll back and run again (MySQL 1213).
    Deadlock,
    /// The table's definition changed since the statement was planned: plan again (MySQL 8028).
    SchemaChanged,
    /// The transaction holds more than it may: split it (MySQL 8004).
    TxnTooLarge,
    /// This process does not lead the group: ask the leader.
    NotLeader,
    /// Leadership or the process went away while the commit was under way. It may or may not have
    /// happened: look, do not repeat blindly.
    OutcomeUnknown,
    /// A bounded wait ended. Nothing happened: try again later.
    Timeout,
    /// The group is shutting down. Nothing happened.
    Closed,
    /// The versions asked for are older than the safe point: read at a newer timestamp.
    SnapshotTooOld,
    /// The data directory belongs to another process.
    Locked,
    /// The disk is nearly full. Nothing happened: free space and try again (MySQL 1021).
    DiskFull,
    /// The disk or the operating system refused. What was acknowledged is safe: mend the cause (a
    /// full disk, permissions) and restart.
    Io,
    /// Bytes on disk or on the wire are not what was written.
    Corrupt,
    /// A bug.
    Internal,
}

/// An error of the group. `Display` is one lower-case sentence, variables last.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// See [`ErrorKind::Invalid`].
    #[error("{0}")]
    Invalid(String),
    /// See [`ErrorKind::DuplicateKey`].
    #[error("key exists already: {}", hex(key))]
    DuplicateKey {
        /// The encoded key.
        key: Bytes,
    },
    /// See [`ErrorKind::WriteConflict`].
    #[error("write conflict: another transaction changed key {} after timestamp {start_ts}", hex(key))]
    WriteConflict {
        /// The encoded key.
        key: Bytes,
        /// What this transaction had read.
        start_ts: u64,
    },
    /// See [`ErrorKind::LockWaitTimeout`].
    #[error("lock wait timeout exceeded on key {}", hex(key))]
    LockWaitTimeout {
        /// The encoded key.
        key: Bytes,
    },
    /// See [`ErrorKind::Deadlock`].
    #[error("deadlock found when trying to get a lock on key {}", hex(key))]
    Deadlock {
        /// The encoded key.
        key: Bytes,
    },
    /// See [`ErrorKind::SchemaChanged`].
    #[error("the definition of table {table} changed since the statement was planned under version {planned}")]
    SchemaChanged {
        /// The table's id.
        table: u64,
        /// The version planned under.
        planned: u64,
    },
    /// See [`ErrorKind::TxnTooLarge`].
    #[error("transaction is too large: {bytes} bytes, limit {limit}")]
    TxnTooLarge {
        /// Bytes that it would hold.
        bytes: u64,
        /// Bytes that it may hold.
        limit: u64,
    },
    /// See [`ErrorKind::NotLeader`].
    #[error("this process does not lead the group; the leader is {}", leader.map_or("unknown".into(), |l| format!("node {l}")))]
    NotLeader {
        /// The leader's node id, if known.
        leader: Option<u64>,
    },
    /// No voter led, of those that a front end knows: ask again later.
    #[error("no leader of the group was found within {waited_ms} ms; asked {asked}; last: {last}")]
    NoLeader {
        /// Addresses of the voters known.
        asked: String,
        /// For how long.
        waited_ms: u64,
        /// What the last attempt came to.
        last: String,
    },
    /// There is no columnar replica, or none that answers, or it is not in this process and has to be.
    #[error("no columnar replica can do this")]
    NoColumnarReplica,
    /// See [`ErrorKind::OutcomeUnknown`].
    #[error("the outcome of the commit is unknown: {0}")]
    OutcomeUnknown(String),
    /// See [`ErrorKind::Timeout`].
    #[error("timed out after {waited_ms} ms waiting for {what}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// For how long.
        waited_ms: u64,
    },
    /// See [`ErrorKind::Closed`].
    #[error("the group is shut down")]
    Closed,
    /// See [`ErrorKind::SnapshotTooOld`].
    #[error("versions at timestamp {ts} are gone: the safe point is {safe_point}")]
    SnapshotTooOld {
        /// Asked for.
        ts: u64,
        /// The oldest that can be read.
        safe_point: u64,
    },
    /// See [`ErrorKind::Locked`].
    #[error("data directory is in use by another process: {}", .0.display())]
    Locked(PathBuf),
    /// See [`ErrorKind::DiskFull`].
    #[error(
        "disk full: {} MiB are free under {} and the last {} MiB are kept back; delete or drop something, or free space",
        free_bytes >> 20, dir.display(), reserve_bytes >> 20
    )]
    DiskFull {
        /// The data directory.
        dir: PathBuf,
        /// Bytes free.
        free_bytes: u64,
        /// Bytes that transactions do not get.
        reserve_bytes: u64,
    },
    /// See [`ErrorKind::Io`].
    #[error("cannot {action}: {reason}")]
    Io {
        /// A verb and its object: "append to the log".
        action: &'static str,
        /// What the operating system or the store said.
        reason: String,
    },
    /// See [`ErrorKind::Corrupt`].
    #[error("damaged {what}: {reason}")]
    Corrupt {
        /// What was read.
        what: &'static str,
        /// What was expected and what was found.
        reason: String,
    },
    /// See [`ErrorKind::Internal`].
    #[error("internal error in the leader group: {0}")]
    Internal(String),
    /// The columnar engine's error.
    #[error("{0}")]
    Columnar(std::sync::Arc<deltatree_storage::error::Error>),
}

impl Error {
    /// What the caller should do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) | Self::NoColumnarReplica => ErrorKind::Invalid,
            Self::DuplicateKey { .. } => ErrorKind::DuplicateKey,
            Self::WriteConflict { .. } => ErrorKind::WriteConflict,
            Self::LockWaitTimeout { .. } => ErrorKind::LockWaitTimeout,
            Self::Deadlock { .. } => ErrorKind::Deadlock,
            Self::SchemaChanged { .. } => ErrorKind::SchemaChanged,
            Self::TxnTooLarge { .. } => ErrorKind::TxnTooLarge,
            Self::NotLeader { .. } | Self::NoLeader { .. } => ErrorKind::NotLeader,
            Self::OutcomeUnknown(_) => ErrorKind::OutcomeUnknown,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Closed => ErrorKind::Closed,
            Self::SnapshotTooOld { .. } => ErrorKind::SnapshotTooOld,
            Self::Locked(_) => ErrorKind::Locked,
            Self::DiskFull { .. } => ErrorKind::DiskFull,
            Self::Io { .. } => ErrorKind::Io,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::Internal(_) => ErrorKind::Internal,
            Self::Columnar(e) => match e.kind() {
                deltatree_storage::error::ErrorKind::Invalid => ErrorKind::Invalid,
                deltatree_storage::error::ErrorKind::Corrupt => ErrorKind::Corrupt,
                deltatree_storage::error::ErrorKind::Io => ErrorKind::Io,
                deltatree_storage::error::ErrorKind::Cancelled => ErrorKind::Timeout,
                deltatree_storage::error::ErrorKind::Locked => ErrorKind::Locked,
                deltatree_storage::error::ErrorKind::Outdated => ErrorKind::Corrupt,
                deltatree_storage::error::ErrorKind::Internal => ErrorKind::Internal,
            },
        }
    }

    /// A closure for `map_err` on errors of the key-value store or the operating system.
    pub fn io<E: std::fmt::Display>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |e| Self::Io { action, reason: e.to_string() }
    }
}

impl From<deltatree_storage::error::Error> for Error {
    fn from(e: deltatree_storage::error::Error) -> Self {
        Self::Columnar(std::sync::Arc::new(e))
    }
}

/// Keys are binary; messages show the first bytes of them.
fn hex(key: &[u8]) -> String {
    const SHOWN: usize = 32;
    let mut out: String = key.iter().take(SHOWN).map(|b| format!("{b:02x}")).collect();
    if key.len() > SHOWN {
        out.push_str("..");
    }
    out
}
