//! The voter's state machine: the row store.
//!
//! Applying writes the entry's rows in one batch, without a sync, and the applied position when all rows up to
//! there are written. After a crash the row store may be behind: what is at or below its position is whole, and the
//! log makes up for the rest. Applying an entry twice changes nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use deltatree_storage::types::{TableId, Timestamp};
use openraft::storage::RaftStateMachine;
use openraft::{
    AnyError, BasicNode, EntryPayload, OptionalSend, RaftSnapshotBuilder, Snapshot, SnapshotMeta, StorageIOError,
};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{
    Command, CommitRecord, Entry, LogId, NodeId, SnapshotBounds, SnapshotData, StorageError, StoredMembership,
    TypeConfig,
};
use crate::catalog::{CatalogSnapshot, TableInfo, is_definition_key};
use crate::codec::{meta_range, runs_complete_key};
use crate::error::{Error, Result};
use crate::grpc::PeerLinks;
use crate::row_store::{ApplyBatch, FillRun, Row, RowStore, Version};

const APPLIED: &[u8] = b"applied";
const TSO_WINDOW: &[u8] = b"tso_window";

/// How far the log is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Index of the last applied entry.
    pub(crate) index: u64,
    /// Newest commit applied.
    pub(crate) commit_ts: Timestamp,
}

/// What the state machine shares with the leader's services.
pub(crate) struct VoterState {
    /// The rows.
    pub(crate) store: RowStore,
    catalog: ArcSwap<CatalogSnapshot>,
    applied: watch::Sender<Applied>,
    tso_window: Mutex<Timestamp>,
    /// Held while an entry is applied, and while garbage is collected: collecting looks at a record and
    /// then removes it.
    writing: Mutex<()>,
    /// The way to other voters, for rows that are not in the log.
    pub(crate) links: PeerLinks,
}

type AppliedState = (Option<LogId>, StoredMembership, Timestamp);

impl VoterState {
    /// Reads the state from the store. Blocks on disk. Errors: `Io`, `Corrupt`.
    pub(crate) fn load(store: RowStore, links: PeerLinks) -> Result<Arc<Self>> {
        let state = Self {
            store,
            catalog: ArcSwap::default(),
            applied: watch::Sender::default(),
            tso_window: Mutex::default(),
            writing: Mutex::default(),
            links,
        };
        state.reload()?;
        // Older definitions than the newest do no harm: an id that comes later is not yet handed out in them.
        let catalog = state.catalog();
        state.store.drop_gone_tables(|table| catalog.is_gone(table))?;
        Ok(Arc::new(state))
    }

    /// Reads again what is derived from the store.
    fn reload(&self) -> Result<()> {
        let (log_id, _, commit_ts) = self.applied_state()?;
        self.applied.send_replace(Applied { index: log_id.map_or(0, |l| l.index), commit_ts });
        *self.tso_window.lock() = match self.store.meta(TSO_WINDOW)? {
            Some(bytes) => decode("timestamp window", &bytes)?,
            None => Timestamp::ZERO,
        };
        let (start, end) = meta_range();
        let rows: Vec<Row> = self.store.newest_rows(&start, &end).collect::<Result<_>>()?;
        let catalog = CatalogSnapshot::load(rows.iter().map(|r| (r.key(), r.value())))
            .map_err(|e| Error::Corrupt { what: "catalog", reason: e.to_string() })?;
        self.catalog.store(Arc::new(catalog));
        Ok(())
    }

    fn applied_state(&self) -> Result<AppliedState> {
        match self.store.meta(APPLIED)? {
            Some(bytes) => decode("applied position", &bytes),
            None => Ok(Default::default()),
        }
    }

    /// The newest definitions.
    pub(crate) fn catalog(&self) -> Arc<CatalogSnapshot> {
        self.catalog.load_full()
    }

    /// How far the log is applied.
    pub(crate) fn applied(&self) -> Applied {
        *self.applied.borrow()
    }

    /// Says when more is applied.
    pub(crate) fn watch_applied(&self) -> watch::Receiver<Applied> {
        self.applied.subscribe()
    }

    /// Blocks until the commit at `ts` is applied, at most `timeout`. Returns whether it is.
    pub(crate) fn wait_applied_blocking(&self, ts: Timestamp, timeout: Duration) -> bool {
        const STEP: Duration = Duration::from_millis(1);
        let deadline = Instant::now() + timeout;
        // The learner is ahead of the voter beside it by moments at most, and only now and then does
        // it care.
        while self.applied().commit_ts < ts {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(STEP);
        }
        true
    }

    /// No timestamp at or above this was ever handed out.
    pub(crate) fn tso_window(&self) -> Timestamp {
        *self.tso_window.lock()
    }

    /// Writes a run of rows committed at `ts`, durably; see [`RowStore::ingest`].
    pub(crate) fn ingest(&self, ts: Timestamp, admit: &dyn Fn() -> Result<()>, fill: &mut FillRun<'_>) -> Result<u64> {
        self.store.ingest(ts, admit, || self.writing.lock(), fill)
    }

