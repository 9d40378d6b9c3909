//! An import from its lock to its end.

use std::sync::Arc;
use std::time::Duration;

use deltatree_learner::LeaderGroup;
use deltatree_learner::catalog::{self, TableInfo, import_key};
use deltatree_learner::codec::row_range;
use deltatree_learner::table_write::KeyOp;
use deltatree_storage::types::{KeyRange, TableId};
use tokio::task::JoinHandle;

use super::convert::{ColumnSource, Converter};
use super::job::{self, ImportJob, Status, now_ms};
use super::pipeline::{self, Source};
use super::registry::RunningImport;
use crate::error::{Result, SqlError};
use crate::node::Node;
use crate::session::schema_change_failed;
use crate::statement::{RowCheck, change_definitions};
use crate::types::SessionZone;

/// What to import, and by which rules.
pub(crate) struct ImportTask {
    /// The table, as the statement found it.
    pub(crate) target: Arc<TableInfo>,
    /// The path as it was given.
    pub(crate) path: String,
    /// What it means.
    pub(crate) source: Source,
    /// Size of all files.
    pub(crate) source_bytes: u64,
    /// Where columns come from, by position.
    pub(crate) columns: Vec<ColumnSource>,
    /// `CHECK` constraints.
    pub(crate) checks: Vec<RowCheck>,
    /// Whether what does not fit is an error.
    pub(crate) strict: bool,
    /// The session's.
    pub(crate) zone: SessionZone,
    /// Threads that read.
    pub(crate) threads: usize,
    /// `user@host`.
    pub(crate) created_by: String,
}

/// An import that has begun.
pub(crate) struct Started {
    /// Its number.
    pub(crate) id: u64,
    /// To look at it and to end it.
    pub(crate) import: Arc<RunningImport>,
    /// Its record when it has ended, or why it failed.
    pub(crate) done: JoinHandle<Result<ImportJob>>,
}

/// Pause between two signs of life.
const BEAT: Duration = Duration::from_secs(2);
/// Records kept of imports that have ended.
const RECORDS_KEPT: usize = 1000;

/// Locks the table and begins. The import goes on by itself until it has ended or is cancelled, and then
/// leaves either all rows in the table or none. Fails with 8258 if the table is being imported into.
pub(crate) async fn start(node: &Arc<Node>, task: ImportTask) -> Result<Started> {
    let group = node.group();
    let beat = group.timestamp().await?.0;
    let known = job::list(group).await?;
    let ended: Vec<_> = known.iter().filter(|job| job.status != Status::Running).collect();
    let old = ended.iter().take(ended.len().saturating_sub(RECORDS_KEPT - 1));
    let forgotten: Vec<_> = old.map(|job| KeyOp::Delete { key: import_key(job.id) }).collect();
    let target = &task.target;
    let (staging, record) = change_definitions(group, |definitions| {
        let current = definitions.table_by_id(target.id).filter(|t| t.schema_version == target.schema_version);
        if current.is_none() {
            return Err(SqlError::schema_changed());
        }
        let (staging, mut ops) = catalog::begin_import(definitions, target.id).map_err(schema_change_failed)?;
        let record = ImportJob {
            id: staging.id.0,
            source: task.path.clone(),
            target: format!("`{}`.`{}`", target.database, target.name),
            table_id: target.id.0,
            phase: "validating".into(),
            status: Status::Running,
            source_bytes: task.source_bytes,
            rows: 0,
            message: String::new(),
            started_ms: now_ms(),
            ended_ms: None,
            created_by: task.created_by.clone(),
            beat,
            cancel: false,
        };
        ops.push(record.put());
        ops.extend(forgotten.iter().cloned());
        Ok(((staging, record), ops))
    })
    .await?;
    let id = record.id;
    let import = node.imports().add(id);
    import.enter("validating");
    let (node, shared) = (node.clone(), import.clone());
    let runtime = node.runtimes().analytics().clone();
    let done = runtime.spawn(async move {
        let ended = run(&node, task, staging, record, &shared).await;
        node.imports().remove(id);
        ended
    });
    Ok(Started { id, import, done })
}

