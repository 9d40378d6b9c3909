//! The columnar learner's state machine.
//!
//! It decodes committed rows into columns, hands them to the engine, and then moves the *applied
//! watermark* that readers wait for: a reader that sees the watermark at an entry finds all of that
//! entry's rows.
//!
//! Nothing here is durable by itself. Each step tells the engine the *replay position*: log id,
//! membership, and for a learner that has no voter beside it the definitions. The engine keeps it with
//! its next flush, and after a restart the leader sends the log again from there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltatree_storage::api::ReplayPosition;
use deltatree_storage::engine::Engine;
use deltatree_storage::types::{TableId, Timestamp};
use openraft::storage::RaftStateMachine;
use openraft::{
    AnyError, BasicNode, EntryPayload, OptionalSend, RaftSnapshotBuilder, Snapshot, SnapshotMeta, StorageIOError,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{
    Applied, Command, CommitRecord, Entry, LogId, MemoryLog, NodeId, SnapshotData, StorageError, StoredMembership,
    TypeConfig,
};
use crate::apply::{ApplyError, ColumnarApplier, RowSource};
use crate::catalog::{CatalogSnapshot, is_definition_key};
use crate::error::{Error, Result};

/// What a learner shares with those who wait for it.
pub(crate) struct LearnerState {
    /// The columns.
    pub(crate) engine: Engine,
    /// The log, to let go of what is applied.
    pub(crate) log: MemoryLog,
    /// How far the log is applied and visible.
    pub(crate) applied: watch::Sender<Applied>,
    /// Why applying has stopped, if it has.
    pub(crate) failed: watch::Sender<Option<Error>>,
    /// How long overwritten versions stay readable, if the group was told.
    pub(crate) gc_life: watch::Sender<Option<Duration>>,
}

/// Where definitions and rows come from that are not in the log any more.
pub(crate) enum Beside {
    /// A voter in this process: its catalog as of the newest commit applied there, and its rows.
    Voter {
        /// Definitions.
        catalog: Arc<CatalogSnapshot>,
        /// The newest commit that the definitions and rows include.
        at: Timestamp,
        /// Rows.
        rows: Arc<dyn RowSource>,
    },
    /// Voters in other processes: their rows. Definitions are kept with the replay position.
    Elsewhere(Arc<dyn RowSource>),
    /// Nobody. Definitions are kept with the replay position; a table cannot be built from rows.
    Nobody,
}

/// Definitions in the row store's encoding, by key.
type Definitions = BTreeMap<Bytes, Bytes>;

/// What [`ReplayPosition`] holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Position {
    log_id: Option<LogId>,
    membership: StoredMembership,
    commit_ts: Timestamp,
    definitions: Definitions,
}

/// The state machine that Raft drives.
pub(crate) struct ColumnarMachine {
    state: Arc<LearnerState>,
    rows: Arc<dyn RowSource>,
    applier: ColumnarApplier,
    position: Position,
    /// Whether the position carries the definitions.
    keeps_definitions: bool,
}

/// Bytes of rows that are collected before they are handed to the engine.
const FLUSH_BYTES: usize = 16 << 20;

impl ColumnarMachine {
    /// Resumes from the engine's replay position. Blocks: tables that the engine lacks are built.
    ///
    /// Errors: `Corrupt`, `Io`, and those of the engine.
    pub(crate) fn open(state: Arc<LearnerState>, beside: Beside) -> Result<Self> {
        let position = match state.engine.replay_position() {
            Some(ReplayPosition(bytes)) => postcard::from_bytes(&bytes)
                .map_err(|e| Error::Corrupt { what: "replay position", reason: e.to_string() })?,
            None => Position::default(),
        };
        let (catalog, at, rows, keeps_definitions) = match beside {
            Beside::Voter { catalog, at, rows } => (catalog, at, rows, false),
            Beside::Elsewhere(rows) => (Arc::new(load_catalog(&position.definitions)?), position.commit_ts, rows, true),
            Beside::Nobody => {
                let catalog = Arc::new(load_catalog(&position.definitions)?);
                (catalog, position.commit_ts, Arc::new(NoRows) as Arc<dyn RowSource>, true)
            }
        };
        let applier = ColumnarApplier::new(Arc::new(state.engine.clone()), rows.clone(), catalog, at)?;
        state.applied.send_replace(position.applied());
        state.gc_life.send_replace(applier.catalog().gc_life());
        Ok(Self { state, rows, applier, position, keeps_definitions })
    }

