//! `ANALYZE TABLE`, `ALTER TABLE … COMPACT`, and the statements that MySQL has for tables in disrepair.

use std::time::Duration;

use datafusion::sql::sqlparser::ast::ObjectName;
use deltatree_storage::api::CancelFlag;

use super::parse::name_parts;
use crate::error::{Result, SqlError};
use crate::session::{Session, StatementResult, StopOnDrop, TextTable};

const COLUMNS: [&str; 4] = ["Table", "Op", "Msg_type", "Msg_text"];

impl Session {
    /// `ANALYZE TABLE`: waits until the columnar replica, whose statistics are exact at any time, has every
    /// commit so far.
    pub(super) async fn analyze_tables(&mut self, names: &[ObjectName]) -> Result<StatementResult> {
        let mut report = TextTable::new(&COLUMNS);
        for name in names {
            let (database, name) = name_parts(name);
            let table = self.table(database, name)?;
            let done = self.catch_up().await;
            let label = format!("{}.{}", table.database, table.name);
            match done {
                Ok(()) => report.push_all([&label, "analyze", "status", "OK"]),
                Err(e) => report.push_all([&label, "analyze", "Error", &e.message]),
            }
        }
        report.into_result()
    }

    /// `ALTER TABLE … COMPACT`: merges the delta of the columnar replica, every commit so far included,
    /// into its packs. Work on whole segments is finished even if the statement is killed.
    pub(super) async fn compact_table(&mut self, name: &ObjectName) -> Result<StatementResult> {
        let (database, name) = name_parts(name);
        let table = self.table(database, name)?;
        if !table.columnar {
            let message = format!("compact skipped: no tiflash replica in the table {}.{}", table.database, table.name);
            self.note(SqlError::internal(message));
            return Ok(StatementResult::done());
        }
        self.catch_up().await?;
        let replica = self.node.group().columnar();
        let engine = replica.as_ref().and_then(|replica| replica.engine()).cloned();
        let engine = engine.ok_or(deltatree_learner::Error::NoColumnarReplica)?;
        let stop = StopOnDrop(CancelFlag::default());
        let (id, cancel) = (table.id, stop.0.clone());
        let compacted = tokio::task::spawn_blocking(move || engine.compact(id, &cancel)).await;
        compacted.map_err(|e| SqlError::internal(format!("compaction of table {name} failed: {e}")))??;
        Ok(StatementResult::done())
    }

    async fn catch_up(&self) -> Result<()> {
        let group = self.node.group();
        if group.columnar().is_none() {
            return Ok(());
        }
        let timeout = Duration::from_millis(self.variables.number("deltatree_read_gate_timeout_ms"));
        group.read_gate(group.timestamp().await?, timeout).await?;
        Ok(())
    }

    /// `CHECK`, `OPTIMIZE` and `REPAIR TABLE`: damage is found when it is read, and tables are kept in
    /// shape in the background, so there is nothing to do but to say so.
    pub(super) fn maintain_tables(&self, verb: &str, names: &[ObjectName]) -> Result<StatementResult> {
        let mut report = TextTable::new(&COLUMNS);
        for name in names {
            let (database, name) = name_parts(name);
            let label = format!("{}.{name}", database.or(self.database()).unwrap_or_default());
            match self.table(database, name) {
                Ok(_) => report.push_all([&label, verb, "status", "OK"]),
                Err(SqlError { message, .. }) => report.push_all([&label, verb, "Error", &message]),
            }
        }
        report.into_result()
    }
}
