//! One logical table over the row store and the columnar replica.
//!
//! The path is chosen when the physical plan is made, because only then the filters are known. Both
//! paths take every filter and apply it exactly, so the plan above is the same on either.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Constraint, Constraints, Result, ToDFSchema};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::expr_rewriter::unnormalize_col;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::create_physical_expr;
use datafusion::physical_plan::ExecutionPlan;
use deltatree_learner::catalog::{PrimaryKey, TableInfo};
use deltatree_learner::columnar::TableSnapshot;
use deltatree_storage::api::ScanRequest;
use deltatree_storage::types::{KeyRange, RowKey};

use super::statistics::{Estimate, plan_statistics, selectivity};
use crate::access_path::{AccessPath, Choice, Facts, already_read, choose, choose_few};
use crate::error::SqlError;
use crate::exec::{ColumnarRead, ColumnarScanExec, OwnRows, RowRead, RowReadExec, RowSource, ScanFilters, ScanShape};
use crate::planner::{Engine, NAME_KEY, QueryReads, ROW_ID};
use crate::types::field::arrow_field;

/// Rows that a stream of a scan should have at least.
const ROWS_PER_PARTITION: u64 = 32_768;

/// Figures of a table for the order of joins.
pub(crate) struct TableEstimate {
    /// Rows after filters.
    pub(crate) rows: f64,
    /// Rows before filters.
    pub(crate) base_rows: f64,
    /// Distinct values of each column, where known.
    pub(crate) distinct: Vec<Option<f64>>,
}

/// A table within one query.
#[derive(Debug)]
pub struct HtapTable {
    table: Arc<TableInfo>,
    schema: SchemaRef,
    constraints: Constraints,
    reads: Arc<QueryReads>,
}

impl HtapTable {
    /// The table as `reads` sees it.
    pub fn new(table: Arc<TableInfo>, reads: Arc<QueryReads>) -> Self {
        let mut fields: Vec<_> = table.columns.iter().map(|c| named(arrow_field(c), &c.name)).collect();
        if table.primary_key == PrimaryKey::Hidden && reads.context().row_id_visible {
            fields.push(named(Field::new(ROW_ID, DataType::Int64, false), ROW_ID));
        }
        let key = table.primary_key_positions();
        let constraints = if key.is_empty() { Vec::new() } else { vec![Constraint::PrimaryKey(key)] };
        Self {
            table,
            schema: Arc::new(Schema::new(fields)),
            constraints: Constraints::new_unverified(constraints),
            reads,
        }
    }

    /// Its definition.
    pub fn info(&self) -> &Arc<TableInfo> {
        &self.table
    }

    /// Rows that `filters` leave, and distinct values, from what the columnar replica has now. `None` if
    /// it has nothing.
    pub(crate) fn estimate(&self, filters: &[Expr]) -> Option<TableEstimate> {
        let statistics = self.reads.peek(&self.table)?.statistics;
        let shape = ScanShape::new(Arc::clone(&self.table), Arc::clone(&self.schema), None);
        let names = Arc::clone(&self.schema).to_dfschema().ok()?;
        let (props, context) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        let physical = |filter: &Expr| create_physical_expr(filter, &names, &props, &context);
        let exprs = filters.iter().map(|f| physical(&unnormalize_col(f.clone()))).collect::<Result<Vec<_>>>().ok()?;
        let filters = ScanFilters::new(&shape, &exprs);
        let base_rows = statistics.rows as f64;
        Some(TableEstimate {
            rows: base_rows * selectivity(&filters, &statistics.columns),
            base_rows,
            distinct: statistics.columns.iter().map(|c| c.distinct.map(|n| n as f64)).collect(),
        })
    }

