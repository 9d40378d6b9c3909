//! What has happened, as nobody inside the cluster can know it: the reference that checks compare with.
//!
//! The log is taken down as replicas apply it. From it follow the versions of all rows (the model) and
//! all definitions. Beside it stands what clients were told, and when: every call and every answer has
//! its place in one order.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use deltatree_storage::types::{TableId, Timestamp};
use openraft::EntryPayload;
use parking_lot::Mutex;

use super::executor::Executor;
use super::invariants;
use crate::catalog::{CatalogSnapshot, TableInfo};
use crate::codec::{decode_row, decode_row_key, row_range};
use crate::raft::{Command, CommitRecord, Entry, NodeId};

/// A row's columns.
pub(crate) type Cells = Vec<Option<i64>>;
/// Rows by key.
pub(crate) type Rows = BTreeMap<i64, Cells>;
/// A place in the order of calls and answers.
pub(crate) type Moment = u64;

/// How a transaction ended, as its client was told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It was not told anything.
    Unknown,
    Committed(Timestamp),
    Failed,
}

/// A transaction, as its client saw it.
#[derive(Clone, Debug)]
pub(crate) struct Txn {
    pub(crate) called: Moment,
    pub(crate) start_ts: Timestamp,
    /// When it had its start timestamp; 0 if it never had, or chose one itself.
    pub(crate) begun: Moment,
    /// What it wrote.
    pub(crate) writes: Vec<(Bytes, Option<Bytes>)>,
    /// Keys that nobody else may have written between this timestamp and the commit.
    pub(crate) unchanged_since: Vec<(Bytes, Timestamp)>,
    /// A key that this transaction alone writes.
    pub(crate) marker: Option<Bytes>,
    /// When it asked to commit.
    pub(crate) committing: Option<Moment>,
    pub(crate) outcome: Outcome,
    pub(crate) answered: Option<Moment>,
}

/// Which copy of the rows was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Copy {
    Rows,
    Columns,
}

/// A whole table, as somebody read it.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) copy: Copy,
    pub(crate) called: Moment,
    pub(crate) table: TableId,
    pub(crate) ts: Timestamp,
    /// By which the rows were decoded.
    pub(crate) schema_version: u64,
    pub(crate) rows: Rows,
    /// Simulated time.
    pub(crate) at: std::time::Duration,
}

/// See the module. Clones share it.
#[derive(Clone)]
pub(crate) struct History(Arc<Mutex<Taken>>);

/// What was taken down.
pub(crate) struct Taken {
    executor: Executor,
    moment: Moment,
    /// Digests of entries by index.
    pub(crate) log: BTreeMap<u64, u64>,
    /// By index.
    pub(crate) memberships: BTreeMap<u64, openraft::Membership<NodeId, openraft::BasicNode>>,
    /// With their indexes, in log order.
    pub(crate) commits: Vec<(u64, CommitRecord)>,
    versions: BTreeMap<Bytes, BTreeMap<Timestamp, Option<Bytes>>>,
    pub(crate) catalog: CatalogSnapshot,
    definitions: BTreeMap<(TableId, u64), Arc<TableInfo>>,
    pub(crate) txns: Vec<Txn>,
    pub(crate) reads: Vec<Read>,
    /// Ranges of ids that were handed out.
    pub(crate) ids: BTreeMap<u64, u64>,
    pub(crate) violations: Vec<String>,
    /// How often things happened that show what a run covers.
    pub(crate) counts: BTreeMap<&'static str, u64>,
    events: std::collections::VecDeque<String>,
}

/// Digest of an entry.
pub(crate) fn digest(entry: &Entry) -> u64 {
    let bytes = postcard::to_allocvec(entry).expect("entries can be encoded");
    xxhash_rust::xxh3::xxh3_64(&bytes)
}

impl History {
    pub(crate) fn new(executor: Executor) -> Self {
        Self(Arc::new(Mutex::new(Taken {
            executor,
            moment: 0,
            log: BTreeMap::new(),
            memberships: BTreeMap::new(),
            commits: Vec::new(),
            versions: BTreeMap::new(),
            catalog: CatalogSnapshot::default(),
            definitions: BTreeMap::new(),
            txns: Vec::new(),
            reads: Vec::new(),
            ids: BTreeMap::new(),
            violations: Vec::new(),
            counts: BTreeMap::new(),
            events: std::collections::VecDeque::new(),
        })))
    }

    /// Looks at it, or changes it.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Taken) -> R) -> R {
        work(&mut self.0.lock())
    }

    /// The next place in the order of calls and answers.
    pub(crate) fn moment(&self) -> Moment {
        self.with(Taken::moment)
    }

    /// Something that a report should show, should the run fail.
    pub(crate) fn event(&self, what: impl Into<String>) {
        self.with(|t| t.event(what.into()));
    }

    /// Counts something.
    pub(crate) fn count(&self, what: &'static str) {
        self.with(|t| *t.counts.entry(what).or_default() += 1);
    }

    /// Takes down what a check found.
    pub(crate) fn judge(&self, verdict: Result<(), String>) {
        if let Err(violation) = verdict {
            self.with(|t| t.violation(violation));
        }
    }

    /// The timestamp of some commit among the last hundred.
    pub(crate) fn some_commit_ts(&self, draw: impl FnOnce(u64) -> u64) -> Option<Timestamp> {
        self.with(|t| {
            let back = draw(t.commits.len().clamp(1, 100) as u64) as usize;
            t.commits.iter().nth_back(back).map(|(_, c)| c.commit_ts)
        })
    }

    /// Changes the record of a transaction.
    pub(crate) fn txn(&self, number: usize, change: impl FnOnce(&mut Txn, Moment)) {
        self.with(|t| {
            let moment = t.moment();
            change(&mut t.txns[number], moment);
        });
    }

    /// A replica applies an entry.
    pub(crate) fn apply(&self, node: NodeId, entry: &Entry) {
        self.with(|t| t.apply(node, entry));
    }
}