async fn run(
    node: &Arc<Node>,
    task: ImportTask,
    staging: TableInfo,
    record: ImportJob,
    import: &Arc<RunningImport>,
) -> Result<ImportJob> {
    let group = node.group();
    let id = staging.id;
    let filled = {
        let fill = fill(node, task, staging, import);
        let beats = beat(group, record.id, import);
        tokio::select! {
            filled = fill => filled,
            never = beats => match never {},
        }
    };
    let filled = filled.and_then(|rows| import.check().map(|()| rows));
    let record = ImportJob { rows: import.rows(), phase: import.phase().into(), ..record };
    let failed = match filled {
        Ok(rows) => match publish(group, id, &ImportJob { rows, ..record.clone() }).await {
            Ok(ended) => return Ok(ended),
            Err(e) => e,
        },
        Err(e) => e,
    };
    let (status, message) = if import.is_cancelled() {
        (Status::Cancelled, "cancelled by user".to_owned())
    } else {
        (Status::Failed, failed.message.clone())
    };
    if let Err(e) = abandon(group, id, &record.ended(status, message)).await {
        tracing::error!(job = id.0, error = %e, "an import could not be undone, its table stays locked");
    }
    Err(failed)
}

async fn fill(node: &Arc<Node>, task: ImportTask, staging: TableInfo, import: &Arc<RunningImport>) -> Result<u64> {
    let group = node.group();
    expect_empty(group, &task.target).await?;
    let ts = group.timestamp().await?;
    let converter = Arc::new(Converter {
        table: Arc::new(staging),
        sources: task.columns,
        checks: task.checks,
        strict: task.strict,
        zone: task.zone,
        group: group.clone(),
        runtime: node.runtimes().analytics().clone(),
        largest_given: parking_lot::Mutex::default(),
        import: import.clone(),
    });
    let rows = pipeline::fill(&task.source, &converter, ts, task.threads, node.import_dir()).await?;
    import.enter("replicating");
    group.seal(converter.table.id, ts).await?;
    let largest = *converter.largest_given.lock();
    if let Some(largest) = largest {
        group.allocate_ids(converter.table.id, 0, Some(largest.saturating_add(1))).await?;
    }
    Ok(rows)
}

/// Fails with 8173, as TiDB does, if the table has a row. Nobody else can write one any more.
async fn expect_empty(group: &LeaderGroup, table: &Arc<TableInfo>) -> Result<()> {
    let ts = group.timestamp().await?;
    let (reader, id) = (group.reader(), table.id);
    let first = tokio::task::spawn_blocking(move || {
        let (start, end) = row_range(id, &KeyRange::ALL);
        reader.scan(start, end, ts, false).next().transpose()
    });
    let first = first.await.map_err(|e| SqlError::internal(format!("a step of the import has ended: {e}")))??;
    match first {
        None => Ok(()),
        Some(_) => Err(SqlError::new(8173, "PreCheck failed: target table is not empty")),
    }
}

/// Says again and again that the import lives, and listens for requests to end it.
async fn beat(group: &LeaderGroup, id: u64, import: &RunningImport) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(BEAT).await;
        let said = async {
            let now = group.timestamp().await?.0;
            let (rows, phase) = (import.rows(), import.phase());
            job::update(group, id, |job| {
                (job.rows, job.beat) = (rows, now);
                phase.clone_into(&mut job.phase);
            })
            .await
        };
        match said.await {
            Ok(job) if job.cancel || job.status != Status::Running => import.cancel(),
            Ok(_) => {}
            Err(e) => tracing::warn!(job = id, error = %e, "an import cannot say that it lives"),
        }
    }
}

async fn publish(group: &LeaderGroup, staging: TableId, record: &ImportJob) -> Result<ImportJob> {
    let ended = record.ended(Status::Finished, "");
    let at = group.timestamp().await?;
    let old = change_definitions(group, |definitions| {
        let (old, mut ops) = catalog::publish_import(definitions, staging, at).map_err(schema_change_failed)?;
        ops.push(ended.put());
        Ok((old, ops))
    })
    .await?;
    drop_data(group, old).await;
    Ok(ended)
}

/// Gives the table back and removes what was written, if the import has not ended yet.
pub(super) async fn abandon(group: &LeaderGroup, staging: TableId, record: &ImportJob) -> Result<()> {
    change_definitions(group, |definitions| {
        let mut ops = catalog::abandon_import(definitions, staging).map_err(schema_change_failed)?;
        ops.push(record.put());
        Ok(((), ops))
    })
    .await?;
    group.drop_columns(staging)?;
    drop_data(group, staging).await;
    Ok(())
}

/// A failure only leaves space to be reclaimed.
async fn drop_data(group: &LeaderGroup, table: TableId) {
    if let Err(e) = group.drop_table_data(table).await {
        tracing::warn!(%table, error = %e, "cannot remove rows that nobody can see");
    }
}