    fn choose(&self, shape: &ScanShape, filters: &ScanFilters) -> Result<(Choice, Facts), SqlError> {
        let conjuncts = filters.known();
        let context = self.reads.context();
        if let Some((path, _)) = &context.rows {
            return Ok((already_read(path.clone()), Facts::default()));
        }
        let mut engines = context.engines;
        let mut hint = self.reads.hints().engine(&self.table.name);
        // Row ids are keys, and the columnar replica returns columns.
        if shape.returns_row_id() {
            engines.columnar = false;
            hint = hint.filter(|engine| *engine != Engine::Columnar);
        }
        if !self.reads.is_explained()
            && let Some(choice) = choose_few(&self.table, &conjuncts, engines, hint)
        {
            return Ok((choice, Facts::default()));
        }
        let mut facts = Facts {
            columns_read: shape.projection.len(),
            gate_wait_us: self.reads.expected_gate_wait().as_micros() as f64,
            no_columnar: self.reads.columnar().is_none(),
            ..Facts::default()
        };
        if let Some(peek) = self.reads.peek(&self.table) {
            facts.rows = Some(peek.statistics.rows);
            facts.columns = peek.statistics.columns.clone();
            let request = ScanRequest { predicates: conjuncts.clone(), ..ScanRequest::all(stored_projection(shape)) };
            facts.columnar = Some(peek.snapshot.estimate(&request)?);
        }
        Ok((choose(&self.table, &conjuncts, &facts, engines, hint)?, facts))
    }

    fn row_scan(&self, shape: ScanShape, filters: ScanFilters, choice: Choice, facts: &Facts) -> RowReadExec {
        let context = self.reads.context();
        let parts = match (&context.rows, &choice.path) {
            (Some((_, rows)), _) => vec![RowSource::Read(rows.clone())],
            (None, AccessPath::PointGet { keys }) => vec![RowSource::Points(keys.clone())],
            (None, AccessPath::KeyRange { ranges }) => self.split(ranges.clone(), choice.rows, facts),
            (None, AccessPath::IndexRange { index, ranges, .. }) => {
                let index = self.table.indexes.iter().find(|i| i.id == *index);
                index.map(|i| RowSource::Index { index: i.clone(), ranges: ranges.clone() }).into_iter().collect()
            }
            (None, AccessPath::RowScan | AccessPath::ColumnarScan) => {
                self.split(vec![KeyRange::ALL], choice.rows, facts)
            }
        };
        let statistics = plan_statistics(&shape, &filters, &Estimate::inexact(facts, choice.rows));
        let read = RowRead {
            shape,
            filters,
            parts,
            choice,
            reader: self.reads.rows(),
            ts: context.ts,
            overlay: context.overlay.clone(),
            cancel: context.cancel.clone(),
        };
        RowReadExec::new(read, statistics)
    }

    /// One range of many rows becomes several, by the bounds of an integer key.
    fn split(&self, ranges: Vec<KeyRange>, rows: f64, facts: &Facts) -> Vec<RowSource> {
        let whole = || vec![RowSource::Ranges(ranges.clone())];
        let [range] = ranges.as_slice() else { return whole() };
        let parts = (rows as u64 / ROWS_PER_PARTITION).clamp(1, self.reads.partitions() as u64) as i128;
        let Some((low, high)) = self.integer_bounds(range, facts) else { return whole() };
        if parts == 1 || high - low < parts {
            return whole();
        }
        let mut parts_of_range = Vec::new();
        let mut rest = range.clone();
        for i in 1..parts {
            let at = low + (high - low) * i / parts;
            let Ok(at) = i64::try_from(at) else { return whole() };
            let (head, tail) = rest.split(RowKey::Int(at));
            parts_of_range.push(RowSource::Ranges(vec![head]));
            rest = tail;
        }
        parts_of_range.push(RowSource::Ranges(vec![rest]));
        parts_of_range
    }

