//! What the tables of one query share: one timestamp, one wait for it, one snapshot a table.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use deltatree_learner::catalog::{CatalogSnapshot, TableInfo};
use deltatree_learner::columnar::{ColumnarReplica, TableSnapshot};
use deltatree_learner::{Error as GroupError, GateReport, LeaderGroup, RowReader};
use deltatree_storage::api::SnapshotStatistics;
use deltatree_storage::types::TableId;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::context::ReadContext;
use super::gate_history::GateHistory;
use crate::access_path::Hints;
use crate::catalog::system::Process;
use crate::error::{Result, SqlError};
use crate::metrics;

/// Lists the connections for `information_schema.processlist`.
pub type ProcessList = dyn Fn() -> Vec<Process> + Send + Sync;

/// One query's view of the data.
///
/// The columnar replica is waited for only when a table of the query is to be read there, and then
/// once: the gate is for a timestamp, not for a table.
pub struct QueryReads {
    group: LeaderGroup,
    /// The one that all tables of the query are read from.
    columnar: Option<ColumnarReplica>,
    catalog: Arc<CatalogSnapshot>,
    context: ReadContext,
    hints: Hints,
    partitions: usize,
    explained: bool,
    history: Arc<GateHistory>,
    processes: Arc<ProcessList>,
    /// Passed, or failed: a query does not wait twice for a replica that does not come.
    gate: OnceCell<Result<GateReport>>,
    snapshots: Mutex<HashMap<TableId, TableSnapshot>>,
    peeked: Mutex<HashMap<TableId, Peek>>,
}

/// What all queries of an engine share.
#[derive(Clone)]
pub(super) struct ReadSetup {
    pub(super) group: LeaderGroup,
    pub(super) partitions: usize,
    pub(super) history: Arc<GateHistory>,
    pub(super) processes: Arc<ProcessList>,
}

/// A table of the columnar replica as it happened to be when the query was planned, for estimates: not
/// everything that the query must see need have arrived.
#[derive(Clone, Debug)]
pub struct Peek {
    /// The rows.
    pub snapshot: TableSnapshot,
    /// Their figures.
    pub statistics: Arc<SnapshotStatistics>,
}

impl std::fmt::Debug for QueryReads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryReads").field("context", &self.context).finish_non_exhaustive()
    }
}

impl QueryReads {
    pub(super) fn new(setup: ReadSetup, context: ReadContext, hints: Hints, explained: bool) -> Self {
        let catalog = setup.group.catalog();
        Self {
            columnar: setup.group.columnar(),
            group: setup.group,
            catalog,
            context,
            hints,
            partitions: setup.partitions,
            explained,
            history: setup.history,
            processes: setup.processes,
            gate: OnceCell::new(),
            snapshots: Mutex::default(),
            peeked: Mutex::default(),
        }
    }

    /// The definitions by which the query is planned.
    pub fn catalog(&self) -> &CatalogSnapshot {
        &self.catalog
    }

    /// Timestamp, engines, own changes.
    pub fn context(&self) -> &ReadContext {
        &self.context
    }

    /// What the query's hints ask for.
    pub fn hints(&self) -> &Hints {
        &self.hints
    }

    /// Streams that a large scan should have.
    pub fn partitions(&self) -> usize {
        self.partitions
    }

    /// Whether the plan is made to be shown, with all that speaks for it.
    pub fn is_explained(&self) -> bool {
        self.explained
    }

    /// The connections of the server.
    pub fn processes(&self) -> Vec<Process> {
        (self.processes)()
    }

    /// The row store.
    pub fn rows(&self) -> RowReader {
        self.group.reader()
    }

    /// The group.
    pub fn group(&self) -> &LeaderGroup {
        &self.group
    }

    /// The columnar replica that the query would read, if there is one.
    pub fn columnar(&self) -> Option<&ColumnarReplica> {
        self.columnar.as_ref()
    }

    fn replica(&self) -> Result<&ColumnarReplica> {
        Ok(self.columnar().ok_or(GroupError::NoColumnarReplica)?)
    }

    /// How long the gate should be expected to take: nothing once it has been passed.
    pub fn expected_gate_wait(&self) -> Duration {
        if self.gate.initialized() { Duration::ZERO } else { self.history.expected() }
    }

    /// What the gate waited for, if it was passed.
    pub fn gate_report(&self) -> Option<GateReport> {
        self.gate.get()?.as_ref().ok().copied()
    }

    /// The table as the columnar replica has it at the query's timestamp. Waits for the replica to catch
    /// up, once a query.
    ///
    /// # Errors
    /// If the replica does not catch up in time, or the table's definition has changed meanwhile.
    pub async fn snapshot(&self, table: &TableInfo) -> Result<TableSnapshot> {
        self.gate.get_or_init(|| self.pass_gate()).await.as_ref().map_err(Clone::clone)?;
        if let Some(snapshot) = self.snapshots.lock().get(&table.id) {
            return Ok(snapshot.clone());
        }
        let snapshot = self.replica()?.snapshot(table.id, self.context.ts)?;
        if snapshot.schema_version() != table.schema_version {
            return Err(SqlError::schema_changed());
        }
        self.snapshots.lock().insert(table.id, snapshot.clone());
        Ok(snapshot)
    }

    async fn pass_gate(&self) -> Result<GateReport> {
        let report = self.replica()?.read_gate(self.context.ts, self.context.gate_timeout).await?;
        self.history.record(report.waited);
        metrics::read_gate_passed(report.waited);
        Ok(report)
    }

    /// The table as the columnar replica has it now, looked up once a query. `None` if it has none.
    pub fn peek(&self, table: &TableInfo) -> Option<Peek> {
        if let Some(peek) = self.peeked.lock().get(&table.id) {
            return Some(peek.clone());
        }
        if !table.columnar {
            return None;
        }
        let snapshot = self.columnar()?.snapshot(table.id, self.context.ts).ok()?;
        if snapshot.schema_version() != table.schema_version {
            return None;
        }
        let statistics = snapshot.statistics().ok()?;
        let peek = Peek { snapshot, statistics };
        self.peeked.lock().insert(table.id, peek.clone());
        Some(peek)
    }
}
