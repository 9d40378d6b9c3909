//! Errors of the leader, or of a columnar replica, on their way to a front end.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tonic::{Code, Status};

use crate::error::{Error, ErrorKind};

/// What is answered instead of what was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Failure {
    /// Nothing happened here: ask the voter at this address, if one is named.
    NotLeader {
        address: Option<String>,
    },
    Invalid(String),
    DuplicateKey {
        key: Bytes,
    },
    WriteConflict {
        key: Bytes,
        start_ts: u64,
    },
    LockWaitTimeout {
        key: Bytes,
    },
    Deadlock {
        key: Bytes,
    },
    SchemaChanged {
        table: u64,
        planned: u64,
    },
    TxnTooLarge {
        bytes: u64,
        limit: u64,
    },
    OutcomeUnknown(String),
    Timeout {
        what: String,
        waited_ms: u64,
    },
    SnapshotTooOld {
        ts: u64,
        safe_point: u64,
    },
    DiskFull {
        dir: String,
        free_bytes: u64,
        reserve_bytes: u64,
    },
    Io(String),
    Corrupt(String),
    Internal(String),
}

impl Failure {
    /// `leader` is the address of the voter that leads, if this one does not.
    pub(crate) fn of(e: Error, leader: Option<String>) -> Self {
        match e {
            // A voter that stops has a successor soon.
            Error::NotLeader { .. } | Error::NoLeader { .. } | Error::Closed => Self::NotLeader { address: leader },
            Error::Invalid(text) => Self::Invalid(text),
            Error::DuplicateKey { key } => Self::DuplicateKey { key },
            Error::WriteConflict { key, start_ts } => Self::WriteConflict { key, start_ts },
            Error::LockWaitTimeout { key } => Self::LockWaitTimeout { key },
            Error::Deadlock { key } => Self::Deadlock { key },
            Error::SchemaChanged { table, planned } => Self::SchemaChanged { table, planned },
            Error::TxnTooLarge { bytes, limit } => Self::TxnTooLarge { bytes, limit },
            Error::OutcomeUnknown(text) => Self::OutcomeUnknown(text),
            Error::Timeout { what, waited_ms } => Self::Timeout { what, waited_ms },
            Error::SnapshotTooOld { ts, safe_point } => Self::SnapshotTooOld { ts, safe_point },
            Error::DiskFull { dir, free_bytes, reserve_bytes } => {
                Self::DiskFull { dir: dir.display().to_string(), free_bytes, reserve_bytes }
            }
            Error::Io { .. } => Self::Io(e.to_string()),
            Error::Corrupt { .. } => Self::Corrupt(e.to_string()),
            Error::Locked(_) | Error::Internal(_) | Error::NoColumnarReplica => Self::Internal(e.to_string()),
            Error::Columnar(ref inner) => match e.kind() {
                ErrorKind::Io => Self::Io(inner.to_string()),
                ErrorKind::Corrupt => Self::Corrupt(inner.to_string()),
                _ => Self::Internal(inner.to_string()),
            },
        }
    }

    /// For the wire.
    pub(crate) fn into_status(self) -> Status {
        match postcard::to_allocvec(&self) {
            Ok(details) => Status::with_details(Code::Aborted, format!("{self:?}"), details.into()),
            Err(e) => Status::internal(format!("cannot encode an error: {e}")),
        }
    }

    /// What was answered; `None` if the status is the transport's.
    pub(crate) fn read(status: &Status) -> Option<Self> {
        if status.details().is_empty() {
            return None;
        }
        postcard::from_bytes(status.details()).ok()
    }

    /// In this process's terms.
    pub(crate) fn into_error(self) -> Error {
        const ASK: &str = "serve a request in another process";
        match self {
            Self::NotLeader { .. } => Error::NotLeader { leader: None },
            Self::Invalid(text) => Error::Invalid(text),
            Self::DuplicateKey { key } => Error::DuplicateKey { key },
            Self::WriteConflict { key, start_ts } => Error::WriteConflict { key, start_ts },
            Self::LockWaitTimeout { key } => Error::LockWaitTimeout { key },
            Self::Deadlock { key } => Error::Deadlock { key },
            Self::SchemaChanged { table, planned } => Error::SchemaChanged { table, planned },
            Self::TxnTooLarge { bytes, limit } => Error::TxnTooLarge { bytes, limit },
            Self::OutcomeUnknown(text) => Error::OutcomeUnknown(text),
            Self::Timeout { what, waited_ms } => Error::Timeout { what, waited_ms },
            Self::SnapshotTooOld { ts, safe_point } => Error::SnapshotTooOld { ts, safe_point },
            Self::DiskFull { dir, free_bytes, reserve_bytes } => {
                Error::DiskFull { dir: dir.into(), free_bytes, reserve_bytes }
            }
            Self::Io(reason) => Error::Io { action: ASK, reason },
            Self::Corrupt(reason) => Error::Corrupt { what: "data of another process", reason },
            Self::Internal(text) => Error::Internal(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_kind_and_words_over_the_wire() {
        let key = Bytes::from_static(b"k");
        let errors = [
            Error::Invalid("text".into()),
            Error::DuplicateKey { key: key.clone() },
            Error::WriteConflict { key: key.clone(), start_ts: 7 },
            Error::LockWaitTimeout { key: key.clone() },
            Error::Deadlock { key },
            Error::SchemaChanged { table: 1, planned: 2 },
            Error::TxnTooLarge { bytes: 2, limit: 1 },
            Error::OutcomeUnknown("text".into()),
            Error::Timeout { what: "it".into(), waited_ms: 3 },
            Error::SnapshotTooOld { ts: 1, safe_point: 2 },
            Error::DiskFull { dir: "/d".into(), free_bytes: 1, reserve_bytes: 2 },
        ];
        for e in errors {
            let status = Failure::of(e.clone(), None).into_status();
            let there = Failure::read(&status).unwrap().into_error();
            assert_eq!((there.kind(), there.to_string()), (e.kind(), e.to_string()));
        }
    }

    #[test]
    fn a_voter_that_stops_sends_the_asker_on() {
        let failure = Failure::of(Error::Closed, Some("b:1".into()));
        assert_eq!(failure, Failure::NotLeader { address: Some("b:1".into()) });
        assert_eq!(Failure::read(&Status::unavailable("connection refused")), None);
    }
}
