//! A snapshot of the engine as a DataFusion table.
//!
//! The server's own table needs a leader group to read through. This one has what both share: the
//! storage scan that all streams pull from, and the conversion of filters into its predicates.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result, ToDFSchema};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::expr_rewriter::unnormalize_col;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::create_physical_expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use deltatree_query::predicate_convert::exact;
use deltatree_storage::api::ScanRequest;
use deltatree_storage::predicate::Predicate;
use deltatree_storage::scan::{Scan, Snapshot};
use deltatree_storage::types::StoredType;

use super::table::arrow_schema;

/// What a query sees of the table.
#[derive(Debug)]
pub(super) struct SnapshotTable {
    snapshot: Snapshot,
    schema: SchemaRef,
}

impl SnapshotTable {
    pub(super) fn new(snapshot: Snapshot) -> Self {
        let schema = arrow_schema(snapshot.schema());
        Self { snapshot, schema }
    }

    /// The filter in the engine's words; `None` if it has none for it.
    fn predicate(&self, filter: &Expr) -> Result<Option<Predicate>> {
        let names = Arc::clone(&self.schema).to_dfschema()?;
        let (props, context) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        let filter = create_physical_expr(&unnormalize_col(filter.clone()), &names, &props, &context)?;
        let columns: Vec<Option<(usize, StoredType)>> =
            self.snapshot.schema().columns.iter().enumerate().map(|(at, c)| Some((at, c.data_type))).collect();
        Ok(exact(filter.as_ref(), &columns))
    }
}

#[async_trait]
impl TableProvider for SnapshotTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
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
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let mut predicates = Vec::new();
        for filter in filters {
            predicates.extend(self.predicate(filter)?);
        }
        let schema = Arc::new(self.schema.project(&projection)?);
        let request = ScanRequest { predicates, ..ScanRequest::all(projection) };
        let scan = self.snapshot.scan(request).map_err(external)?;
        let partition = |_| {
            let part: Arc<dyn PartitionStream> = Arc::new(Part { scan: scan.clone(), schema: schema.clone() });
            part
        };
        let partitions = (0..session.config().target_partitions()).map(partition).collect();
        Ok(Arc::new(StreamingTableExec::try_new(Arc::clone(&schema), partitions, None, [], false, None)?))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| {
            Ok(match self.predicate(filter)? {
                Some(_) => TableProviderFilterPushDown::Exact,
                None => TableProviderFilterPushDown::Unsupported,
            })
        };
        filters.iter().map(support).collect()
    }
}

/// One stream of the scan.
struct Part {
    scan: Arc<Scan>,
    schema: SchemaRef,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Part")
    }
}

impl PartitionStream for Part {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut worker = self.scan.worker();
        let batches = std::iter::from_fn(move || worker.next_batch().map_err(external).transpose());
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), futures::stream::iter(batches)))
    }
}

fn external(error: deltatree_storage::error::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
