//! What a session asks of the leader, here or there.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltatree_storage::types::{TableId, Timestamp};

use super::RowReader;
use crate::catalog::CatalogSnapshot;
use crate::error::Result;
use crate::group::GroupStatus;
use crate::leader::{Leader, ReaderGuard};
use crate::remote::RemoteLeader;
use crate::row_store::FillRun;
use crate::txn::{CommitRequest, LockedKeys, Transaction, TxnId, TxnOptions};

/// The way to the leader. Clones share it.
#[derive(Clone)]
pub(crate) enum LeaderAccess {
    /// This process holds the voter that leads.
    Here(Arc<Leader>),
    /// Some other process does.
    There(Arc<RemoteLeader>),
}

impl LeaderAccess {
    /// See [`crate::LeaderGroup::timestamp`].
    pub(crate) async fn read_ts(&self) -> Result<Timestamp> {
        match self {
            Self::Here(leader) => leader.read_ts().await,
            Self::There(leader) => leader.read_ts().await,
        }
    }

    /// See [`crate::LeaderGroup::read_snapshot`].
    pub(crate) async fn read_snapshot(&self) -> Result<ReaderGuard> {
        match self {
            Self::Here(leader) => leader.read_snapshot().await,
            Self::There(leader) => leader.read_snapshot().await,
        }
    }

    /// See [`crate::LeaderGroup::register_reader`].
    pub(crate) async fn register_reader(&self, ts: Timestamp) -> Result<ReaderGuard> {
        match self {
            Self::Here(leader) => leader.register_reader(ts),
            Self::There(leader) => leader.register_reader(ts).await,
        }
    }

    /// A registered timestamp of the caller's choice, at which nothing will become visible any more.
    async fn snapshot_at(&self, ts: Timestamp) -> Result<ReaderGuard> {
        match self {
            Self::Here(leader) => leader.snapshot_at(ts).await,
            // The leader settles a timestamp before it holds it for others.
            Self::There(leader) => leader.register_reader(ts).await,
        }
    }

    /// See [`crate::LeaderGroup::begin`].
    pub(crate) async fn begin(&self, options: TxnOptions) -> Result<Transaction> {
        let snapshot = match options.read_ts {
            None => self.read_snapshot().await?,
            Some(ts) => self.snapshot_at(ts).await?,
        };
        let id = match self {
            Self::Here(leader) => leader.new_txn_id(),
            Self::There(leader) => leader.new_txn_id(),
        };
        Ok(Transaction::new(self.clone(), id, snapshot, self.reader(), &options))
    }

    /// Locks keys for a transaction; see [`Transaction::lock_keys`].
    pub(crate) async fn lock(&self, txn: TxnId, keys: &[Bytes], wait: Duration) -> Result<LockedKeys> {
        match self {
            Self::Here(leader) => {
                let for_update_ts = leader.lock(txn, keys, wait).await?;
                Ok(LockedKeys { for_update_ts, rows: Vec::new() })
            }
            Self::There(leader) => leader.lock(txn, keys, wait).await,
        }
    }

    /// Gives up all locks of a transaction, at once or soon.
    pub(crate) fn release_locks(&self, txn: TxnId) {
        match self {
            Self::Here(leader) => leader.release_locks(txn),
            Self::There(leader) => leader.release_locks(txn),
        }
    }

    /// Commits; see [`Transaction::commit`].
    pub(crate) async fn commit(&self, request: CommitRequest) -> Result<Timestamp> {
        match self {
            Self::Here(leader) => leader.commit(request).await,
            Self::There(leader) => leader.commit(request).await,
        }
    }

    /// Bytes that a transaction may hold.
    pub(crate) fn txn_bytes_limit(&self) -> u64 {
        match self {
            Self::Here(leader) => leader.txn_bytes_limit(),
            Self::There(leader) => leader.txn_bytes_limit(),
        }
    }

    /// Reads rows at timestamps.
    pub(crate) fn reader(&self) -> RowReader {
        match self {
            Self::Here(leader) => RowReader::here(leader.reader()),
            Self::There(leader) => RowReader::there(leader.clone()),
        }
    }

    /// The newest definitions known here.
    pub(crate) fn catalog(&self) -> Arc<CatalogSnapshot> {
        match self {
            Self::Here(leader) => leader.voter().catalog(),
            Self::There(leader) => leader.catalog(),
        }
    }

    /// See [`crate::LeaderGroup::learn_definitions`].
    pub(crate) async fn learn_definitions(&self) -> Result<()> {
        match self {
            // They are applied before a commit is acknowledged.
            Self::Here(_) => Ok(()),
            Self::There(leader) => leader.learn_definitions().await,
        }
    }

    /// See [`crate::LeaderGroup::allocate_ids`].
    pub(crate) async fn allocate_ids(&self, table: TableId, n: u64, at_least: Option<u64>) -> Result<u64> {
        match self {
            Self::Here(leader) => leader.allocate_ids(table, n, at_least).await,
            Self::There(leader) => leader.allocate_ids(table, n, at_least).await,
        }
    }

    /// See [`crate::LeaderGroup::drop_table_data`].
    pub(crate) async fn drop_table_data(&self, table: TableId) -> Result<()> {
        match self {
            Self::Here(leader) => leader.drop_table_data(table).await,
            Self::There(leader) => leader.drop_table_data(table).await,
        }
    }

    /// See [`crate::LeaderGroup::ingest`].
    pub(crate) fn ingest(&self, ts: Timestamp, fill: &mut FillRun<'_>) -> Result<u64> {
        match self {
            Self::Here(leader) => leader.ingest(ts, fill),
            Self::There(leader) => leader.ingest(ts, fill),
        }
    }

    /// See [`crate::LeaderGroup::seal`].
    pub(crate) async fn seal_runs(&self, table: TableId, ts: Timestamp) -> Result<()> {
        match self {
            Self::Here(leader) => leader.seal_runs(table, ts).await,
            Self::There(leader) => leader.seal_runs(table, ts).await,
        }
    }

    /// What the leader says of the group; from elsewhere, as of its last answer to a sign of life.
    pub(crate) fn status(&self) -> GroupStatus {
        match self {
            Self::Here(leader) => leader.status(),
            Self::There(leader) => leader.status(),
        }
    }
}