    /// Whether the runtime's worker should be given to others meanwhile, which costs more than to apply a few
    /// rows: there are many, or a table may have to be built.
    fn may_take_long(&self, entries: &[Entry]) -> bool {
        const MANY_ENTRIES: usize = 64;
        let heavy = |entry: &Entry| match &entry.payload {
            EntryPayload::Normal(command) => command.is_large() || command.changes_definitions(),
            EntryPayload::Blank | EntryPayload::Membership(_) => false,
        };
        self.applier.lacks_tables() || entries.len() > MANY_ENTRIES || entries.iter().any(heavy)
    }

    fn apply_all(&mut self, entries: Vec<Entry>) -> Result<usize> {
        let count = entries.len();
        for entry in entries {
            match &entry.payload {
                EntryPayload::Membership(m) => {
                    self.position.membership = StoredMembership::new(Some(entry.log_id), m.clone());
                }
                EntryPayload::Normal(Command::Commits(commits)) => {
                    commits.iter().try_for_each(|c| self.commit(c))?;
                }
                // Dropping a table's definition has dropped it here already.
                EntryPayload::Normal(Command::DropTableData { .. } | Command::TsoWindow { .. } | Command::Noop)
                | EntryPayload::Blank => {}
            }
            self.position.log_id = Some(entry.log_id);
            if self.applier.pending_bytes() > FLUSH_BYTES {
                self.publish()?;
            }
        }
        self.publish()?;
        Ok(count)
    }

    fn commit(&mut self, commit: &CommitRecord) -> Result<()> {
        let mutations = commit.mutations.iter().map(|m| (&m.key, m.value.as_ref()));
        self.applier.commit(commit.commit_ts, mutations)?;
        self.position.commit_ts = self.position.commit_ts.max(commit.commit_ts);
        if self.keeps_definitions {
            for m in commit.mutations.iter().filter(|m| is_definition_key(&m.key)) {
                match &m.value {
                    Some(value) => self.position.definitions.insert(m.key.clone(), value.clone()),
                    None => self.position.definitions.remove(&m.key),
                };
            }
        }
        Ok(())
    }

    /// Makes what was taken in visible, and then says so.
    fn publish(&mut self) -> Result<()> {
        self.applier.flush()?;
        self.state.engine.advance(self.position.encode()?);
        if let Some(log_id) = self.position.log_id {
            self.state.log.let_go(log_id);
        }
        self.state.gc_life.send_replace(self.applier.catalog().gc_life());
        self.state.applied.send_replace(self.position.applied());
        Ok(())
    }

    /// Replaces all tables by those of a raft snapshot.
    fn install(&mut self, meta: &SnapshotMeta<NodeId, BasicNode>, snapshot: SnapshotData) -> Result<()> {
        let commit_ts = snapshot.bounds().commit_ts;
        let engine = self.state.engine.clone();
        let definitions = super::columnar_snapshot::build(&engine, snapshot)?;
        let catalog = Arc::new(load_catalog(&definitions)?);
        for table in engine.tables() {
            if !catalog.table_by_id(table.table).is_some_and(|t| t.columnar) {
                engine.drop_table(table.table)?;
            }
        }
        self.applier = ColumnarApplier::new(Arc::new(engine.clone()), self.rows.clone(), catalog, commit_ts)?;
        self.position = Position {
            log_id: meta.last_log_id,
            membership: meta.last_membership.clone(),
            commit_ts,
            definitions: if self.keeps_definitions { definitions } else { Definitions::new() },
        };
        self.publish()?;
        Ok(engine.flush()?)
    }