    /// The same for rows that another voter has.
    pub(crate) fn ingest_versions(
        &self,
        admit: &dyn Fn() -> Result<()>,
        versions: &mut dyn Iterator<Item = Result<Version>>,
    ) -> Result<u64> {
        self.store.ingest_versions(admit, || self.writing.lock(), versions)
    }

    /// Whether all of an imported table is here.
    pub(crate) fn has_runs(&self, table: TableId) -> Result<bool> {
        let found = self.store.find(&runs_complete_key(table), Timestamp::MAX)?;
        Ok(found.into_row().is_some())
    }

    /// Runs `work` while nothing is being applied.
    pub(crate) fn exclusively<R>(&self, work: impl FnOnce(&RowStore) -> R) -> R {
        let _writing = self.writing.lock();
        work(&self.store)
    }
}

fn decode<T: serde::de::DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(|e| Error::Corrupt { what, reason: e.to_string() })
}

fn encode<T: serde::Serialize>(value: &T) -> Result<Vec<u8>> {
    postcard::to_allocvec(value).map_err(|e| Error::Internal(format!("cannot encode state: {e}")))
}

/// The state machine that Raft drives.
pub(crate) struct VoterMachine {
    state: Arc<VoterState>,
    membership: StoredMembership,
}

impl VoterMachine {
    pub(crate) fn new(state: Arc<VoterState>) -> Result<Self> {
        let (_, membership, _) = state.applied_state()?;
        Ok(Self { state, membership })
    }

    /// Gets the runs of tables that the entry makes visible, if they are not here: this voter was away while
    /// they were imported, or is new. Blocks until some other voter has sent them.
    fn expect_runs(&self, entry: &Entry) -> Result<()> {
        let EntryPayload::Normal(Command::Commits(commits)) = &entry.payload else { return Ok(()) };
        let mut catalog = self.state.catalog();
        for commit in commits.iter() {
            let mutations = commit.mutations.iter().map(|m| (m.key.as_ref(), m.value.as_deref()));
            let after =
                catalog.apply(mutations).map_err(|e| Error::Corrupt { what: "catalog", reason: e.to_string() })?;
            let Some(after) = after.map(Arc::new) else { continue };
            let appears = |table: &TableInfo| table.loaded.is_some() && catalog.table_by_id(table.id).is_none();
            for table in after.tables().filter(|table| appears(table)) {
                if !self.state.has_runs(table.id)? {
                    let members = self.membership.membership().nodes().map(|(_, node)| node.addr.clone());
                    crate::remote::fetch_runs(&self.state, table.id, members.collect())?;
                }
            }
            catalog = after;
        }
        Ok(())
    }

    fn apply_entry(&mut self, entry: &Entry) -> Result<()> {
        let state = self.state.clone();
        let _writing = state.writing.lock();
        let mut batch = ApplyBatch::new(&state.store);
        let mut commit_ts = state.applied().commit_ts;
        match &entry.payload {
            EntryPayload::Blank | EntryPayload::Normal(Command::Noop) => {}
            EntryPayload::Membership(m) => {
                self.membership = StoredMembership::new(Some(entry.log_id), m.clone());
            }
            EntryPayload::Normal(Command::TsoWindow { upto }) => {
                batch.set_meta(TSO_WINDOW, &encode(upto)?);
            }
            EntryPayload::Normal(Command::DropTableData { table_id }) => batch.drop_table(*table_id),
            EntryPayload::Normal(Command::Commits(commits)) => {
                for commit in commits.iter() {
                    if commit.mutations.iter().any(|m| is_definition_key(&m.key)) {
                        // Entries are applied under the definitions of their time.
                        batch.settle();
                    }
                    batch.commit(commit, commits.len() > 1)?;
                    commit_ts = commit_ts.max(commit.commit_ts);
                }
            }
        }
        let applied: AppliedState = (Some(entry.log_id), self.membership.clone(), commit_ts);
        batch.set_position(APPLIED, encode(&applied)?);
        batch.finish()?;
        state.store.note_applied(entry.log_id.index);
        match &entry.payload {
            EntryPayload::Normal(Command::TsoWindow { upto }) => {
                let mut window = state.tso_window.lock();
                *window = window.max(*upto);
            }
            EntryPayload::Normal(Command::Commits(commits)) => {
                commits.iter().try_for_each(|c| update_catalog(&state, c))?
            }
            EntryPayload::Normal(Command::DropTableData { .. } | Command::Noop)
            | EntryPayload::Blank
            | EntryPayload::Membership(_) => {}
        }
        state.applied.send_replace(Applied { index: entry.log_id.index, commit_ts });
        Ok(())
    }
}

fn update_catalog(state: &VoterState, commit: &CommitRecord) -> Result<()> {
    let mutations = commit.mutations.iter().map(|m| (m.key.as_ref(), m.value.as_deref()));
    let changed =
        state.catalog().apply(mutations).map_err(|e| Error::Corrupt { what: "catalog", reason: e.to_string() })?;
    if let Some(catalog) = changed {
        state.catalog.store(Arc::new(catalog));
    }
    Ok(())
}

