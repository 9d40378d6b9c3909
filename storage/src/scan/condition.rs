//! What rows must satisfy, and in which order a zone is held against it.
//!
//! The conjuncts of a scan commute, so the cheapest way to rule a row out goes first: by cost a row
//! over the part of rows that the conjunct rules out, as seen so far by all threads of the scan.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, BooleanArray};

use super::scan::projected;
use super::survivors::batch_of;
use crate::api::ScanRequest;
use crate::error::Result;
use crate::predicate::{Matcher, RowFilter};
use crate::types::{StoredType, TableSchema};

/// Part of the rows that a conjunct is taken to keep before it has seen any.
const UNSEEN_KEEPS: f64 = 0.5;
/// As many rows count as seen from the start, so that one zone does not decide.
const UNSEEN_ROWS: f64 = 4096.0;

/// One conjunct.
#[derive(Debug)]
pub(super) struct Condition {
    test: Test,
    /// Columns that it reads.
    pub(super) columns: Vec<usize>,
    /// Relative cost of a row; 1 is the comparison of a number.
    pub(super) cost: f64,
    /// Whether zone maps can show that it holds for every row.
    pub(super) settled_by_zone_maps: bool,
    seen: AtomicU64,
    kept: AtomicU64,
}

#[derive(Debug)]
enum Test {
    Predicate(Matcher),
    Filter(Arc<dyn RowFilter>),
}

impl Condition {
    /// The conjuncts of a request. Fails if a predicate does not fit the schema.
    pub(super) fn all(request: &ScanRequest, schema: &TableSchema) -> Result<Vec<Self>> {
        let predicates = request.predicates.iter().map(|predicate| {
            let test = Test::Predicate(predicate.matcher(schema)?);
            Ok(Self::new(test, predicate.columns(), schema, 0.0, true))
        });
        let filters = request.filters.iter().map(|filter| {
            // What only its maker can evaluate is taken to be some work.
            Ok(Self::new(Test::Filter(filter.clone()), filter.columns().to_vec(), schema, 4.0, false))
        });
        predicates.chain(filters).collect()
    }

    fn new(test: Test, columns: Vec<usize>, schema: &TableSchema, own_cost: f64, settled: bool) -> Self {
        let cost = own_cost + columns.iter().map(|c| value_cost(schema.columns[*c].data_type)).sum::<f64>();
        Self { test, columns, cost, settled_by_zone_maps: settled, seen: AtomicU64::new(0), kept: AtomicU64::new(0) }
    }

    /// Whether evaluating it can rule anything out at present.
    pub(super) fn is_active(&self) -> bool {
        match &self.test {
            Test::Predicate(_) => true,
            Test::Filter(filter) => filter.is_active(),
        }
    }

    /// Cost for each row that it rules out.
    fn rank(&self) -> f64 {
        let seen = self.seen.load(Ordering::Relaxed) as f64 + UNSEEN_ROWS;
        let kept = self.kept.load(Ordering::Relaxed) as f64 + UNSEEN_ROWS * UNSEEN_KEEPS;
        self.cost / (1.0 - kept / seen).max(1e-3)
    }

    /// Remembers how many of the rows looked at it kept.
    pub(super) fn note(&self, seen: usize, kept: usize) {
        self.seen.fetch_add(seen as u64, Ordering::Relaxed);
        self.kept.fetch_add(kept as u64, Ordering::Relaxed);
    }

    /// True, false or NULL for each of `rows` rows.
    pub(super) fn evaluate(
        &self,
        schema: &TableSchema,
        rows: usize,
        column: &mut dyn FnMut(usize) -> Result<ArrayRef>,
    ) -> Result<BooleanArray> {
        match &self.test {
            Test::Predicate(matcher) => matcher.evaluate(rows, column),
            Test::Filter(filter) => {
                let columns = self.columns.iter().map(|c| column(*c)).collect::<Result<_>>()?;
                filter.evaluate(&batch_of(projected(schema, &self.columns), columns, rows)?)
            }
        }
    }
}

/// Relative cost of reading and looking at one value.
fn value_cost(data_type: StoredType) -> f64 {
    match data_type {
        StoredType::Utf8 | StoredType::Binary => 8.0,
        StoredType::Decimal128(..) => 2.0,
        StoredType::Decimal256(..) => 4.0,
        _ => 1.0,
    }
}

/// Positions of `conditions`, best first.
pub(super) fn best_first(conditions: &[Condition]) -> Vec<usize> {
    let ranks: Vec<f64> = conditions.iter().map(Condition::rank).collect();
    let mut order: Vec<usize> = (0..conditions.len()).collect();
    order.sort_by(|a, b| ranks[*a].total_cmp(&ranks[*b]));
    order
}
