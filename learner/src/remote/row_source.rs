//! The rows of a group whose voters are in other processes, for columnar tables that must be built from them.

use std::sync::Arc;
use std::time::Duration;

use deltatree_proto::v1::ScanRowsRequest;
use deltatree_storage::types::{KeyRange, TableId, Timestamp};

use super::finder::Finder;
use super::rows::RemoteScan;
use crate::apply::{ApplyError, RowSource, RowVersion};
use crate::codec::row_range;
use crate::error::Result;
use crate::grpc::PeerLinks;

/// See the module.
pub(crate) struct LeaderRows {
    finder: Arc<Finder>,
    runtime: tokio::runtime::Handle,
}

/// How long a build waits for a leader: one that fails stops the replica.
const PATIENCE: Duration = Duration::from_secs(600);

impl LeaderRows {
    /// `voters` of the group, `host:port`. Call it within a runtime that outlives this. Errors: `Invalid`.
    pub(crate) fn new(voters: &[String], links: PeerLinks) -> Result<Self> {
        let finder = Arc::new(Finder::new(voters, links)?);
        Ok(Self { finder, runtime: tokio::runtime::Handle::current() })
    }
}

impl RowSource for LeaderRows {
    fn rows_at<'a>(
        &'a self,
        table: TableId,
        at: Timestamp,
    ) -> Result<Box<dyn Iterator<Item = Result<RowVersion, ApplyError>> + 'a>, ApplyError> {
        let (start, end) = row_range(table, &KeyRange::ALL);
        let wanted = ScanRowsRequest { timestamp: at.0, start, end, reverse: false };
        let (fetch, mut rows) = RemoteScan::new(self.finder.clone(), wanted, PATIENCE);
        self.runtime.spawn(fetch);
        let versions = std::iter::from_fn(move || rows.next_entry());
        Ok(Box::new(versions.map(|row| {
            let row = row.map_err(ApplyError::of_rows)?;
            Ok(RowVersion { key: row.key, value: row.value, commit_ts: Timestamp(row.commit_timestamp) })
        })))
    }
}
