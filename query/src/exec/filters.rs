//! The conjuncts that a scan applies itself.

use std::sync::Arc;

use arrow::compute::{and_kleene, filter_record_batch};
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::split_conjunction;
use deltatree_storage::predicate::{Predicate, RowFilter};

use super::row_filter::{ExprFilter, evaluate};
use super::scan_shape::ScanShape;
use crate::predicate_convert::{exact, implied};

/// Conjuncts over a table's rows, in table positions: those fixed when the query was planned.
#[derive(Clone, Debug, Default)]
pub struct ScanFilters {
    /// All of them.
    pub exprs: Vec<Arc<dyn PhysicalExpr>>,
    /// Those that storage evaluates, in its words.
    pub predicates: Vec<Predicate>,
    /// What the others imply: storage prunes by it and they are still evaluated.
    pub implied: Vec<Predicate>,
    /// The others.
    pub rest: Vec<Arc<dyn PhysicalExpr>>,
}

impl ScanFilters {
    /// Sorts out `exprs`, which are in table positions.
    pub fn new(shape: &ScanShape, exprs: &[Arc<dyn PhysicalExpr>]) -> Self {
        let mut filters = Self::default();
        filters.add(shape, exprs);
        filters
    }

    /// Adds further conjuncts.
    pub fn add(&mut self, shape: &ScanShape, exprs: &[Arc<dyn PhysicalExpr>]) {
        let stored = shape.stored_columns();
        for conjunct in exprs.iter().flat_map(split_conjunction) {
            match exact(conjunct.as_ref(), &stored) {
                Some(predicate) => self.predicates.push(predicate),
                None => {
                    self.implied.extend(implied(conjunct.as_ref(), &stored));
                    self.rest.push(Arc::clone(conjunct));
                }
            }
            self.exprs.push(Arc::clone(conjunct));
        }
    }

    /// Everything known in storage's words: for choosing keys and estimating rows.
    pub fn known(&self) -> Vec<Predicate> {
        self.predicates.iter().chain(&self.implied).cloned().collect()
    }

    /// The conjuncts that storage has to ask us about.
    pub(super) fn row_filters(&self, shape: &ScanShape) -> Result<Vec<Arc<dyn RowFilter>>> {
        let stored = shape.stored_columns().into();
        self.rest
            .iter()
            .map(|expr| {
                Ok(Arc::new(ExprFilter::new(Arc::clone(expr), Arc::clone(&stored), false)?) as Arc<dyn RowFilter>)
            })
            .collect()
    }

    /// The rows of `batch` that all conjuncts keep. `batch` has the table's columns.
    pub(super) fn apply(&self, batch: RecordBatch) -> Result<RecordBatch> {
        apply(&self.exprs, batch)
    }
}

/// The rows of `batch` that all of `exprs` keep.
pub(super) fn apply(exprs: &[Arc<dyn PhysicalExpr>], batch: RecordBatch) -> Result<RecordBatch> {
    let mut kept = None;
    for expr in exprs {
        let mask = evaluate(expr, &batch)?;
        kept = Some(match kept {
            None => mask,
            Some(kept) => and_kleene(&kept, &mask)?,
        });
    }
    Ok(match kept {
        None => batch,
        Some(kept) => filter_record_batch(&batch, &kept)?,
    })
}

/// Expressions, comma separated.
pub(super) fn display_all(exprs: &[Arc<dyn PhysicalExpr>]) -> String {
    exprs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
