//! The rows from which learners build tables.

use deltatree_storage::types::{KeyRange, TableId, Timestamp};

use super::nodes::Nodes;
use crate::apply::{ApplyError, RowSource, RowVersion};
use crate::codec::row_range;

/// Rows of whichever voter has applied enough. A learner that finds none stops, and is started again.
pub(crate) struct RowsOfVoters(pub(crate) Nodes);

impl RowSource for RowsOfVoters {
    fn rows_at<'a>(
        &'a self,
        table: TableId,
        at: Timestamp,
    ) -> std::result::Result<Box<dyn Iterator<Item = std::result::Result<RowVersion, ApplyError>> + 'a>, ApplyError>
    {
        let mut voters = self.0.running_voters();
        voters.retain(|(_, v)| v.leader.voter().applied().commit_ts >= at);
        let Some((_, voter)) = voters.first() else {
            return Err(ApplyError::RowSource(format!("no voter has the rows at {at}")));
        };
        let (start, end) = row_range(table, &KeyRange::ALL);
        let rows = voter.leader.voter().store.versions_at(&start, &end, at).map_err(ApplyError::of_rows)?;
        Ok(Box::new(rows.map(move |row| {
            let (row, commit_ts) = row.map_err(ApplyError::of_rows)?;
            Ok(RowVersion { key: row.key_bytes(), value: row.value_bytes(), commit_ts })
        })))
    }
}
