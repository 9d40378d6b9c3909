//! Imports whose process has died.

use std::sync::Arc;

use deltatree_learner::LeaderGroup;
use deltatree_storage::types::TableId;

use super::job::{self, ImportJob, Status, silent_ms};
use super::run::abandon;
use crate::error::Result;
use crate::node::Node;

/// An import that has said nothing for so long has no process any more. Signs of life come every two seconds,
/// and a leader is found within twenty.
const SILENT_MS: u64 = 40_000;

/// Undoes all imports: for a process that holds the whole group and has just begun.
pub(crate) async fn abandon_all(group: &LeaderGroup) -> Result<()> {
    for staging in locked(group) {
        let record = job::find(group, staging.0).await?;
        give_up(group, staging, &record).await?;
    }
    Ok(())
}

/// Undoes imports of other processes that have died.
pub(crate) async fn end_orphans(node: &Arc<Node>) -> Result<()> {
    let group = node.group();
    group.learn_definitions().await?;
    for staging in locked(group).into_iter().filter(|staging| node.imports().get(staging.0).is_none()) {
        let record = job::find(group, staging.0).await?;
        if silent_ms(record.beat, group.timestamp().await?) > SILENT_MS {
            give_up(group, staging, &record).await?;
        }
    }
    Ok(())
}

fn locked(group: &LeaderGroup) -> Vec<TableId> {
    group.catalog().tables().filter_map(|table| table.import).map(|lock| lock.staging).collect()
}

async fn give_up(group: &LeaderGroup, staging: TableId, record: &ImportJob) -> Result<()> {
    tracing::info!(job = staging.0, table = record.target, "undoing an import whose process has ended");
    let ended = record.ended(Status::Failed, "the server that imported has ended");
    abandon(group, staging, &ended).await
}