impl Taken {
    pub(crate) fn moment(&mut self) -> Moment {
        self.moment += 1;
        self.moment
    }

    pub(crate) fn event(&mut self, what: String) {
        const KEPT: usize = 60;
        let line = format!("{:>9.3} s  {what}", self.executor.now().as_secs_f64());
        self.executor.note(xxhash_rust::xxh3::xxh3_64(line.as_bytes()));
        if std::env::var_os("DELTATREE_SIM_TRACE").is_some() {
            eprintln!("{line}");
        }
        self.events.push_back(line);
        if self.events.len() > KEPT {
            self.events.pop_front();
        }
    }

    pub(crate) fn violation(&mut self, what: String) {
        self.event(format!("VIOLATED {what}"));
        self.violations.push(what);
    }

    /// The last events, for a report.
    pub(crate) fn last_events(&self) -> String {
        self.events.iter().cloned().collect::<Vec<_>>().join("\n")
    }

    fn apply(&mut self, node: NodeId, entry: &Entry) {
        let index = entry.log_id.index;
        let verdict = invariants::one_log::check(self, node, index, digest(entry));
        if let Err(violation) = verdict {
            return self.violation(violation);
        }
        if self.log.insert(index, digest(entry)).is_some() {
            return;
        }
        self.executor.note(digest(entry));
        match &entry.payload {
            EntryPayload::Membership(m) => drop(self.memberships.insert(index, m.clone())),
            EntryPayload::Normal(Command::Commits(commits)) => {
                for commit in commits.iter() {
                    self.commit(index, commit);
                }
            }
            EntryPayload::Normal(Command::TsoWindow { .. } | Command::DropTableData { .. } | Command::Noop)
            | EntryPayload::Blank => {}
        }
    }

    fn commit(&mut self, index: u64, commit: &CommitRecord) {
        let verdict = invariants::log_order_is_commit_ts_order::check(self, index, commit);
        if let Err(violation) = verdict {
            self.violation(violation);
        }
        for m in &commit.mutations {
            self.versions.entry(m.key.clone()).or_default().insert(commit.commit_ts, m.value.clone());
        }
        let mutations = commit.mutations.iter().map(|m| (m.key.as_ref(), m.value.as_deref()));
        if let Some(catalog) = self.catalog.apply(mutations).expect("definitions in the log are sound") {
            for table in catalog.tables() {
                self.definitions.insert((table.id, table.schema_version), table.clone());
            }
            self.catalog = catalog;
        }
        self.commits.push((index, commit.clone()));
    }

    /// The version of a key that was written at exactly `ts`.
    pub(crate) fn written_at(&self, key: &[u8], ts: Timestamp) -> Option<&Option<Bytes>> {
        self.versions.get(key)?.get(&ts)
    }

    /// When a key was written.
    pub(crate) fn writes_of(&self, key: &[u8]) -> impl DoubleEndedIterator<Item = Timestamp> + '_ {
        self.versions.get(key).into_iter().flat_map(|v| v.keys().copied())
    }

    /// The newest commit in the log up to `index`.
    pub(crate) fn commit_ts_at(&self, index: u64) -> Timestamp {
        let upto = self.commits.partition_point(|(i, _)| *i <= index);
        upto.checked_sub(1).map_or(Timestamp::ZERO, |last| self.commits[last].1.commit_ts)
    }

    /// A definition.
    pub(crate) fn definition(&self, table: TableId, schema_version: u64) -> Option<Arc<TableInfo>> {
        self.definitions.get(&(table, schema_version)).cloned()
    }

    /// All live pairs with keys in `start..end` at `ts`.
    pub(crate) fn pairs_at<'a>(
        &'a self,
        start: &Bytes,
        end: &Bytes,
        ts: Timestamp,
    ) -> impl Iterator<Item = (&'a Bytes, &'a Bytes)> + 'a {
        self.versions.range(start.clone()..end.clone()).filter_map(move |(key, versions)| {
            let (_, newest) = versions.range(..=ts).next_back()?;
            Some((key, newest.as_ref()?))
        })
    }

    /// The rows of a table at `ts`.
    pub(crate) fn rows_at(&self, info: &TableInfo, ts: Timestamp) -> Rows {
        let (start, end) = row_range(info.id, &deltatree_storage::types::KeyRange::ALL);
        self.pairs_at(&start, &end, ts).map(|(key, value)| decode(info, key, value)).collect()
    }
}

/// A stored row.
pub(crate) fn decode(info: &TableInfo, key: &[u8], value: &[u8]) -> (i64, Cells) {
    use deltatree_storage::types::{RowKey, Value};
    let (_, key) = decode_row_key(key, info.key_kind()).expect("keys in the log are sound");
    let row = decode_row(info, &key, value).expect("rows in the log are sound");
    let RowKey::Int(id) = key else { panic!("the tables of the simulation have integer keys") };
    let cell = |v: Value| match v {
        Value::Null => None,
        Value::Int(i) => Some(i),
        other => panic!("the tables of the simulation hold integers, not {other:?}"),
    };
    (id, row.into_iter().map(cell).collect())
}
