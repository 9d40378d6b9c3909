//! DataFusion expressions as filters that the columnar engine calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, BooleanArray};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use datafusion::common::cast::as_boolean_array;
use datafusion::common::{Result, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{DynamicFilterPhysicalExpr, Literal};
use datafusion::physical_expr::utils::collect_columns;
use deltatree_storage::error::{Error as StorageError, Result as StorageResult};
use deltatree_storage::predicate::{Predicate, RowFilter};
use deltatree_storage::types::StoredType;

use super::scan_shape::renumber;
use crate::predicate_convert::implied;

/// A dynamic filter that keeps more than this part of the rows it sees costs more than it saves.
const USELESS_ABOVE: f64 = 0.9;
/// Rows to look at before a dynamic filter is judged.
const JUDGED_AFTER_ROWS: u64 = 65_536;

/// One conjunct that storage cannot evaluate by itself.
///
/// A *dynamic* conjunct (the keys of a hash join's build side, the bound of a top-k) may be skipped:
/// whoever made it checks again. Once it has shown that it keeps nearly everything it is.
#[derive(Debug)]
pub(super) struct ExprFilter {
    /// In table positions, for [`implied`] and for rows outside storage.
    table_expr: Arc<dyn PhysicalExpr>,
    /// Columns numbered as in `columns`.
    batch_expr: Arc<dyn PhysicalExpr>,
    columns: Vec<usize>,
    stored: Arc<[Option<(usize, StoredType)>]>,
    dynamic: bool,
    rows_seen: AtomicU64,
    rows_kept: AtomicU64,
}

impl ExprFilter {
    /// A filter for `expr`, which is in table positions.
    pub(super) fn new(
        expr: Arc<dyn PhysicalExpr>,
        stored: Arc<[Option<(usize, StoredType)>]>,
        dynamic: bool,
    ) -> Result<Self> {
        let mut columns: Vec<_> = collect_columns(&expr).iter().map(|c| c.index()).collect();
        columns.sort_unstable();
        columns.dedup();
        let batch_expr = renumber(Arc::clone(&expr), |table| columns.binary_search(&table).ok())?;
        Ok(Self {
            table_expr: expr,
            batch_expr,
            columns,
            stored,
            dynamic,
            rows_seen: AtomicU64::new(0),
            rows_kept: AtomicU64::new(0),
        })
    }

    /// Whether a dynamic filter says no more than `true`, as it does until its maker has seen rows.
    fn is_empty_yet(&self) -> bool {
        let filter = self.table_expr.downcast_ref::<DynamicFilterPhysicalExpr>();
        let current = filter.and_then(|filter| filter.current().ok());
        let literal = current.as_ref().and_then(|expr| expr.downcast_ref::<Literal>());
        literal.is_some_and(|literal| *literal.value() == ScalarValue::Boolean(Some(true)))
    }

    fn is_useless(&self) -> bool {
        let seen = self.rows_seen.load(Ordering::Relaxed);
        seen >= JUDGED_AFTER_ROWS && self.rows_kept.load(Ordering::Relaxed) as f64 > seen as f64 * USELESS_ABOVE
    }
}

impl RowFilter for ExprFilter {
    fn columns(&self) -> &[usize] {
        &self.columns
    }

    fn evaluate(&self, batch: &RecordBatch) -> StorageResult<BooleanArray> {
        let kept = evaluate(&self.batch_expr, batch).map_err(|e| StorageError::Invalid(e.to_string()))?;
        if self.dynamic {
            self.rows_seen.fetch_add(kept.len() as u64, Ordering::Relaxed);
            self.rows_kept.fetch_add(kept.true_count() as u64, Ordering::Relaxed);
        }
        Ok(kept)
    }

    fn is_active(&self) -> bool {
        !self.dynamic || !(self.is_useless() || self.is_empty_yet())
    }

    fn bounds(&self) -> Option<Predicate> {
        implied(self.table_expr.as_ref(), &self.stored)
    }
}

/// `expr` over `batch` as a boolean array. An expression that is not boolean is true where it is
/// neither NULL nor zero.
pub(super) fn evaluate(expr: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<BooleanArray> {
    let array = expr.evaluate(batch)?.into_array(batch.num_rows())?;
    if array.data_type() == &DataType::Boolean {
        return Ok(as_boolean_array(&array)?.clone());
    }
    let array = arrow::compute::cast(&array, &DataType::Boolean)?;
    Ok(as_boolean_array(&array)?.clone())
}
