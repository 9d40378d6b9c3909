//! Everything that one statement's reads depend on, besides the data.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltatree_storage::api::CancelFlag;
use deltatree_storage::types::{RowKey, TableId, Timestamp};

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

/// What a transaction has written and not yet committed, for its own reads.
#[derive(Clone, Debug, Default)]
pub struct TransactionOverlay {
    /// Only tables with at least one change.
    pub tables: HashMap<TableId, TableChanges>,
}

/// The last change of each row key that the transaction touched.
pub type TableChanges = BTreeMap<RowKey, RowChange>;

/// A row after the transaction's changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowChange {
    /// The row as the row store would hold it (the learner's row codec).
    Put(Bytes),
    /// No row.
    Delete,
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
