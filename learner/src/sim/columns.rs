//! Rows of a columnar table.

use deltatree_storage::api::ScanRequest;
use deltatree_storage::scan::Snapshot;
use deltatree_storage::testing::cell_at;
use deltatree_storage::types::Value;

use super::history::Rows;
use super::invariants::replay_is_idempotent;

/// Number of columns.
pub(crate) fn width(snapshot: &Snapshot) -> usize {
    snapshot.schema().columns.len()
}

/// The rows that a scan of all columns returns. An error is a violation.
pub(crate) fn rows_of(snapshot: &Snapshot, request: ScanRequest) -> Result<Rows, String> {
    let mut rows = Rows::new();
    let failed = |e: deltatree_storage::error::Error| format!("columnar_equals_row_at_ts: a scan failed: {e}");
    for batch in snapshot.scan_ordered(request).map_err(failed)? {
        let (_, batch) = batch.map_err(failed)?;
        for n in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|c| match cell_at(c, n) {
                Ok(Value::Int(i)) => Ok(Some(i)),
                Ok(Value::Null) => Ok(None),
                other => Err(format!("columnar_equals_row_at_ts: a cell is {other:?}")),
            });
            let row: Vec<_> = cells.collect::<Result<_, _>>()?;
            let id = row[0].ok_or("columnar_equals_row_at_ts: a key is NULL")?;
            replay_is_idempotent::check(id, rows.insert(id, row.clone()), &row)?;
        }
    }
    Ok(rows)
}
