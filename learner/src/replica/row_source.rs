//! The rows of a voter in this process, for columnar tables that must be built from them.

use std::sync::Arc;
use std::time::Duration;

use deltatree_storage::types::{TableId, Timestamp};

use crate::apply::{ApplyError, RowSource, RowVersion};
use crate::codec::row_range;
use crate::raft::VoterState;

/// See the module.
pub(crate) struct VoterRows(pub(crate) Arc<VoterState>);

/// Longest wait for the voter to apply what the learner has applied already.
const PATIENCE: Duration = Duration::from_secs(60);

impl RowSource for VoterRows {
    fn rows_at<'a>(
        &'a self,
        table: TableId,
        at: Timestamp,
    ) -> Result<Box<dyn Iterator<Item = Result<RowVersion, ApplyError>> + 'a>, ApplyError> {
        if !self.0.wait_applied_blocking(at, PATIENCE) {
            return Err(ApplyError::RowSource(format!("the voter has not applied timestamp {at} in time")));
        }
        let (start, end) = row_range(table, &deltatree_storage::types::KeyRange::ALL);
        let rows = self.0.store.versions_at(&start, &end, at).map_err(ApplyError::of_rows)?;
        Ok(Box::new(rows.map(move |row| {
            let (row, commit_ts) = row.map_err(ApplyError::of_rows)?;
            Ok(RowVersion { key: row.key_bytes(), value: row.value_bytes(), commit_ts })
        })))
    }
}
