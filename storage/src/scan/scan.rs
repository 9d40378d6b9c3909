//! A scan that any number of threads share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;

use super::condition::Condition;
use super::plan::Plan;
use super::snapshot::View;
use super::survivors::batch_of;
use super::zone::read_unit;
use crate::api::{ScanMetrics, ScanRequest};
use crate::error::Result;
use crate::predicate::Predicate;
use crate::types::TableSchema;

/// Planned once; read by [`Scan::worker`]s, one a thread, which take zone after zone from a common
/// list, so that they end together whatever their speed.
#[derive(Debug)]
pub struct Scan {
    pub(super) view: Arc<View>,
    pub(super) request: ScanRequest,
    /// What rows must satisfy.
    pub(super) conditions: Vec<Condition>,
    pub(super) plan: Plan,
    pub(super) schema: SchemaRef,
    pub(super) metrics: Counters,
    cursor: AtomicUsize,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) zones_pruned: AtomicU64,
    pub(super) rows_scanned: AtomicU64,
    pub(super) rows_returned: AtomicU64,
    pub(super) delta_rows: AtomicU64,
    pub(super) packs_read: AtomicU64,
}

impl Scan {
    pub(super) fn new(view: Arc<View>, request: ScanRequest) -> Result<Self> {
        let bounds = request.filters.iter().filter_map(|f| f.bounds());
        let predicate = Predicate::And(request.predicates.iter().cloned().chain(bounds).collect());
        let plan = Plan::new(&view, &request, &predicate)?;
        Self::planned(view, request, plan)
    }

    /// A scan of the units of `plan`.
    pub(super) fn planned(view: Arc<View>, request: ScanRequest, plan: Plan) -> Result<Self> {
        let conditions = Condition::all(&request, &view.version.schema)?;
        let schema = projected(&view.version.schema, &request.projection);
        let (metrics, cursor) = (Counters::default(), AtomicUsize::new(0));
        Ok(Self { view, request, conditions, plan, schema, metrics, cursor })
    }

    /// What the batches look like.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Zones still to be read by anyone; how many threads are of use.
    pub fn units_left(&self) -> usize {
        self.plan.units.len().saturating_sub(self.cursor.load(Ordering::Relaxed))
    }

    /// A reader of this scan, for one thread.
    pub fn worker(self: &Arc<Self>) -> ScanWorker {
        ScanWorker { scan: self.clone(), ready: VecDeque::new(), small: Vec::new(), small_rows: 0 }
    }

    /// What was done so far by all threads.
    pub fn metrics(&self) -> ScanMetrics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ScanMetrics {
            zones_total: self.plan.zones_total,
            zones_pruned: self.plan.zones_pruned + get(&self.metrics.zones_pruned),
            rows_scanned: get(&self.metrics.rows_scanned),
            rows_returned: get(&self.metrics.rows_returned),
            delta_rows: get(&self.metrics.delta_rows),
            packs_read: get(&self.metrics.packs_read),
            packs_pruned: self.plan.packs_pruned,
        }
    }
}

/// One thread's reader of a [`Scan`].
#[derive(Debug)]
pub struct ScanWorker {
    scan: Arc<Scan>,
    ready: VecDeque<RecordBatch>,
    /// Batches too small to be worth handing on singly.
    small: Vec<RecordBatch>,
    small_rows: usize,
}

impl ScanWorker {
    /// The next rows, at most the request's `batch_rows` and never none; `None` when the zones are
    /// used up. Zones of which few rows survive are joined. Fails if the scan is cancelled or damage
    /// is found, and is over then.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            self.scan.request.cancel.check()?;
            let unit = self.scan.cursor.fetch_add(1, Ordering::Relaxed);
            let Some(unit) = self.scan.plan.units.get(unit) else {
                self.join_small()?;
                return Ok(self.ready.pop_front());
            };
            if let Some(rows) = read_unit(&self.scan, unit, false)? {
                self.add(rows.batch)?;
            }
        }
    }

    fn add(&mut self, batch: RecordBatch) -> Result<()> {
        let limit = self.scan.request.batch_rows;
        let rows = batch.num_rows();
        if self.small.is_empty() && rows * 2 >= limit {
            let mut start = 0;
            while start < rows {
                let len = limit.min(rows - start);
                self.ready.push_back(if len == rows { batch.clone() } else { batch.slice(start, len) });
                start += len;
            }
            return Ok(());
        }
        if self.small_rows + rows > limit {
            self.join_small()?;
            return self.add(batch);
        }
        self.small_rows += rows;
        self.small.push(batch);
        if self.small_rows * 2 >= limit { self.join_small() } else { Ok(()) }
    }

    fn join_small(&mut self) -> Result<()> {
        let small = std::mem::take(&mut self.small);
        let rows = std::mem::take(&mut self.small_rows);
        match small.as_slice() {
            [] => {}
            [only] => self.ready.push_back(only.clone()),
            _ if self.scan.request.projection.is_empty() => {
                self.ready.push_back(batch_of(self.scan.schema.clone(), Vec::new(), rows)?);
            }
            _ => self.ready.push_back(concat_batches(&self.scan.schema, &small)?),
        }
        Ok(())
    }
}

/// The Arrow schema of some columns.
pub(super) fn projected(schema: &TableSchema, columns: &[usize]) -> SchemaRef {
    let field = |c: &usize| {
        let column = &schema.columns[*c];
        Field::new(&column.name, column.data_type.arrow(), column.nullable)
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}