    /// Remembers why applying has stopped, for those who wait.
    fn stop<T>(&self, result: Result<T>) -> Result<T> {
        result.inspect_err(|e| {
            tracing::error!(error = %e, "the columnar learner has stopped");
            self.state.failed.send_replace(Some(e.clone()));
        })
    }
}

impl Position {
    fn applied(&self) -> Applied {
        Applied { index: self.log_id.map_or(0, |l| l.index), commit_ts: self.commit_ts }
    }

    fn encode(&self) -> Result<ReplayPosition> {
        let bytes = postcard::to_allocvec(self)
            .map_err(|e| Error::Internal(format!("cannot encode the replay position: {e}")))?;
        Ok(ReplayPosition(bytes.into()))
    }
}

/// Index of the log entry that a learner resumes after, from its engine.
pub(crate) fn durable_index(engine: &Engine) -> Option<u64> {
    replay_index(&engine.replay_position()?)
}

/// Index of the log entry that a learner resumes after. `None` if no learner wrote the position, or
/// nothing was applied.
pub fn replay_index(ReplayPosition(bytes): &ReplayPosition) -> Option<u64> {
    postcard::from_bytes::<Position>(bytes).ok()?.log_id.map(|l| l.index)
}

fn load_catalog(definitions: &Definitions) -> Result<CatalogSnapshot> {
    CatalogSnapshot::load(definitions.iter()).map_err(|e| Error::Corrupt { what: "catalog", reason: e.to_string() })
}

/// The row source of a learner that has no voter beside it.
struct NoRows;

impl RowSource for NoRows {
    fn rows_at<'a>(
        &'a self,
        table: TableId,
        _: Timestamp,
    ) -> Result<Box<dyn Iterator<Item = Result<crate::apply::RowVersion, ApplyError>> + 'a>, ApplyError> {
        Err(ApplyError::RowSource(format!("table {table}: this process holds no row store")))
    }
}

impl RaftStateMachine<TypeConfig> for ColumnarMachine {
    type SnapshotBuilder = NoSnapshots;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), StorageError> {
        Ok((self.position.log_id, self.position.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<()>, StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<_> = entries.into_iter().collect();
        let applied = if self.may_take_long(&entries) {
            crate::runtime::blocking(|| self.apply_all(entries))
        } else {
            self.apply_all(entries)
        };
        let count = self.stop(applied).map_err(|e| StorageIOError::write_state_machine(AnyError::new(&e)))?;
        Ok(vec![(); count])
    }

    async fn get_snapshot_builder(&mut self) -> NoSnapshots {
        NoSnapshots
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<SnapshotData>, StorageError> {
        Ok(Box::new(SnapshotData::empty()))
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<NodeId, BasicNode>,
        snapshot: Box<SnapshotData>,
    ) -> Result<(), StorageError> {
        let installed = crate::runtime::blocking(|| self.install(meta, *snapshot));
        self.stop(installed)
            .map_err(|e| StorageIOError::write_snapshot(Some(meta.signature()), AnyError::new(&e)).into())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<TypeConfig>>, StorageError> {
        Ok(Some(NoSnapshots::of(&self.position)).filter(|s| s.meta.last_log_id.is_some()))
    }
}

/// A learner never leads, so nobody ever reads a snapshot of it. Raft wants to know only that
/// everything applied is in one.
pub(crate) struct NoSnapshots;

impl NoSnapshots {
    fn of(position: &Position) -> Snapshot<TypeConfig> {
        let meta = SnapshotMeta {
            last_log_id: position.log_id,
            last_membership: position.membership.clone(),
            snapshot_id: "columnar".into(),
        };
        Snapshot { meta, snapshot: Box::new(SnapshotData::empty()) }
    }
}

impl RaftSnapshotBuilder<TypeConfig> for NoSnapshots {
    async fn build_snapshot(&mut self) -> Result<Snapshot<TypeConfig>, StorageError> {
        let e = Error::Internal("a columnar learner builds no raft snapshots".into());
        Err(StorageIOError::read_snapshot(None, AnyError::new(&e)).into())
    }
}