    /// Smallest and largest row key that a range of an integer-keyed table can hold.
    fn integer_bounds(&self, range: &KeyRange, facts: &Facts) -> Option<(i128, i128)> {
        let PrimaryKey::Integer { column } = &self.table.primary_key else { return None };
        let statistics = facts.columns.get(self.table.position_of(*column)?)?;
        let key = |value: &Option<deltatree_storage::types::Value>| match value {
            Some(deltatree_storage::types::Value::Int(v)) => Some(i128::from(*v)),
            _ => None,
        };
        let bound = |key: &Option<RowKey>| match key {
            Some(RowKey::Int(v)) => Some(i128::from(*v)),
            Some(RowKey::Bytes(_)) | None => None,
        };
        let (min, max) = (key(&statistics.min)?, key(&statistics.max)?);
        Some((bound(&range.start).map_or(min, |v| v.max(min)), bound(&range.end).map_or(max, |v| v.min(max))))
    }

    fn columnar_scan(
        &self,
        shape: ScanShape,
        filters: ScanFilters,
        choice: Choice,
        snapshot: TableSnapshot,
    ) -> Result<ColumnarScanExec, SqlError> {
        let context = self.reads.context();
        let own = OwnRows::of(context.overlay.as_deref(), &self.table, &self.schema)?;
        let request = ScanRequest { predicates: filters.known(), ..ScanRequest::all(stored_projection(&shape)) };
        let zones = snapshot.estimate(&request)?;
        let statistics = snapshot.statistics()?;
        let estimate = Estimate::of_snapshot(&statistics, &zones, own.is_some());
        let statistics = plan_statistics(&shape, &filters, &estimate);
        let partitions = (estimate.rows_kept() / ROWS_PER_PARTITION).clamp(1, self.reads.partitions() as u64) as usize;
        let read = ColumnarRead { shape, snapshot, choice, own, estimate: zones, cancel: context.cancel.clone() };
        Ok(ColumnarScanExec::new(read, filters, statistics, partitions))
    }
}

/// The columns that storage returns for a scan: all but the row id.
fn stored_projection(shape: &ScanShape) -> Vec<usize> {
    shape.projection.iter().copied().filter(|&i| i < shape.table.columns.len()).collect()
}

fn named(field: Field, name: &str) -> Field {
    let mut metadata: HashMap<_, _> = field.metadata().clone();
    metadata.insert(NAME_KEY.to_owned(), name.to_owned());
    field.with_metadata(metadata)
}

#[async_trait]
impl TableProvider for HtapTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn constraints(&self) -> Option<&Constraints> {
        Some(&self.constraints)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let shape = ScanShape::new(Arc::clone(&self.table), Arc::clone(&self.schema), projection.map(Vec::as_slice));
        let names = Arc::clone(&self.schema).to_dfschema()?;
        let exprs = filters
            .iter()
            .map(|filter| session.create_physical_expr(filter.clone(), &names))
            .collect::<Result<Vec<_>>>()?;
        let filters = ScanFilters::new(&shape, &exprs);
        let (choice, facts) = self.choose(&shape, &filters)?;
        if choice.path.engine() == Engine::Row {
            return Ok(Arc::new(self.row_scan(shape, filters, choice, &facts)));
        }
        match self.reads.snapshot(&self.table).await {
            Ok(snapshot) => Ok(Arc::new(self.columnar_scan(shape, filters, choice, snapshot)?)),
            Err(e) if choice.may_fall_back() && e.code != SqlError::schema_changed().code => {
                tracing::warn!(table = %self.table.name, error = %e, "columnar replica not readable, reading rows instead");
                let choice = choice.fallen_back().ok_or(e)?;
                Ok(Arc::new(self.row_scan(shape, filters, choice, &facts)))
            }
            Err(e) => Err(e.into()),
        }
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| {
            if filter.is_volatile() || contains_subquery(filter) {
                TableProviderFilterPushDown::Unsupported
            } else {
                TableProviderFilterPushDown::Exact
            }
        };
        Ok(filters.iter().map(support).collect())
    }
}

fn contains_subquery(expr: &Expr) -> bool {
    use datafusion::common::tree_node::TreeNode;
    let is_subquery = |e: &Expr| {
        matches!(
            e,
            Expr::ScalarSubquery(_)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
        )
    };
    expr.exists(|e| Ok(is_subquery(e))).unwrap_or(true)
}
