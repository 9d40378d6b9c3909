//! Whether a query is over in a moment.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;

use crate::access_path::columnar_us;
use crate::exec::{ColumnarScanExec, RowReadExec};

/// What all scans of a short query cost at most, as access paths are priced, in microseconds.
const SCANS_US: f64 = 5_000.0;
/// Rows that joins of a short query can give at most.
const ROWS: f64 = 1e6;

/// Whether all that the plan reads is so little that it takes a few milliseconds, whatever is done with it.
pub(super) fn is_short(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let mut effort = Effort { scans_us: 0.0, rows: 1.0 };
    effort.add(plan) && effort.scans_us <= SCANS_US && effort.rows <= ROWS
}

struct Effort {
    scans_us: f64,
    /// Of all scans, multiplied.
    rows: f64,
}

impl Effort {
    /// Adds the scans of a plan. False if it reads anything else, which may take any time.
    fn add(&mut self, plan: &Arc<dyn ExecutionPlan>) -> bool {
        let children = plan.children();
        if !children.is_empty() {
            return children.into_iter().all(|child| self.add(child));
        }
        let (scan_us, rows) = if let Some(scan) = plan.downcast_ref::<ColumnarScanExec>() {
            let estimate = &scan.read.estimate;
            (columnar_us(estimate), estimate.rows_kept as f64)
        } else if let Some(scan) = plan.downcast_ref::<RowReadExec>() {
            let choice = &scan.read.choice;
            (choice.cost_us, choice.rows)
        } else {
            return plan.downcast_ref::<EmptyExec>().is_some() || plan.downcast_ref::<PlaceholderRowExec>().is_some();
        };
        self.scans_us += scan_us;
        self.rows *= rows.max(1.0);
        true
    }
}
