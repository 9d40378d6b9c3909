//! A change of a table that all its rows have to be worked on for, while others write.
//!
//! ```text
//!   none ──▶ begun ───────────────────────────────────────▶ in effect, or forgotten
//!            the definition has it, every writer knows it;
//!            meanwhile the rows from before are worked on,
//!            a batch at a time, each batch locked for as long
//! ```
//!
//! A transaction that wrote by the definition before *begun* cannot commit after it, so from that moment on each row
//! that is written is as the new definition wants it. The rows from before are read under their locks: nobody changes
//! a row between the moment at which it is read and the one at which what follows from it is there. This is F1's
//! protocol (Rae and others, VLDB 2013) with one state fewer, since here no two definitions are in use at a time.
//!
//! Whoever changes a table holds a lock of its own until done ([`super::row_batches::Alone`]). If it dies, the lock
//! goes with it, and [`super::unfinished`] forgets what nobody works on any more.

use deltatree_learner::LeaderGroup;
use deltatree_learner::catalog::TableInfo;
use deltatree_storage::types::Timestamp;

use super::row_batches::{BatchWork, RowBatches};
use super::schema_change::{change_definitions, change_table};
use crate::error::{Result, SqlError};
use crate::session::StopOnDrop;

/// A change that has begun.
pub(super) trait OnlineChange: BatchWork + Send + 'static {
    /// The rows to be worked on.
    fn rows(&self) -> &RowBatches;

    /// Puts it into effect: all rows are as it wants them for whoever reads at `ready` or later. Fails with 8028 if
    /// the table does not have it any more: somebody took it for given up, since the lock was lost with its leader.
    fn finish(&self, table: &mut TableInfo, ready: Timestamp) -> Result<()>;

    /// Makes the table's definition what it was before, if that is not done yet.
    fn forget(&self, table: &mut TableInfo);
}

/// Begins a change: `change` puts it into the table's definition, as all writers should know it. Returns that
/// definition.
pub(super) async fn begin<T>(
    group: &LeaderGroup,
    table: &TableInfo,
    change: impl Fn(&mut TableInfo) -> Result<T>,
) -> Result<(TableInfo, T)> {
    change_definitions(group, |definitions| {
        change_table(definitions, table.id, &table.name, |table| {
            // Nobody else changes the table: what is left there was given up.
            table.forget_unfinished();
            change(table)
        })
    })
    .await
}

/// Works on all rows, and puts the change into effect or forgets it. If this is dropped, as that of a statement that is
/// killed, it is forgotten all the same.
pub(super) async fn complete(change: impl OnlineChange) -> Result<()> {
    let _stop = StopOnDrop(change.rows().cancel.clone());
    let ended = tokio::spawn(async move { work(&change).await }).await;
    ended.map_err(|_| SqlError::internal("a change of all rows of a table ended without an outcome"))?
}

async fn work(change: &impl OnlineChange) -> Result<()> {
    let rows = change.rows();
    let done = match rows.run(change).await {
        Ok(()) => rows.group.timestamp().await.map_err(SqlError::from),
        Err(e) => Err(e),
    };
    let ended = change_definitions(&rows.group, |definitions| {
        change_table(definitions, rows.table.id, &rows.table.name, |table| match done {
            Ok(ready) => change.finish(table, ready),
            Err(_) => {
                change.forget(table);
                Ok(())
            }
        })
    });
    match (&done, ended.await) {
        (Ok(_), ended) => ended.map(drop),
        (Err(e), Ok(_)) => Err(e.clone()),
        (Err(e), Err(undo)) => {
            tracing::warn!(table = %rows.table.name, error = %undo, "a change that failed stays in the table's definition until it is forgotten");
            Err(e.clone())
        }
    }
}
