//! An import's record. It lies in the row store under a key of its own, so that every front end can show the
//! import and ask for its end, and so that it is still there when the process that ran it is not.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use deltatree_learner::catalog::{import_key, import_range};
use deltatree_learner::table_write::KeyOp;
use deltatree_learner::{LeaderGroup, TxnOptions};
use deltatree_storage::types::Timestamp;
use serde_json::{Value, json};

use crate::error::{Result, SqlError};

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Rows are being read.
    Running,
    /// All rows are in the table.
    Finished,
    /// Something was wrong; the table is as before.
    Failed,
    /// Somebody ended it; the table is as before.
    Cancelled,
}

impl Status {
    const ALL: [Self; 4] = [Self::Running, Self::Finished, Self::Failed, Self::Cancelled];

    /// As `SHOW IMPORT JOBS` shows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What is known of an import.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ImportJob {
    /// Its number: the id of the hidden table.
    pub(crate) id: u64,
    /// The path as it was given.
    pub(crate) source: String,
    /// `` `database`.`table` ``.
    pub(crate) target: String,
    /// Id of the table when it began.
    pub(crate) table_id: u64,
    /// Where it is in its work.
    pub(crate) phase: String,
    /// How it stands.
    pub(crate) status: Status,
    /// Size of all files.
    pub(crate) source_bytes: u64,
    /// Rows read so far.
    pub(crate) rows: u64,
    /// What went wrong.
    pub(crate) message: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) started_ms: u64,
    /// The same, once it has ended.
    pub(crate) ended_ms: Option<u64>,
    /// `user@host`.
    pub(crate) created_by: String,
    /// A timestamp of when its process was last known to be alive.
    pub(crate) beat: u64,
    /// Somebody asks for its end.
    pub(crate) cancel: bool,
}

impl ImportJob {
    /// The record as an operation of a transaction.
    pub(crate) fn put(&self) -> KeyOp {
        let Self { id, source, target, table_id, phase, status, source_bytes, rows, message, .. } = self;
        let value = json!({
            "source": source, "target": target, "table_id": table_id, "phase": phase, "status": status.name(),
            "source_bytes": source_bytes, "rows": rows, "message": message, "started_ms": self.started_ms,
            "ended_ms": self.ended_ms, "created_by": self.created_by, "beat": self.beat, "cancel": self.cancel,
        });
        KeyOp::Put { key: import_key(*id), value: Bytes::from(value.to_string()) }
    }

    fn read(key: &[u8], value: &[u8]) -> Result<Self> {
        let damaged = || SqlError::internal("the record of an import is damaged");
        let id = key.last_chunk::<8>().map(|id| u64::from_be_bytes(*id)).ok_or_else(damaged)?;
        let value: Value = serde_json::from_slice(value).map_err(|_| damaged())?;
        let text = |name: &str| value[name].as_str().map(str::to_owned).ok_or_else(damaged);
        let number = |name: &str| value[name].as_u64().ok_or_else(damaged);
        let status = text("status")?;
        Ok(Self {
            id,
            source: text("source")?,
            target: text("target")?,
            table_id: number("table_id")?,
            phase: text("phase")?,
            status: Status::ALL.into_iter().find(|s| s.name() == status).ok_or_else(damaged)?,
            source_bytes: number("source_bytes")?,
            rows: number("rows")?,
            message: text("message")?,
            started_ms: number("started_ms")?,
            ended_ms: value["ended_ms"].as_u64(),
            created_by: text("created_by")?,
            beat: number("beat")?,
            cancel: value["cancel"].as_bool().ok_or_else(damaged)?,
        })
    }

    /// The record as it ends, with a status and a message.
    pub(crate) fn ended(&self, status: Status, message: impl Into<String>) -> Self {
        let phase = if status == Status::Finished { String::new() } else { self.phase.clone() };
        Self { status, phase, message: message.into(), ended_ms: Some(now_ms()), ..self.clone() }
    }
}

/// Milliseconds since 1970-01-01 UTC.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64)
}

/// One import's record. Fails with 8170, as TiDB does, if there is none.
pub(crate) async fn find(group: &LeaderGroup, id: u64) -> Result<ImportJob> {
    let transaction = group.begin(TxnOptions::optimistic()).await?;
    let key = import_key(id);
    let value = transaction.get(&key)?.ok_or_else(|| SqlError::new(8170, format!("Job ID {id} doesn't exist")))?;
    ImportJob::read(&key, &value)
}

/// The records of all imports, by number.
pub(crate) async fn list(group: &LeaderGroup) -> Result<Vec<ImportJob>> {
    let transaction = group.begin(TxnOptions::optimistic()).await?;
    let (start, end) = import_range();
    let mut jobs = Vec::new();
    for row in transaction.scan(start, end, false) {
        let row = row?;
        jobs.push(ImportJob::read(row.key(), row.value())?);
    }
    Ok(jobs)
}

/// Changes the record of a running import. Returns it as it is now; does nothing if the import has ended.
pub(crate) async fn update(group: &LeaderGroup, id: u64, change: impl Fn(&mut ImportJob)) -> Result<ImportJob> {
    const ATTEMPTS: usize = 5;
    let mut attempt = 1;
    loop {
        let mut transaction = group.begin(TxnOptions::optimistic()).await?;
        let key = import_key(id);
        let value = transaction.get(&key)?.ok_or_else(|| SqlError::new(8170, format!("Job ID {id} doesn't exist")))?;
        let mut job = ImportJob::read(&key, &value)?;
        if job.status != Status::Running {
            return Ok(job);
        }
        change(&mut job);
        transaction.write(job.put())?;
        match transaction.commit().await {
            Ok(_) => return Ok(job),
            Err(e) if e.kind() == deltatree_learner::ErrorKind::WriteConflict && attempt < ATTEMPTS => attempt += 1,
            Err(e) => return Err(e.into()),
        }
    }
}

/// Milliseconds between two timestamps of the group.
pub(crate) fn silent_ms(beat: u64, now: Timestamp) -> u64 {
    const LOGICAL_BITS: u32 = 18;
    (now.0 >> LOGICAL_BITS).saturating_sub(beat >> LOGICAL_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let job = ImportJob {
            id: 77,
            source: "/tmp/'x'*.csv".into(),
            target: "`d`.`t`".into(),
            table_id: 5,
            phase: "importing".into(),
            status: Status::Running,
            source_bytes: 10,
            rows: 3,
            message: String::new(),
            started_ms: 1,
            ended_ms: None,
            created_by: "root@%".into(),
            beat: u64::MAX,
            cancel: true,
        };
        for job in [job.ended(Status::Failed, "why"), job] {
            let KeyOp::Put { key, value } = job.put() else { panic!() };
            assert_eq!(ImportJob::read(&key, &value).unwrap(), job);
        }
        assert!(ImportJob::read(b"x", b"{}").is_err());
    }
}
