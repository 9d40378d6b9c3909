//! Everything that one statement's reads depend on, besides the data.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltatree_learner::codec::row_range;
use deltatree_storage::api::CancelFlag;
use deltatree_storage::types::{KeyRange, TableId, Timestamp};

use crate::access_path::AccessPath;
use crate::exec::ReadRows;
use crate::functions::FunctionContext;

/// At which moment, with which rights and variables a query reads.
#[derive(Clone, Debug)]
pub struct ReadContext {
    /// Every commit at or before it is seen, none after it.
    pub ts: Timestamp,
    /// The current database, for names without one. Empty if none was chosen.
    pub database: String,
    /// The reading transaction's own changes, not yet committed.
    pub overlay: Option<Arc<TransactionOverlay>>,
    /// `tidb_isolation_read_engines`.
    pub engines: Engines,
    /// How long to wait for the columnar replica to catch up with `ts`.
    pub gate_timeout: Duration,
    /// Time zone, user, connection id and the like, as the functions see them.
    pub variables: Arc<FunctionContext>,
    /// Show the hidden row id `_tidb_rowid` as the last column of tables without a primary key.
    pub row_id_visible: bool,
    /// Stops the query's scans.
    pub cancel: CancelFlag,
    /// The rows of the query's only table, and the path by which they were read.
    pub rows: Option<(AccessPath, ReadRows)>,
}

/// One of the two copies of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The row store: `tikv`.
    Row,
    /// The columnar replica: `tiflash`.
    Columnar,
}

impl Engine {
    /// TiDB's name, as users write it in hints and variables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Row => "tikv",
            Self::Columnar => "tiflash",
        }
    }
}

/// Which copies a session lets its reads use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engines {
    /// `tikv` is in the list.
    pub row: bool,
    /// `tiflash` is in the list.
    pub columnar: bool,
}

impl Engines {
    /// Both.
    pub const ALL: Self = Self { row: true, columnar: true };

    /// Reads the value of `tidb_isolation_read_engines`, a list such as `tikv,tiflash,tidb`. `None`
    /// if a name is unknown or no copy of a table is named.
    pub fn parse(list: &str) -> Option<Self> {
        let mut engines = Self { row: false, columnar: false };
        for name in list.split(',').map(str::trim) {
            match name.to_ascii_lowercase().as_str() {
                "tikv" => engines.row = true,
                "tiflash" => engines.columnar = true,
                "tidb" => {}
                _ => return None,
            }
        }
        (engines.row || engines.columnar).then_some(engines)
    }

    /// Whether `engine` may be read.
    pub fn allows(self, engine: Engine) -> bool {
        match engine {
            Engine::Row => self.row,
            Engine::Columnar => self.columnar,
        }
    }
}

/// What a transaction has written and not yet committed, for its own reads: a copy, so that a result
/// under way does not change when the transaction writes again.
#[derive(Clone, Debug, Default)]
pub struct TransactionOverlay {
    changes: BTreeMap<Bytes, Option<Bytes>>,
}

impl TransactionOverlay {
    /// Of the changes that [`deltatree_learner::Transaction::dirty`] lists: rows and index entries by
    /// their keys in the row store, `None` for a deletion.
    pub fn new(changes: impl IntoIterator<Item = (Bytes, Option<Bytes>)>) -> Self {
        Self { changes: changes.into_iter().collect() }
    }

    /// Changes with keys in `start..end`, in key order.
    pub fn range(&self, start: &Bytes, end: &Bytes) -> impl Iterator<Item = (&Bytes, Option<&Bytes>)> {
        let empty = start >= end;
        let range = if empty { None } else { Some(self.changes.range(start.clone()..end.clone())) };
        range.into_iter().flatten().map(|(key, value)| (key, value.as_ref()))
    }

    /// The change of one key, if there is one.
    pub fn get(&self, key: &[u8]) -> Option<Option<&Bytes>> {
        self.changes.get(key).map(Option::as_ref)
    }

    /// Whether rows of `table` were changed.
    pub fn touches(&self, table: TableId) -> bool {
        let (start, end) = row_range(table, &KeyRange::ALL);
        self.range(&start, &end).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_lists_are_read_as_tidb_writes_them() {
        assert_eq!(Engines::parse("tikv,tiflash,tidb"), Some(Engines::ALL));
        assert_eq!(Engines::parse(" TiFlash "), Some(Engines { row: false, columnar: true }));
        assert_eq!(Engines::parse("tidb"), None);
        assert_eq!(Engines::parse("tikv,oracle"), None);
    }
}