impl RaftStateMachine<TypeConfig> for VoterMachine {
    type SnapshotBuilder = VoterSnapshots;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), StorageError> {
        let (log_id, membership, _) = self.state.applied_state().map_err(read_error)?;
        Ok((log_id, membership))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<()>, StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut replies = Vec::new();
        for entry in entries {
            self.expect_runs(&entry).map_err(|e| StorageIOError::apply(entry.log_id, AnyError::new(&e)))?;
            // The runtime's worker must not be held up for long, but to give it to others costs more than a few rows.
            let large = matches!(&entry.payload, EntryPayload::Normal(command) if command.is_large());
            let applied =
                if large { crate::runtime::blocking(|| self.apply_entry(&entry)) } else { self.apply_entry(&entry) };
            applied.map_err(|e| StorageIOError::apply(entry.log_id, AnyError::new(&e)))?;
            replies.push(());
        }
        Ok(replies)
    }

    async fn get_snapshot_builder(&mut self) -> VoterSnapshots {
        VoterSnapshots(self.state.clone())
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<SnapshotData>, StorageError> {
        Ok(Box::new(SnapshotData::empty()))
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<NodeId, BasicNode>,
        snapshot: Box<SnapshotData>,
    ) -> Result<(), StorageError> {
        let state = self.state.clone();
        let bounds = snapshot.bounds();
        let applied: AppliedState = (meta.last_log_id, meta.last_membership.clone(), bounds.commit_ts);
        crate::runtime::blocking(|| {
            let _writing = state.writing.lock();
            // The entries that agreed on it are not coming any more. A window that is too late is safe, one
            // that is too early is not.
            let window = state.tso_window().max(bounds.tso_window).max(Timestamp(bounds.commit_ts.0 + 1));
            let meta = [(APPLIED, encode(&applied)?), (TSO_WINDOW, encode(&window)?)];
            state.store.replace_all(*snapshot, &meta, bounds.safe_point)?;
            state.reload()
        })
        .map_err(|e| StorageIOError::write_snapshot(Some(meta.signature()), AnyError::new(&e)))?;
        self.membership = meta.last_membership.clone();
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<TypeConfig>>, StorageError> {
        let snapshot = VoterSnapshots(self.state.clone()).pin().map_err(read_error)?;
        Ok(snapshot.meta.last_log_id.is_some().then_some(snapshot))
    }
}

/// Takes virtual snapshots.
pub(crate) struct VoterSnapshots(Arc<VoterState>);

impl VoterSnapshots {
    fn pin(&self) -> Result<Snapshot<TypeConfig>> {
        let view = self.0.store.pin()?;
        let (last_log_id, last_membership, commit_ts) = match view.meta(APPLIED)? {
            Some(bytes) => decode::<AppliedState>("applied position", &bytes)?,
            None => Default::default(),
        };
        let tso_window = match view.meta(TSO_WINDOW)? {
            Some(bytes) => decode("timestamp window", &bytes)?,
            None => Timestamp::ZERO,
        };
        let bounds = SnapshotBounds { commit_ts, tso_window, safe_point: view.safe_point()? };
        let snapshot_id = last_log_id.map_or_else(|| "empty".to_owned(), |l| l.to_string());
        Ok(Snapshot {
            meta: SnapshotMeta { last_log_id, last_membership, snapshot_id },
            snapshot: Box::new(SnapshotData::new(bounds, view.into_items())),
        })
    }
}

impl RaftSnapshotBuilder<TypeConfig> for VoterSnapshots {
    async fn build_snapshot(&mut self) -> Result<Snapshot<TypeConfig>, StorageError> {
        self.pin().map_err(read_error)
    }
}

fn read_error(e: Error) -> StorageError {
    StorageIOError::read_state_machine(AnyError::new(&e)).into()
}

#[cfg(test)]
mod tests {
    use openraft::testing::log_id;

    use super::*;

    fn machine(dir: &tempfile::TempDir) -> (Arc<VoterState>, VoterMachine) {
        let state = VoterState::load(RowStore::open(dir.path(), 1 << 20).unwrap(), PeerLinks::default()).unwrap();
        (state.clone(), VoterMachine::new(state).unwrap())
    }

    #[tokio::test]
    async fn whoever_gets_a_snapshot_knows_the_window_that_the_log_no_longer_tells() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (_, mut leader) = machine(&from);
        let record = CommitRecord { start_ts: Timestamp(1), commit_ts: Timestamp(2), mutations: Vec::new() };
        let commands = [Command::TsoWindow { upto: Timestamp(1_000) }, Command::Commits(vec![record].into())];
        let entries = (1..)
            .zip(commands)
            .map(|(index, command)| Entry { log_id: log_id(1, 0, index), payload: EntryPayload::Normal(command) });
        leader.apply(entries).await.unwrap();
        let Snapshot { meta, snapshot } = leader.get_current_snapshot().await.unwrap().unwrap();
        let (state, mut follower) = machine(&to);
        follower.install_snapshot(&meta, snapshot).await.unwrap();
        assert_eq!(state.applied(), Applied { index: 2, commit_ts: Timestamp(2) });
        assert_eq!(state.tso_window(), Timestamp(1_000));
    }
}
