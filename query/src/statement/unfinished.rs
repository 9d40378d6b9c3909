//! What a schema change in steps has left when its process died, or its statement was killed before it could undo what it
//! began: an index that nobody fills, a column that nobody converts. Writers would maintain them for ever, and fail where
//! a value does not fit the column's new type.
//!
//! Who works on a table's definition holds a lock ([`Alone`]) which goes with its process. So whatever is unfinished
//! while the lock can be had was given up.

use std::sync::Arc;
use std::time::Duration;

use deltatree_learner::LeaderGroup;
use deltatree_learner::catalog::TableInfo;
use deltatree_storage::types::TableId;

use super::row_batches::Alone;
use super::schema_change::{change_definitions, change_table};
use crate::error::Result;
use crate::node::Node;

/// How long to wait for the lock of a table that somebody may be working on.
const PATIENCE: Duration = Duration::from_millis(10);

/// Forgets what is unfinished: for a process that holds the whole group and has just begun.
pub(crate) async fn forget_all(group: &LeaderGroup) -> Result<()> {
    for table in unfinished(group) {
        forget(group, table).await?;
    }
    Ok(())
}

/// Forgets what others have left.
pub(crate) async fn forget_unfinished(node: &Arc<Node>) -> Result<()> {
    let group = node.group();
    group.learn_definitions().await?;
    for table in unfinished(group) {
        // If it is held, somebody works on it.
        if let Ok(_alone) = Alone::wait(group, table, PATIENCE).await {
            forget(group, table).await?;
        }
    }
    Ok(())
}

fn unfinished(group: &LeaderGroup) -> Vec<TableId> {
    let catalog = group.catalog();
    catalog.tables().filter(|table| is_unfinished(table)).map(|table| table.id).collect()
}

fn is_unfinished(table: &TableInfo) -> bool {
    !table.filling.is_empty() || table.converting.is_some()
}

async fn forget(group: &LeaderGroup, table: TableId) -> Result<()> {
    change_definitions(group, |definitions| {
        let Some(table) = definitions.table_by_id(table).filter(|table| is_unfinished(table)) else {
            // Finished or dropped in the meantime.
            return Ok(((), Vec::new()));
        };
        let ((table, _), ops) =
            change_table(definitions, table.id, &table.name, |table| Ok(table.forget_unfinished()))?;
        tracing::info!(table = %table.name, "forgetting a schema change that was given up");
        Ok(((), ops))
    })
    .await
}
